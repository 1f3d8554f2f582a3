"""Ground floor: space-time transformer pieces, quantizers and weights on disk."""
