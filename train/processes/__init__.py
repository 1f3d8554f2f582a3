"""Several processes for one `genie train`: started, watched, and joined to each other."""
