"""Actions of large frames, read off smaller ones."""
