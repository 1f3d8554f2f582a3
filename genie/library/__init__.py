"""What a world is on disk: its folder, its zip, its card, and where worlds lie."""
