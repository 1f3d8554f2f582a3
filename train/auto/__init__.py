"""Which method of latent actions a corpus wants, by what moves in it."""
