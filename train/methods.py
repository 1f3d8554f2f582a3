"""The module that fits each kind of action model, and the numbers of its method."""

import math
from typing import Any, get_type_hints

from genie.registry import find_kind
from lam.losses import LatentActionMethod
from tokenizer.losses import TokenizerMethod
from train.camera_flow.fit import CameraFlowModule
from train.camera_flow.method import CameraFlowMethod
from train.camera_steps.fit import CameraStepsModule
from train.camera_steps.method import CameraStepsMethod
from train.fit_dynamics import DynamicsMethod
from train.fit_lam import ActionModule, LatentActionModule
from train.labelled.fit import LabelledModule
from train.loop.module import FitModule
from train.moving_player.fit import MovingPlayerModule, ScrollingPlayerModule
from train.moving_player.method import MovingPlayerMethod
from train.player_sprite.fit import SpriteActionModule
from train.player_sprite.method import SpriteMethod
from train.recipe import StageRecipe

_ACTION_MODULES: dict[str, type[ActionModule]] = {
    "whole_frame": LatentActionModule,
    "player_sprite": SpriteActionModule,
    "moving_player": MovingPlayerModule,
    "scrolling_player": ScrollingPlayerModule,
    "camera_steps": CameraStepsModule,
    "camera_flow": CameraFlowModule,
    "labelled": LabelledModule,
}

_FRACTIONS: dict[type, str] = {
    TokenizerMethod: "encoder_rate",
    LatentActionMethod: "code_decay dead_fraction moving_fraction blocked_below",
    SpriteMethod: "least_residual edge_residual largest_box sideways",
    MovingPlayerMethod: "largest_blob reach least_present least_alone least_found "
    "least_moving least_direction",
    CameraStepsMethod: "usual free carried",
    DynamicsMethod: "fully_masked corruption own_draws pasted actions_dropped",
}
"""Numbers from 0 to 1. `quantize_at` is none: above 1, codes are made at the end of the fit."""
_COUNTS: dict[type, str] = {
    LatentActionMethod: "kmeans_batches",
    SpriteMethod: "map_pairs episodes pairs soon later shortest_episode code_starts code_steps "
    "code_pairs code_pairs_each",
    MovingPlayerMethod: "survey_frames background_frames least_steps rounds",
    CameraStepsMethod: "most_frames",
    CameraFlowMethod: "most_frames starts rounds most_keys",
    DynamicsMethod: "compared_clips compared_frames keymap_pairs keymap_onset prompt_candidates "
    "prompts",
}
"""Numbers of 1 or more."""
_RANGES = ((_FRACTIONS, 0, 1, "0 to 1"), (_COUNTS, 1, math.inf, "1 or more"))


def register_action_module(kind: str, module: type[ActionModule]) -> None:
    """Fit a registered kind of action model with another module.

    Without one, `ActionModule` fits a model by its own `training_loss(frames, method)`.
    """
    _ACTION_MODULES[kind] = module


def action_module(kind: str | None) -> type[ActionModule]:
    """Return the module that fits a kind of action model; None is the default kind."""
    return _ACTION_MODULES.get(find_kind("lam", kind).name, ActionModule)


def method_values(module: type[FitModule], part: StageRecipe) -> Any:
    """Return the numbers of a module's method: the recipe's, and defaults for the others.

    Raises:
        ValueError: if the recipe names one that the method does not have, or one out of range.
    """
    if module.METHOD is None:
        return dict(part.method)
    _check_types(module.METHOD, part.method)
    try:
        method = module.METHOD(**part.method)
    except TypeError as error:
        raise ValueError(f"the recipe's method for {module.__name__}: {error}") from None
    _check_ranges(method)
    return method


def _check_types(method: type, values: dict[str, Any]) -> None:
    """Refuse values of another type, as `5e3` and `0,15` are text in YAML."""
    hints = get_type_hints(method)
    for name, value in values.items():
        hint = hints.get(name)
        whole, parts = hint is int, (value,)
        if str(hint).startswith("tuple[int"):
            whole, parts = True, value if isinstance(value, list | tuple) and value else (None,)
        if hint is bool and not isinstance(value, bool):
            raise ValueError(f"{name} must be true or false, got {value!r:.40}")
        if whole and not all(type(part) is int for part in parts):
            kind = "a whole number" if hint is int else "a list of whole numbers"
            raise ValueError(f"{name} must be {kind}, got {value!r:.40}")
        if hint is float and (type(value) not in (int, float) or not math.isfinite(value)):
            raise ValueError(f"{name} must be a number, got {value!r:.40}")


def _check_ranges(method: Any) -> None:
    """Refuse numbers that would fail after hours, or fit nothing."""
    for names_of, least, most, words in _RANGES:
        for owner, names in names_of.items():
            for name in names.split() if isinstance(method, owner) else ():
                value = getattr(method, name)
                parts = value if isinstance(value, list | tuple) else (value,)
                if not all(least <= part <= most for part in parts):
                    raise ValueError(f"{name} must be {words}, got {value!r:.40}")
