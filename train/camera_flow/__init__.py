"""Fitting actions that are read off how the picture flows."""
