"""Games, played at random and recorded as a corpus."""
