"""Films, pictures and charts as files."""
