"""What a larger model is worth, by what its training costs."""
