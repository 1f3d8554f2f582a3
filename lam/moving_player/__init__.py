"""Actions read off a player that moves about in a still picture."""
