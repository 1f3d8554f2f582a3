"""What a caller gives a world: actions, prompts and seeds, checked, with what to give instead."""

from __future__ import annotations

import operator
from pathlib import Path
from typing import Any

import numpy as np

MOST_SEED = (1 << 64) - 1
"""What fits the logs and states that name it."""


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


def check_seed(seed: Any) -> int:
    """Return a seed, 0 … 2⁶⁴ − 1; raises ValueError for anything else."""
    try:
        found = int(operator.index(seed))
    except TypeError:
        found = -1
    if not 0 <= found <= MOST_SEED:
        raise ValueError(f"a seed is a whole number from 0 to 2^64 - 1, got {seed!r:.40}")
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
