"""Writing a corpus: append-only, one program at a time, and what is committed stays."""
