"""Play as plain values and calls, without a screen."""
