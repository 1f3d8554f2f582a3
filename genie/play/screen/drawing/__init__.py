"""What pygame draws."""
