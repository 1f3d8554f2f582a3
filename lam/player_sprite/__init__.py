"""Actions read off a player sprite that keeps to one position in the frame."""
