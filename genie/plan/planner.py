"""From two pictures to keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from genie.frames import encode_prompt
from genie.inputs import check_prompt
from genie.library.bundle import Bundle
from genie.plan.guides import Look, LooksGuide, PositionGuide, share_of
from genie.plan.imagination import Moment, imagine
from genie.plan.offsets import LEAST_EVIDENCE, find_offsets
from genie.plan.search import Guide, Plan, PlanLimits, search
from genie.rollouts.rollout import Rollout, cache_without

OFFSETS = 3
"""Places where the goal may be that are searched for, one after the other."""
STANDS_STILL = 0.95  # fraction of tokens that do not change while nothing is done


def find_plan(
    bundle: Bundle,
    start: np.ndarray,
    goal: np.ndarray,
    limits: PlanLimits | None = None,
    distance: str | Look | None = None,
) -> Plan:
    """Find keys that lead from one picture to another, in the world's imagination.

    Frames are imagined in one refinement step, each token the likeliest. Where actions move the
    picture by whole tokens, the goal is laid over what is known to see where it may be, and the
    search is for a way there; elsewhere it is for what looks more and more like the goal.

    Args:
        bundle: the world.
        start: uint8 (H, W, 3), or (T0, H, W, 3): what was seen on the way is known.
        goal: uint8 (H, W, 3).
        limits: of the search.
        distance: search by looks, and by these: "tokens", "pixels", or a function from
            frames, float32 (B, 3, H, W), to vectors (B, D); None: as said above.

    Raises:
        ValueError: if a picture is not of the world's size, or the world cannot be searched.
    """
    if cache := cache_without(bundle, "fork", "join"):
        raise ValueError(f"no plan is found in {bundle.name}: its {cache} has no fork and join")
    limits = limits or PlanLimits()
    pictures = check_prompt(bundle, goal)
    if len(pictures) != 1:
        raise ValueError(f"a plan leads to one picture, got {len(pictures)} frames")
    (goal_ids,), _ = encode_prompt(bundle, pictures)
    goal_ids, root = goal_ids[-1].cpu(), _begin(bundle, start)
    actions = _actions(bundle, root)
    imagined, best = 0, None
    for guide, believed in _guides(bundle, root, goal_ids, limits, distance):
        rest = replace(limits, frames=limits.frames - imagined)
        moment, left, frames = search(guide, actions, rest)
        imagined += frames
        if best is None or left == 0:
            best = Plan(
                actions=moment.actions,
                reached=believed and left == 0,
                share=share_of(moment.ids, goal_ids),
                imagined=imagined,
            )
        if left == 0 or imagined >= limits.frames:
            break
    return replace(best, imagined=imagined)


def _begin(bundle: Bundle, start: np.ndarray) -> Moment:
    """Return the moment after some frames."""
    ids, actions = encode_prompt(bundle, check_prompt(bundle, start))
    settings = replace(bundle.settings, steps=1, temperature=0.0)
    rollout = Rollout(bundle, [0], settings)
    rollout.reset(ids, actions)
    return Moment(ids=ids[0, -1].cpu(), rollout=rollout)


def _guides(
    bundle: Bundle, root: Moment, goal: torch.Tensor, limits: PlanLimits,
    distance: str | Look | None,
) -> Iterator[tuple[Guide, bool]]:  # fmt: skip
    """Yield guides to where the goal may be, the likeliest first, and whether it is believed."""
    layout = getattr(bundle.dynamics, "map_layout", None)
    if layout is None or distance is not None:
        yield LooksGuide(bundle, root, goal, limits.steps, distance or "tokens"), True
        return
    follows = np.zeros(len(goal), bool)
    follows[layout.follows] = True
    offsets = find_offsets(
        np.array(root.rollout.maps[0].around(limits.steps)),
        goal.numpy().reshape(layout.grid),
        follows.reshape(layout.grid),
        np.asarray(bundle.statistics.get("codes") or np.zeros(layout.unknown)),
    )
    for offset in offsets[:OFFSETS]:
        yield PositionGuide(root, goal, offset, layout), offset.evidence >= LEAST_EVIDENCE


def _actions(bundle: Bundle, root: Moment) -> list[int]:
    """Return the actions that are worth trying: waiting is not, where nothing moves by itself."""
    idle = bundle.keymap.idle
    (waited,) = imagine([root], [idle])
    still = share_of(waited.ids, root.ids) >= STANDS_STILL
    return [action for action in range(bundle.num_actions) if action != idle or not still]
