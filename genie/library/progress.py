"""Which part of a world is being loaded, for a bar."""

from collections.abc import Callable

Say = Callable[[str, float], None]
"""Takes what is being loaded now, and the fraction of all that is done."""


def silent(what: str, done: float) -> None:
    """Tell nobody."""
