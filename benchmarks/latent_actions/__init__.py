"""A yardstick for latent actions: the same games and figures for every method."""
