"""What an entry of the yardstick is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from genie.registry import register
from lam.config import LatentActionConfig
from train.fit_lam import ActionModule, LatentActionModule
from train.methods import register_action_module

NUM_CODES = 8
"""A of the entries from papers: Genie's number for its games."""
# The same for all, so that an entry takes ten minutes of a core and the whole table a night.
FIT = {"share": 1.0, "steps": 1500, "batch": 32, "frames": 2, "lr": 0.002}
CHANNELS = 16
SIZES = {"num_actions": NUM_CODES, "channels": CHANNELS}
# Codes are made when the fit is over. A paddle is a thousandth of the frame.
CODES_AT_THE_END = {"quantize_at": 2.0, "moving_fraction": 0.001}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A method of finding latent actions, trained as `genie train lam` trains any.

    Attributes:
        name: as on the command line and in tables; also the kind of a model of its own.
        about: one line.
        model: its class; None: the kind ships with the project.
        config: of the model.
        module: what fits it.
        recipe: values of the recipe: model, method and fit, and kind if it ships.
        refusal: part of the error by which it says that a game has no actions that it can find;
            the table says "none found" then. None: it never refuses.
    """

    name: str
    about: str
    model: type[nn.Module] | None = None
    config: type = LatentActionConfig
    module: type[ActionModule] = LatentActionModule
    recipe: Mapping[str, Any] = field(default_factory=dict)
    refusal: str | None = None

    def register(self) -> None:
        """Make the model and what fits it known, as a package of somebody's own would."""
        if self.model is not None:
            register("lam", self.name, self.model, self.config)
            register_action_module(self.name, self.module)

    def stage(self) -> dict[str, Any]:
        """Return the recipe of the stage lam."""
        own = {} if self.model is None else {"kind": self.name}
        defaults = {"fit": FIT, "model": SIZES}
        return defaults | own | dict(self.recipe)
