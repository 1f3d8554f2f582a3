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
    """Play a list of actions from the player's prompt.

    Args:
        player: at its first frame.
        actions: one id per frame.
        on_frame: called with each new frame, uint8 (H, W, 3); the prompt's frame is not passed.
        progress: whether to draw a progress bar on stderr.
    """
    with progress_bar("playing", len(actions), progress) as tick:
        for action in actions:
            frame = player.advance(action)
            if on_frame is not None:
                on_frame(frame)
            player.commit_pending()
            tick(1)
