"""The kinds of action models that other kinds are built on, and their records."""

from collections.abc import Mapping
from typing import Any

from lam.camera_flow.config import CameraFlowConfig
from lam.camera_steps.config import CameraStepsConfig
from lam.config import LatentActionConfig
from lam.moving_player.config import MovingPlayerConfig, ScrollingPlayerConfig
from lam.player_sprite.config import SpriteActionConfig

BASES = {
    "whole_frame": LatentActionConfig,
    "player_sprite": SpriteActionConfig,
    "moving_player": MovingPlayerConfig,
    "scrolling_player": ScrollingPlayerConfig,
    "camera_steps": CameraStepsConfig,
    "camera_flow": CameraFlowConfig,
}


def read_base(record: Mapping[str, Any]) -> LatentActionConfig:
    """Read what `base_record` returned; raises ValueError for an unknown kind."""
    values = dict(record)
    kind = values.pop("kind", None)
    if kind not in BASES:
        raise ValueError(
            f"labels refine, and large frames are read by, actions of kind {', '.join(BASES)}, "
            f"not {kind!r}"
        )
    return BASES[kind].from_json(values)


def base_record(config: LatentActionConfig) -> dict[str, Any]:
    """Return a configuration's record with the name of its kind."""
    kind = next(kind for kind, known in BASES.items() if type(config) is known)
    return {"kind": kind} | config.to_json()
