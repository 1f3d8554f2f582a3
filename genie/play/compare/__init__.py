"""Two plays side by side under the same keys."""
