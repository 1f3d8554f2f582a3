"""Fitting the actions of a player that moves about in a still picture."""
