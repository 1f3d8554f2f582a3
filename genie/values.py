"""Values from json files of others: of the right kind and size, and safe to print."""

from __future__ import annotations

import math


def text(value: object) -> str:
    """Return a text without what a terminal would obey; ValueError for another value."""
    if not isinstance(value, str):
        raise ValueError(f"a text, such as {value!r:.40}")
    return "".join(letter if letter.isprintable() else "?" for letter in value)


def whole(value: object, low: int, high: int) -> int:
    """Return a whole number in a range; ValueError for another value."""
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"a whole number from {low} to {high}, such as {value!r:.40}")
    return value


def number(value: object, low: float, high: float) -> float:
    """Return a number in a range as a float; ValueError for another value."""
    if type(value) not in (int, float) or not low <= value <= high or math.isnan(value):
        raise ValueError(f"a number from {low:g} to {high:g}, such as {value!r:.40}")
    return float(value)
