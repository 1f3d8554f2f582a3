"""What was played, as a log of tokens: written, read, replayed."""
