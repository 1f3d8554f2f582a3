"""Cloning what is played in a video, in latent actions."""
