"""What each stage fits, and whether what came out is any good."""
