"""Seeds of many independent draws from one seed."""


def seed_of(seed: int, index: int) -> int:
    """Return the seed of the draw number `index` (a step, a clip, a sample) under `seed`."""
    # Neighbouring seeds share no draw among their first million.
    return seed * 1_000_003 + index
