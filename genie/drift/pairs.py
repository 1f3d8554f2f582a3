"""Pairs of neighbouring codes as text."""

from __future__ import annotations

import lzma
from base64 import b64decode, b64encode

import numpy as np

MOST_PAIRS = 1 << 26
# Numbers of eight bytes, each at its own height: 6 % less than the defaults.
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 0, "lp": 0, "pb": 3}]


def pack_pairs(numbers: np.ndarray) -> str:
    """Write rising numbers as the gaps between them, packed: as plain json they take six times."""
    gaps = np.diff(numbers, prepend=0).astype("<u8")
    return b64encode(lzma.compress(gaps.tobytes(), filters=_FILTERS)).decode("ascii")


def unpack_pairs(packed: str, most: int) -> np.ndarray:
    """Read what pack_pairs wrote.

    Raises:
        ValueError: they are no rising numbers below `most`.
    """
    # Bounded on the way: a few bytes can unpack to any size, and a sum of any gaps can overflow.
    size = 8 * min(most, MOST_PAIRS)
    try:
        reader = lzma.LZMADecompressor(memlimit=1 << 28)
        found = reader.decompress(b64decode(packed, validate=True), max_length=size)
        gaps = np.frombuffer(found, "<u8")
    except (lzma.LZMAError, EOFError) as error:
        raise ValueError(f"pairs ({error})") from None
    if not reader.eof or (gaps >= most).any() or not gaps[1:].all():
        raise ValueError("pairs as rising numbers")
    numbers = gaps.astype(np.int64).cumsum()
    if len(numbers) and numbers[-1] >= most:
        raise ValueError("pairs below the square of the number of codes")
    return numbers
