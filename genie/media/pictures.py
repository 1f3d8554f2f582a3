"""The only door for pictures that others made: by content, of bounded size, never by FFmpeg."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

MOST_BYTES = 80_000_000
MOST_PIXELS = 25_000_000
MOST_PROMPTS = 64

_STARTS = {
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "JPEG": (b"\xff\xd8\xff",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "BMP": (b"BM",),
}
"""How the files of each format begin; of WebP, the container."""


def read_picture(path: Path | str) -> np.ndarray:
    """Read a PNG, JPEG, WebP, GIF (its first frame) or BMP, turned as a camera stored it.

    Returns:
        uint8 (H, W, 3).

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no such picture, or too large.
    """

    def check(size: tuple[int, int], mode: str) -> None:
        if size[0] * size[1] > MOST_PIXELS:
            raise ValueError(
                f"has {size[0]}x{size[1]} pixels: scale it down to {MOST_PIXELS / 1e6:g} million"
            )

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no picture at {path}: give a png or jpeg file")
    with open(path, "rb") as file:
        return _decode(path, file.read(MOST_BYTES + 1), check)


def read_prompts(folder: Any, height: int, width: int) -> list[np.ndarray]:
    """Read the prompts of a world: PNGs of its frame size, in the order of their names.

    Args:
        folder: a `Path`, or a `zipfile.Path` inside a world's zip.
        height: of a frame, in pixels.
        width: likewise.

    Returns:
        uint8 (H, W, 3) each, at least one.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if one is no PNG or of another size, or there are too many.
    """

    def check(size: tuple[int, int], mode: str) -> None:
        if size != (width, height) or mode not in ("RGB", "RGBA", "P"):
            raise ValueError(
                f"is {mode} {(size[1], size[0])}, the world draws RGB {(height, width)}: resize it"
            )

    files = list(folder.iterdir()) if folder.is_dir() else []
    files = sorted((file for file in files if file.name.endswith(".png")), key=str)
    if not files:
        raise FileNotFoundError(
            f"{folder} holds no prompt: put a png of the world's frame size there"
        )
    if len(files) > MOST_PROMPTS:
        raise ValueError(f"{folder} holds {len(files)} prompts: {MOST_PROMPTS} at most")
    prompts = []
    for path in files:
        if not path.is_file():  # a pipe would never end
            raise ValueError(f"{path} is no file")
        with path.open("rb") as file:
            prompts.append(_decode(path, file.read(MOST_BYTES + 1), check, prompt=True))
    return prompts


def _decode(
    path: Any, data: bytes, check: Callable[[tuple[int, int], str], None], prompt: bool = False
) -> np.ndarray:
    """Decode a picture once `check` has passed its size in pixels and its Pillow mode."""
    from PIL import Image, ImageOps

    found = "WEBP" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else ""
    found = next((name for name, starts in _STARTS.items() if data.startswith(starts)), found)
    allowed = ("PNG",) if prompt else (*_STARTS, "WEBP")
    if found not in allowed or len(data) > MOST_BYTES:
        raise ValueError(
            f"{path} is not a picture that can be read: give a {' or '.join(allowed)} of at most "
            f"{MOST_BYTES // 1_000_000} MB"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of sizes that `check` refuses
            # One format: left alone, Pillow would try them all, Ghostscript's among them.
            with Image.open(io.BytesIO(data), formats=[found]) as image:
                check(image.size, image.mode)
                turned = image if prompt else ImageOps.exif_transpose(image)
                return np.array(_eight_bits(turned).convert("RGB"))
    except ValueError as error:
        raise ValueError(f"{path} {error}") from None
    except Exception as error:  # decoders raise whatever damaged data leads them to
        line = " ".join(str(error).split())[:200]
        raise ValueError(f"{path} is not a picture that can be read ({line})") from None


def _eight_bits(image: Any) -> Any:
    """Return a Pillow image of 8 bits a value; Pillow itself makes all levels above 255 white."""
    from PIL import Image

    if not image.mode.startswith("I"):  # grey levels of 16 bits, called I or I;16
        return image
    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
