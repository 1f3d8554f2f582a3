"""The worlds that the start screen shows, with their pictures; no weights are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genie.library.card import WorldCard, read_card, read_fingerprint
from genie.library.catalog import find_world, list_user_worlds, list_worlds
from genie.play.recent import Recent, last_session


@dataclass(frozen=True, kw_only=True)
class GalleryWorld:
    """One world of the gallery.

    Attributes:
        card: what it says about itself.
        prompts: uint8 (H, W, 3) each, the pictures to start from.
        recent: the last session in it, or None.
    """

    card: WorldCard
    prompts: tuple[np.ndarray, ...]
    recent: Recent | None


def read_gallery() -> list[GalleryWorld]:
    """Read what can be played: worlds that ship, the default first, then the user's own.

    Damaged worlds are left out; `genie worlds` says what is wrong with them.
    """
    entries = sorted(list_worlds(), key=lambda entry: not entry.default)
    found = []
    for entry in [*entries, *list_user_worlds()]:
        try:
            own = entry.path if entry.path.is_dir() else find_world(entry.path)
            found.append(read_world(own))
        except (ValueError, OSError):
            continue
    return found


def read_world(path: Path) -> GalleryWorld:
    """Read one world for the gallery; raises ValueError or OSError if it cannot be played."""
    from PIL import Image

    card = read_card(path)
    prompts = []
    for file in sorted((path / "prompts").glob("*.png")):
        with Image.open(file) as image:
            prompts.append(np.asarray(image.convert("RGB")))
    if not prompts:
        raise FileNotFoundError(f"{path / 'prompts'} holds no picture to start from")
    recent = last_session(read_fingerprint(path))
    return GalleryWorld(card=card, prompts=tuple(prompts), recent=recent)
