"""What of the footage is worth training on: cuts, stretches to drop, and the reasons."""
