"""Actions read off a player that moves about in a picture that is still or scrolls."""
