"""The judge of policies that were cloned from unlabelled video: they play the real game."""
