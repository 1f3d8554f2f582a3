"""How often plans that are made in a world reach their goals in the real game."""
