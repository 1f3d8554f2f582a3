"""Names and keys of the actions."""
