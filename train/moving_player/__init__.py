"""Fitting the actions of a player that moves about in a picture that is still or scrolls."""
