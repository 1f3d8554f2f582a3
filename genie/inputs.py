"""What a caller gives a world: actions and prompts, checked, with what to give instead."""

from __future__ import annotations

import operator
from pathlib import Path
from typing import Any

import numpy as np


def check_action(bundle: Any, action: Any) -> int:
    """Return an action's id, 0 … A−1; raises ValueError for anything else."""
    allowed = f"an action is a whole number from 0 to {bundle.num_actions - 1} here"
    if isinstance(action, str):
        id = bundle.keymap.by_name(action)
        raise ValueError(
            f"{allowed}, got the name {action!r}: give its id, {id}, or "
            f"world.bundle.keymap.by_name({action!r})"
        )
    try:
        found = operator.index(action)
    except TypeError:
        raise ValueError(f"{allowed}, got {action!r:.40}") from None
    if not 0 <= found < bundle.num_actions:
        raise ValueError(
            f"action {found} is out of range: this world has actions 0 to {bundle.num_actions - 1}"
        )
    return found


def check_prompt(bundle: Any, prompt: Any) -> np.ndarray:
    """Return a prompt as uint8 (T0, H, W, 3); raises ValueError for anything but one or a frame."""
    size = (bundle.height, bundle.width, 3)
    allowed = f"a prompt is uint8 {size} or (T0, *{size})"
    if isinstance(prompt, str | Path):
        raise ValueError(
            f"{allowed}, got the name {str(prompt)!r}: read it with "
            "genie.play.prompts.read_prompt(name, height, width)"
        )
    frames = np.array(prompt)  # a copy: decoded pictures may be read-only, which torch warns of
    got = f"{allowed}, got {frames.dtype} {frames.shape}"
    frames = frames[None] if frames.ndim == 3 else frames
    if frames.shape[1:] != size or not len(frames):
        raise ValueError(f"{got}: resize the picture to {size[0]}x{size[1]}")
    if frames.dtype != np.uint8:
        raise ValueError(f"{got}: give whole numbers from 0 to 255 as uint8")
    return frames
