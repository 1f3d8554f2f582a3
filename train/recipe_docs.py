"""The page of all recipe values: `python -m train.recipe_docs > docs/recipes.md`."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields

from dynamics.model import DynamicsConfig
from genie.settings import Settings
from lam.camera_flow.config import CameraFlowConfig
from lam.camera_steps.config import CameraStepsConfig
from lam.config import LatentActionConfig
from lam.losses import LatentActionMethod
from lam.moving_player.config import MovingPlayerConfig
from lam.player_sprite.config import SpriteActionConfig
from tokenizer.losses import TokenizerMethod
from tokenizer.model import TokenizerConfig
from train.camera_flow.method import CameraFlowMethod
from train.camera_steps.method import CameraStepsMethod
from train.fit_dynamics import DynamicsMethod
from train.moving_player.method import MovingPlayerMethod, ScrollingPlayerMethod
from train.player_sprite.method import SpriteMethod
from train.recipe import FitConfig

SECTIONS = {
    "`fit`, of each stage": FitConfig,
    "`tokenizer: model`": TokenizerConfig,
    "`tokenizer: method`": TokenizerMethod,
    "`lam: model`": LatentActionConfig,
    "`lam: method`": LatentActionMethod,
    "`lam: model`, kind `player_sprite`: those above and": SpriteActionConfig,
    "`lam: method`, kind `player_sprite`": SpriteMethod,
    "`lam: model`, kind `moving_player`: those of `lam: model` and": MovingPlayerConfig,
    "`lam: method`, kind `moving_player`": MovingPlayerMethod,
    "`lam: method`, kind `scrolling_player`: as of `moving_player`, but": ScrollingPlayerMethod,
    "`lam: model`, kind `camera_steps`: those of `lam: model` and": CameraStepsConfig,
    "`lam: method`, kind `camera_steps`": CameraStepsMethod,
    "`lam: model`, kind `camera_flow`: those of `lam: model` and": CameraFlowConfig,
    "`lam: method`, kind `camera_flow`": CameraFlowMethod,
    "`dynamics: model`": DynamicsConfig,
    "`dynamics: method`": DynamicsMethod,
    "`settings`, of play": Settings,
}
# Filled in from the corpus and the earlier stages.
FILLED_IN = {
    TokenizerConfig: ("height", "width"),
    LatentActionConfig: ("height", "width"),
    SpriteActionConfig: ("box", *(field.name for field in fields(LatentActionConfig))),
    MovingPlayerConfig: tuple(field.name for field in fields(LatentActionConfig)),
    ScrollingPlayerMethod: tuple(
        field.name
        for field in fields(MovingPlayerMethod)
        if getattr(ScrollingPlayerMethod, field.name) == field.default
    ),
    CameraFlowConfig: tuple(field.name for field in fields(LatentActionConfig)),
    CameraStepsConfig: ("steps", "view", *(field.name for field in fields(LatentActionConfig))),
    DynamicsConfig: ("num_tokens", "num_codes", "num_actions", "grid", "moves", "fixed"),
}
RENAMED = {(Settings, "unmask_order"): "order"}
INTRODUCTION = """# Recipe values

<!-- Generated from docstrings: python -m train.recipe_docs > docs/recipes.md -->

A recipe is a yaml file: `genie train … --recipe FILE.yaml`. [The ones that ship](../train/recipes)
name only what differs from these defaults, such as `lam: {method: {change_weight: 30}}`. `kind`
names a [registered](../genie/registry.py) kind of model; of `lam` it may be `auto`, which chooses
the kind by what moves in the corpus. Frame size, numbers of tokens and codes,
and the sprite's box are filled in from the corpus and the earlier stages. `smaller`, of the
dynamics, lists values of smaller models, the largest first: with `--minutes`, the first one is
taken that gets enough steps in them.
"""


def meanings(config: type) -> dict[str, str]:
    """Read the attributes off the docstrings of a class and its bases: name to meaning."""
    # Python 3.13 strips the indentation of docstrings; earlier ones keep it.
    docs = [inspect.cleandoc(one.__doc__ or "") for one in reversed(config.__mro__)]
    texts = [doc.partition("Attributes:")[2] for doc in docs]
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", "\n".join(texts), re.MULTILINE)
    return {name: " ".join(meaning.split()) for name, meaning in entries}


def rows(config: type) -> Iterator[tuple[str, str, str]]:
    """Yield name, default and meaning of each value that a recipe may give."""
    known = meanings(config)
    for field in fields(config):
        if field.name in FILLED_IN.get(config, ()):
            continue
        default = "" if field.default is MISSING else _yaml(field.default)
        yield RENAMED.get((config, field.name), field.name), default, known[field.name]


def page() -> str:
    """Return the page as Markdown."""
    parts = [INTRODUCTION]
    for title, config in SECTIONS.items():
        lines = [f"## {title}", "", "| value | default | meaning |", "|---|---|---|"]
        lines += [f"| {' | '.join(row)} |" for row in rows(config)]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _yaml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_yaml, value))}]"
    return "null" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    print(page(), end="")
