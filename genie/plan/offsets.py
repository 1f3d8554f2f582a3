"""Where a picture of a world was taken, by the tokens that it shares with what is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SAME = 0.9
"""Chance that a token that was seen before looks the same again: things move."""
LEAST_CHANCE = 1e-4  # of a code that the corpus hardly has
FAR = 0.2
"""What a step of distance takes from the evidence: near by is likelier."""
LEAST_EVIDENCE = 3.0
"""Natural logarithm of the odds from which an offset is believed, 20 to 1."""


@dataclass(frozen=True, kw_only=True)
class Offset:
    """Where a picture may have been taken, seen from another one.

    Attributes:
        down: rows of tokens.
        right: columns of tokens.
        evidence: natural logarithm of how much likelier the tokens are so than by chance.
    """

    down: int
    right: int
    evidence: float

    @property
    def score(self) -> float:
        """What offsets are ranked by."""
        return self.evidence - FAR * (abs(self.down) + abs(self.right))


def find_offsets(
    known: np.ndarray, picture: np.ndarray, follows: np.ndarray, chances: np.ndarray
) -> list[Offset]:
    """List where a picture may have been taken, the likeliest first.

    Each offset lays the picture over what is known. Tokens that are the same speak for it, rare
    ones most; others speak against it. Where nothing is known, nothing speaks for or against.

    Args:
        known: int (h+2m, w+2m), tokens that are known, K where none is. Offsets count from a place
            in its middle, and go m tokens far.
        picture: int (h, w), its tokens.
        follows: bool (h, w), which of them move with the picture.
        chances: float (K,), how often each code occurs.
    """
    most = (known.shape[0] - picture.shape[0]) // 2
    windows = np.lib.stride_tricks.sliding_window_view(known, picture.shape)  # (2m+1, 2m+1, h, w)
    counted = (windows != len(chances)) & follows
    same = counted & (windows == picture)
    gain = np.log(SAME / _chances(known, picture[follows], chances))[picture]  # (h, w)
    others = (counted & ~same).sum(axis=(2, 3))
    evidence = (same * gain).sum(axis=(2, 3)) + others * np.log(1 - SAME)
    found = [
        Offset(down=int(row) - most, right=int(column) - most, evidence=float(value))
        for (row, column), value in np.ndenumerate(evidence)
    ]
    return sorted(found, key=lambda offset: -offset.score)


def _chances(known: np.ndarray, picture: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Return how often each code is there by chance: in a meadow, grass proves nothing."""
    here = np.concatenate([known[known != len(chances)], picture.reshape(-1)])
    shares = np.bincount(here, minlength=len(chances)) / len(here)
    return np.maximum(np.maximum(chances, SAME * shares), LEAST_CHANCE)
