"""What is evaluated and how: the arguments that every part of an evaluation shares."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from genie.evaluate.batched_rollouts import MakeRollout
from genie.evaluate.clips import CLIPS_WANTED, CorpusLike
from genie.evaluate.metrics.long_play import FRAMES
from genie.evaluate.metrics.speed import WorldLike


@dataclass(frozen=True, kw_only=True)
class EvalContext:
    """What is evaluated.

    Attributes:
        bundle: the world's parts (genie.library.bundle.Bundle).
        make_rollout: builds the batched engine for a sequence of seeds.
        world: the one-frame face of the same world, for the clock.
        corpus: true frames that the world never saw.
    """

    bundle: object
    make_rollout: MakeRollout
    world: WorldLike
    corpus: CorpusLike


@dataclass(frozen=True, kw_only=True)
class EvalConfig:
    """How it is evaluated.

    Attributes:
        clips: how many clips, 256 for a card.
        seed: of every choice.
        long_frames: frames of each of the eight long rollouts, a multiple of 100.
        speed_frames: frames under the clock.
        action_groups: name of each group of true actions and its members, or None.
    """

    clips: int = CLIPS_WANTED
    seed: int = 0
    long_frames: int = FRAMES
    speed_frames: int = 2050
    action_groups: dict[str, list[int]] | None = None


def read_action_groups(path: Path) -> dict[str, list[int]]:
    """Read which true actions do the same.

    Args:
        path: json, {"name": [true action, …], …}, no action in two groups.

    Returns:
        The groups.

    Raises:
        ValueError: the file holds something else.
        OSError: it cannot be read.
    """
    try:
        groups = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not json: {error}") from error
    shape = 'allowed is {"name": [true action, ...], ...} with at least two groups'
    if not isinstance(groups, dict) or len(groups) < 2:
        raise ValueError(f"{path} holds no action groups; {shape}")
    members = []
    for name, actions in groups.items():
        if not isinstance(actions, list) or not actions:
            raise ValueError(f"group {name!r} in {path} is not a list of actions; {shape}")
        if not all(type(action) is int and action >= 0 for action in actions):
            raise ValueError(f"group {name!r} in {path} holds {actions}; actions are 0, 1, 2, ...")
        members += actions
    twice = sorted({action for action in members if members.count(action) > 1})
    if twice:
        raise ValueError(f"{path} puts action {twice[0]} in two groups; each belongs to one")
    return groups
