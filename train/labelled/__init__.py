"""Fitting the actions that a few labels name."""
