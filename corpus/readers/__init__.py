"""Recordings in the formats that people have: one reader for each, found by name or by content."""
