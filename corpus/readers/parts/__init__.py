"""Parts of readers: what several share, and formats inside formats."""
