"""Playing a world. Only `genie.play.screen` knows a screen and pygame."""
