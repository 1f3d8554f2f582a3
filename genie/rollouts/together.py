"""One frame of several worlds in one forward pass; `World.step` is the case of one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from genie.inputs import check_action
from genie.library.bundle import Bundle
from genie.rollouts.rollout import Rollout, cache_without
from genie.speed import StepSeconds


def can_join(bundle: Bundle) -> bool:
    """Whether the caches of a world's models join; those of other kinds may not."""
    return cache_without(bundle, "join") is None


def step_together(worlds: Sequence[Any], actions: Sequence[int]) -> list[np.ndarray]:
    """Sample the next frame of each world; it is committed by `commit_together`.

    Each draws what it would draw alone. Nothing changes if this raises an error.

    Args:
        worlds: `genie.world.World`s of one bundle, all with the same settings.
        actions: one each.

    Returns:
        uint8 (H, W, 3) each.

    Raises:
        ValueError: if an action is out of range, or before `reset`.
    """
    for world in worlds:
        if world._rollout is None:
            raise ValueError("step before reset: give the world a prompt first")
    bundle = worlds[0].bundle
    prev_actions = torch.tensor([check_action(bundle, action) for action in actions])
    commit_together(worlds)
    begin = time.perf_counter()
    rollout = Rollout.join([world._rollout for world in worlds])
    ids = rollout.draw(prev_actions)
    sampled = time.perf_counter()
    frames = rollout.show(ids).numpy()
    seconds = StepSeconds(model=sampled - begin, decode=time.perf_counter() - sampled)
    for row, world in enumerate(worlds):
        one = slice(row, row + 1)
        world.seconds = seconds
        world._before = world._rollout.map_of_line()
        world._log(world.head, int(prev_actions[row]), world.settings.steps, ids[row])
        world._pending = (ids[one], prev_actions[one])
    return list(frames)


def commit_together(worlds: Sequence[Any]) -> None:
    """Commit the last frame of each world whose frame is not yet committed."""
    waiting = [world for world in worlds if world._pending is not None]
    if not waiting:
        return
    begin = time.perf_counter()
    ids, prev_actions = zip(*(world._pending for world in waiting), strict=True)
    joined = Rollout.join([world._rollout for world in waiting])
    joined.commit(torch.cat(ids), torch.cat(prev_actions))
    for world in waiting:
        world._pending = None
        took = world.seconds.model + time.perf_counter() - begin
        world.seconds = StepSeconds(model=took, decode=world.seconds.decode)
