"""Whether the sizes of a recipe fit together, and the corpus."""

from typing import Any

import torch
from torch import nn

from corpus.store import Corpus
from genie.library.bundle import Bundle
from genie.registry import Undrawn, new_model
from genie.settings import Settings
from spacetime.weights import MOST_WEIGHT_BYTES
from train.data.clips import split_starts
from train.data.encode import check_codes
from train.fit_dynamics import DynamicsModule, check_clip_length
from train.fit_tokenizer import TokenizerModule
from train.methods import action_module, method_values
from train.options import TrainOptions
from train.recipe import Recipe

MOST_WEIGHTS = MOST_WEIGHT_BYTES // torch.float32.itemsize


def check_sizes(
    recipe: Recipe, corpus: Corpus, options: TrainOptions, start: Bundle | None
) -> None:
    """Refuse now what a later stage would refuse after hours of fitting."""
    size = {"height": corpus.height, "width": corpus.width}
    if start is None:
        module = action_module(recipe.lam.kind)
        method_values(module, recipe.lam)
        found = size | module.placeholder_values(recipe.lam.model)
        with Undrawn():
            tokenizer = new_model(
                "tokenizer", recipe.tokenizer.kind, recipe.tokenizer.model, **size
            )
            lam = new_model("lam", recipe.lam.kind, recipe.lam.model, **found)
            check_codes(tokenizer.num_codes, lam.config.num_actions)
        fitted = (recipe.tokenizer, recipe.lam, recipe.dynamics)
    else:
        tokenizer, lam, fitted = start.tokenizer, start.lam, (recipe.dynamics,)
    if recipe.tokenizer.smaller or recipe.lam.smaller:
        raise ValueError("the recipe has smaller sizes of another model than the dynamics")
    if start is None or options.fresh:
        with Undrawn():
            for smaller in recipe.dynamics.smaller:
                size = recipe.dynamics.model | smaller
                new_dynamics(recipe, tokenizer, lam.config.num_actions, size)
            dynamics = new_dynamics(recipe, tokenizer, lam.config.num_actions)
    else:
        dynamics = start.dynamics
    for model in (tokenizer, lam, dynamics):
        count = sum(weight.numel() for weight in model.parameters())
        if count > MOST_WEIGHTS:
            raise ValueError(
                f"a {type(model).__name__} of the recipe's sizes has {count:.1e} weights, allowed "
                f"are {MOST_WEIGHTS:.1e}: lower dim or the layers"
            )
    check_clip_length(recipe.dynamics.fit.frames, getattr(dynamics.config, "band", None))
    for part in fitted:
        split_starts(corpus.episode_ends, part.fit.frames, options.seed)
    for part, module in (
        (recipe.tokenizer, TokenizerModule),
        (recipe.lam, action_module(recipe.lam.kind)),
        (recipe.dynamics, DynamicsModule),
    ):
        method_values(module, part)
    settings_of(recipe)


def new_dynamics(
    recipe: Recipe, tokenizer: nn.Module, num_actions: int, model: dict[str, Any] | None = None
) -> nn.Module:
    """Return a dynamics on a tokenizer's tokens, with new weights; `model` None: of the recipe."""
    return new_model(
        "dynamics",
        recipe.dynamics.kind,
        recipe.dynamics.model if model is None else model,
        num_tokens=tokenizer.num_tokens,
        grid=getattr(tokenizer, "grid", None),
        num_codes=tokenizer.num_codes,
        num_actions=num_actions,
    )


def settings_of(recipe: Recipe) -> Settings:
    """Return how the recipe's world is played."""
    try:
        return Settings.from_json(recipe.settings)
    except TypeError as error:
        raise ValueError(f"the recipe's settings: {error}") from None
