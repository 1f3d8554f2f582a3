"""Fitting the actions behind a camera that moves by whole steps."""
