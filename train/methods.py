"""The module that fits each kind of action model, and the numbers of its method."""

from typing import Any

from genie.registry import find_kind
from train.camera_flow.fit import CameraFlowModule
from train.camera_steps.fit import CameraStepsModule
from train.fit_lam import ActionModule, LatentActionModule
from train.labelled.fit import LabelledModule
from train.loop.module import FitModule
from train.moving_player.fit import MovingPlayerModule, ScrollingPlayerModule
from train.player_sprite.fit import SpriteActionModule
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
    try:
        return module.METHOD(**part.method)
    except TypeError as error:
        raise ValueError(f"the recipe's method for {module.__name__}: {error}") from None
