"""Actions read off a camera that follows the player by whole steps."""
