"""Clips of frames, and the corpus as integers."""
