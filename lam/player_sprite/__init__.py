"""Actions read off a player sprite that keeps its place in the frame."""
