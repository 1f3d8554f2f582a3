"""Fitting actions that are read off a player sprite."""
