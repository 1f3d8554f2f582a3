"""Pictures to start from: read, cut to size, and rated by how well the world knows them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genie.media.pictures import read_picture
from genie.session.transfer import fit_picture

_CAP_DB = 60.0
_LEAST_FRACTION = 1e-6  # of a code that the corpus never showed
# dB below and bits above the world's own prompts, at most
_VERDICTS = (("familiar", 2.0, 1.0), ("unusual", 5.0, 2.0))
_MEANINGS = {
    "familiar": "this looks like what the world knows",
    "unusual": "the world has seen little like this",
    "unknown": "the world has never seen anything like this, expect dreams",
}


@dataclass(frozen=True, kw_only=True)
class PromptHint:
    """How well a world knows a picture; both pictures are uint8 (H, W, 3)."""

    picture: np.ndarray  # as it was given, in the world's size
    seen: np.ndarray  # as the tokenizer decodes it: what play starts from
    psnr: float  # of seen against picture, dB, at most 60
    known_psnr: float  # the lowest of the world's own prompts
    surprise: float  # bits per token, by the frequency of codes in the corpus; 0 if not counted
    known_surprise: float  # the highest of the world's own prompts

    @property
    def verdict(self) -> str:
        """Return "familiar", "unusual" or "unknown"."""
        return max(self._by_psnr, self._by_surprise, key=list(_MEANINGS).index)

    @property
    def text(self) -> str:
        """Return the verdict in a line, with the figure that decided it."""
        if self._by_psnr == self.verdict:
            figure = f"decoded at {self.psnr:.1f} dB, {self._beside_known}"
        else:
            figure = (
                f"{self.surprise:.1f} bits a token, its own prompts at most "
                f"{self.known_surprise:.1f}: rare in what it has seen"
            )
        return f"{self.verdict}: {_MEANINGS[self.verdict]} ({figure})"

    @property
    def _beside_known(self) -> str:
        missing = self.known_psnr - self.psnr
        if self.verdict == "familiar" and missing > 0:
            return f"only {missing:.1f} below its own prompts"
        return f"its own prompts at {self.known_psnr:.1f} or more"

    @property
    def _by_psnr(self) -> str:
        below = self.known_psnr - self.psnr
        return next((name for name, most, _ in _VERDICTS if below <= most), "unknown")

    @property
    def _by_surprise(self) -> str:
        above = self.surprise - self.known_surprise
        return next((name for name, _, most in _VERDICTS if above <= most), "unknown")


def read_prompt(path: Path | str, height: int, width: int) -> np.ndarray:
    """Read a picture; returns its middle as uint8 (height, width, 3).

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no picture that `read_picture` takes.
    """
    return fit_picture(read_picture(path), height, width)


def rate_prompt(world: Any, picture: np.ndarray) -> PromptHint:
    """Compare a picture from `read_prompt` with the prompts of a genie.world.World."""
    fractions = world.bundle.statistics.get("codes")
    known = [_measure(world, prompt, fractions) for prompt in world.bundle.prompts]
    psnr, surprise = _measure(world, picture, fractions)
    return PromptHint(
        picture=picture,
        seen=world.see(picture)[1],
        psnr=psnr,
        known_psnr=min(value for value, _ in known),
        surprise=surprise,
        known_surprise=max(value for _, value in known),
    )


def _measure(world: Any, picture: np.ndarray, fractions: Any) -> tuple[float, float]:
    """Return PSNR in dB and bits per token."""
    ids, seen = world.see(picture)
    error = float(((picture.astype(np.float64) - seen) ** 2).mean()) / 255**2
    psnr = min(_CAP_DB, -10 * float(np.log10(max(error, 1e-12))))
    if not fractions:
        return psnr, 0.0
    bits = -np.log2(np.maximum(np.asarray(fractions), _LEAST_FRACTION))
    return psnr, float(bits[ids.astype(np.int64)].mean())
