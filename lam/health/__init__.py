"""Whether latent actions are in use and mean something."""
