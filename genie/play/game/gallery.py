"""The worlds that the start screen shows, with their prompts; no weights are read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genie.library.archive import open_world
from genie.library.card import WorldCard
from genie.library.catalog import list_user_worlds, list_worlds
from genie.media.pictures import read_prompts
from genie.play.recent import Recent, last_session


@dataclass(frozen=True, kw_only=True)
class GalleryWorld:
    """A world that can be chosen."""

    card: WorldCard
    prompts: tuple[np.ndarray, ...]  # uint8 (H, W, 3) each, at least one
    recent: Recent | None  # the last session in it


def read_gallery() -> list[GalleryWorld]:
    """Read what can be played: worlds that ship, the default first, then the user's own.

    Damaged worlds are left out; `genie worlds` says what is wrong with them.
    """
    cards = [*sorted(list_worlds(), key=lambda card: not card.default), *list_user_worlds()]
    found = []
    for card in cards:
        try:
            if card.unreadable:
                continue
            with open_world(card.path) as world:
                prompts = read_prompts(world / "prompts", card.height, card.width)
        except (ValueError, OSError):
            continue
        recent = last_session(card.fingerprint)
        found.append(GalleryWorld(card=card, prompts=tuple(prompts), recent=recent))
    return found
