"""How well curation finds what was planted in recordings of games."""
