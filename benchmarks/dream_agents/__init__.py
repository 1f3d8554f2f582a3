"""The judge of agents that learned inside a world: they play the real game."""
