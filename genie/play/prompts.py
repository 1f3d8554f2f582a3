"""Pictures to start from: read, cut to size, and judged by how well the world knows them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genie.session.transfer import fit_picture

_CAP_DB = 60.0
_LEAST_SHARE = 1e-6  # of a code that the corpus never showed
_FAMILIAR = (2.0, 1.0)  # dB below, bits above the world's own prompts
_UNUSUAL = (5.0, 2.0)


@dataclass(frozen=True, kw_only=True)
class PromptHint:
    """How a picture looks to a world.

    Attributes:
        picture: uint8 (H, W, 3), as it was given, in the world's size.
        seen: uint8 (H, W, 3), as the tokenizer draws it: what play starts from.
        psnr: of seen against picture, dB, at most 60.
        known_psnr: the lowest of the world's own prompts.
        surprise: bits a token, by the shares of codes in the corpus; 0 where nobody counted.
        known_surprise: the highest of the world's own prompts.
    """

    picture: np.ndarray
    seen: np.ndarray
    psnr: float
    known_psnr: float
    surprise: float
    known_surprise: float

    @property
    def verdict(self) -> str:
        """Return "familiar", "unusual" or "unknown".

        Source: our choice: within 2 dB and 1 bit of the world's own prompts, or 5 dB and 2 bits.
        """
        below = self.known_psnr - self.psnr
        above = self.surprise - self.known_surprise
        for name, (decibels, bits) in (("familiar", _FAMILIAR), ("unusual", _UNUSUAL)):
            if below <= decibels and above <= bits:
                return name
        return "unknown"

    @property
    def text(self) -> str:
        """Say it in a line."""
        meaning = {
            "familiar": "this looks like what the world knows",
            "unusual": "the world has seen little like this",
            "unknown": "the world has never seen anything like this, expect dreams",
        }
        return (
            f"{self.verdict}: {meaning[self.verdict]} "
            f"({self.psnr:.1f} dB, its own prompts {self.known_psnr:.1f} or more)"
        )


def read_prompt(path: Path | str, height: int, width: int) -> np.ndarray:
    """Read a picture to start from.

    Args:
        path: any picture that Pillow reads.
        height: of the world's frames, in pixels.
        width: of the world's frames, in pixels.

    Returns:
        uint8 (height, width, 3): the largest middle part of that shape, resized.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no picture.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no picture at {path}: give a png or jpeg file as --prompt")
    try:
        with Image.open(path) as image:
            # Cameras store how the picture is to be turned.
            picture = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} is not a picture that can be read ({error})") from None
    return fit_picture(picture, height, width)


def rate_prompt(world: Any, picture: np.ndarray) -> PromptHint:
    """Tell how far a picture is from what a world knows.

    Args:
        world: a genie.world.World.
        picture: uint8 (H, W, 3), from `read_prompt`.
    """
    shares = world.bundle.statistics.get("codes")
    known = [_measure(world, prompt, shares) for prompt in world.bundle.prompts]
    psnr, surprise = _measure(world, picture, shares)
    return PromptHint(
        picture=picture,
        seen=world.see(picture)[1],
        psnr=psnr,
        known_psnr=min(value for value, _ in known),
        surprise=surprise,
        known_surprise=max(value for _, value in known),
    )


def _measure(world: Any, picture: np.ndarray, shares: Any) -> tuple[float, float]:
    """Return PSNR in dB and bits a token."""
    ids, seen = world.see(picture)
    error = float(((picture.astype(np.float64) - seen) ** 2).mean()) / 255**2
    psnr = min(_CAP_DB, -10 * float(np.log10(max(error, 1e-12))))
    if not shares:
        return psnr, 0.0
    share = np.maximum(np.asarray(shares)[ids.astype(np.int64)], _LEAST_SHARE)
    return psnr, float(-np.log2(share).mean())
