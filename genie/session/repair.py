"""Flipped bits, found and undone by a CRC-32; a copy of what was damaged."""

import os
import shutil
import zlib
from functools import cache
from itertools import count
from pathlib import Path

_ALL = 0xFFFFFFFF
_ONE_FLIP_BITS, _TWO_FLIP_BITS = 91607, 2974
"""Longest blocks in which CRC-32 tells one flip, and two flips, from all others of that number.

Source: Koopman, "32-Bit Cyclic Redundancy Codes for Internet Applications" (2002), table 1.
"""


def flipped_bits(body: bytes, check: int) -> tuple[int, ...] | None:
    """Find which bits of a block and its checksum have flipped.

    Returns:
        None if they are too many to be found, else up to two numbers for `undo`; those from
        8·len(body) on are of the checksum.
    """
    syndrome = zlib.crc32(body) ^ check
    if not syndrome:
        return ()
    if 8 * len(body) > _ONE_FLIP_BITS:
        return None
    bits = _bit_of_syndrome(len(body))
    if syndrome in bits:
        return (bits[syndrome],)
    if 8 * len(body) <= _TWO_FLIP_BITS:
        for other, bit in bits.items():
            if syndrome ^ other in bits:
                return (bit, bits[syndrome ^ other])
    return None


def undo(body: bytes, bits: tuple[int, ...]) -> bytes:
    """Return a block with some of its bits flipped; bits of its checksum are left out."""
    changed = bytearray(body)
    for bit in bits:
        if bit < 8 * len(body):
            changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@cache
def _bit_of_syndrome(size: int) -> dict[int, int]:
    """Return which bit's flip changes the checksum in which way."""
    # CRC-32 is linear: a flip changes it by the same bits whatever the block holds, and a flip
    # one byte further from the end as one more zero byte would change that.
    bits = {1 << bit: 8 * size + bit for bit in range(32)}
    changes = [zlib.crc32(bytes([1 << bit]), _ALL) ^ _ALL for bit in range(8)]
    for byte in reversed(range(size)):
        bits |= {change: 8 * byte + bit for bit, change in enumerate(changes)}
        changes = [zlib.crc32(b"\0", change ^ _ALL) ^ _ALL for change in changes]
    return bits


def keep_copy(path: Path) -> Path:
    """Copy a damaged file to a name beside it that does not exist; returns that name."""
    for number in count(1):
        copy = path.with_name(f"{path.name}.damaged{'' if number == 1 else f'-{number}'}")
        try:
            with open(path, "rb") as source, open(copy, "xb") as target:
                shutil.copyfileobj(source, target)
                target.flush()
                os.fsync(target.fileno())
        except FileExistsError:
            continue
        return copy
