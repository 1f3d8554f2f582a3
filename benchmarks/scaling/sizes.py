"""The sizes that are compared, and what a step of training each of them costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from genie.library.bundle import Bundle
from genie.registry import new_model
from tokenizer.losses import TokenizerMethod
from train.loop.throughput import counted_flops
from train.recipe import FitConfig, Recipe
from train.sizes import new_dynamics

GAME, WORLD, RECIPE = "same", "miner", "miner"
"""Footage of `benchmarks.going_on.games`, the world of which much is kept, and its recipe."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """A size of one model.

    Attributes:
        part: "tokenizer" or "dynamics".
        name: on the command line and in tables.
        model: values in place of the recipe's.
    """

    part: str
    name: str
    model: Mapping[str, Any]


def _size(part: str, name: str, dim: int, **layers: int) -> Size:
    return Size(part=part, name=name, model={"dim": dim, "heads": dim // 32, **layers})


SIZES = {
    (size.part, size.name): size
    for size in (
        _size("dynamics", "xxs", 32, layers=2),
        _size("dynamics", "xs", 64, layers=3),
        _size("dynamics", "s", 96, layers=4),
        _size("dynamics", "m", 160, layers=5),
        _size("dynamics", "l", 256, layers=6),
        _size("tokenizer", "xs", 32, encoder_layers=1, decoder_layers=1),
        _size("tokenizer", "s", 64, encoder_layers=1, decoder_layers=2),
        _size("tokenizer", "m", 96, encoder_layers=2, decoder_layers=3),
        _size("tokenizer", "l", 160, encoder_layers=3, decoder_layers=4),
    )
}
BUDGETS = (2e12, 6e12, 2e13)
"""Floating-point operations of a fit: from one minute to a quarter of an hour of a core."""


def build(size: Size, recipe: Recipe, bundle: Bundle) -> nn.Module:
    """Return a new model of a size; `recipe` has its values."""
    if size.part == "dynamics":
        return new_dynamics(recipe, bundle.tokenizer, bundle.num_actions)
    part, frame = recipe.tokenizer, {"height": bundle.height, "width": bundle.width}
    return new_model("tokenizer", part.kind, part.model, **frame)


def flops_of_clip(model: nn.Module, fit: FitConfig, bundle: Bundle) -> int:
    """Count the operations of training on one clip, forwards and backwards."""
    frames, tokens, found = fit.frames, bundle.tokenizer.num_tokens, []
    with counted_flops(found.append):
        if hasattr(model, "encode"):  # a tokenizer
            clip = torch.rand(1, frames, 3, bundle.height, bundle.width)
            model.training_loss(clip, TokenizerMethod())[0].backward()
        else:
            ids = torch.zeros(1, frames, tokens, dtype=torch.long)
            actions, masked = torch.zeros(1, frames - 1, dtype=torch.long), ids == 0
            model(ids, actions, masked).float().mean().backward()
    return found[0]


def count_weights(model: nn.Module) -> int:
    """Count the numbers that are learned."""
    return sum(weight.numel() for weight in model.parameters())
