"""Play without a window: scripted keys in, frames out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from corpus.progress import progress_bar
from genie.play.player import Player


def play_headless(
    player: Player,
    actions: Sequence[int],
    on_frame: Callable[[np.ndarray], None] | None = None,
    progress: bool = True,
) -> None:
    """Play a list of action ids, one per frame; `on_frame` gets each new uint8 (H, W, 3)."""
    with progress_bar("playing", len(actions), progress) as done:
        for action in actions:
            frame = player.advance(action)
            if on_frame is not None:
                on_frame(frame)
            player.commit_pending()
            done(1)
