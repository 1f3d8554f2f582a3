"""Collapsed models are refused before the next stage."""
