"""What a world is worth as the beginning of another one, by minutes of new video."""
