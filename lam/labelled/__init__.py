"""Actions that a few labels name."""
