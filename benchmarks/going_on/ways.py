"""The ways to a world of the new footage: from nothing, or from a world, by what is kept of it."""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from train import train
from train.recipe import FOLDER


@dataclass(frozen=True, kw_only=True)
class Way:
    """What is fitted, and from where.

    Attributes:
        name: on the command line and in tables.
        about: in the legend.
        tokenizer: "new", "kept", "decoder" (only that learns on) or "learns on".
        lam: "new" or "kept".
        dynamics: "new" or "learns on".
    """

    name: str
    about: str
    tokenizer: str
    lam: str
    dynamics: str = "learns on"

    @property
    def from_nothing(self) -> bool:
        """Whether nothing of the world is used."""
        return {self.tokenizer, self.lam, self.dynamics} == {"new"}


WAYS = {
    way.name: way
    for way in (
        Way(name="nothing", about="from nothing", tokenizer="new", lam="new", dynamics="new"),
        Way(name="kept", about="tokenizer and actions kept", tokenizer="kept", lam="kept"),
        Way(
            name="decoder", about="decoder learns on, actions kept", tokenizer="decoder",
            lam="kept",
        ),
        Way(
            name="tokenizer", about="tokenizer learns on, actions kept", tokenizer="learns on",
            lam="kept",
        ),
        Way(name="all", about="tokenizer learns on, actions new", tokenizer="learns on", lam="new"),
        Way(
            name="dynamics", about="tokenizer learns on, dynamics new", tokenizer="learns on",
            lam="kept", dynamics="new",
        ),
    )
}  # fmt: skip


BATCHES = {"tokenizer": 8, "lam": 24, "dynamics": 2}
"""Half of the recipe's, for more steps in the same time."""


SHORTENED = {"keymap_pairs": 200, "prompt_candidates": 2, "prompts": 1, "compared_clips": 64}
"""What an exported world shows would take longer to choose than its fit; the last is enough."""


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Length of each fit; a way that leaves one out does not spend its steps elsewhere."""

    tokenizer: int
    lam: int
    dynamics: int


def write_recipe(name: str, steps: Steps, path: Path) -> Path:
    """Write a shipped recipe with other lengths and batches; each fit is checked at its end."""
    record = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    for stage, count in vars(steps).items():
        record[stage]["fit"] |= {"steps": count, "batch": BATCHES[stage], "checks": 1}
    record["dynamics"]["method"] |= SHORTENED
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(record), encoding="utf-8")
    return path


def fit_until(
    stage: str, way: Way, corpus: Path, world: str, recipe: Path, out: Path, seed: int
) -> float:
    """Fit all stages up to one by the public path, going on with an interrupted fit.

    Args:
        stage: tokenizer, lam or dynamics.
        way: what is fitted, and from where.
        corpus: the new footage.
        world: that goes on.
        recipe: sizes and lengths.
        out: the run's folder.
        seed: of every draw.

    Returns:
        Seconds of the processor that this call took.
    """
    began = time.process_time()
    fresh = partial(
        train, corpus=corpus, recipe=str(recipe), out=out, seed=seed, resume=True,
        allow_collapsed=True,
    )  # fmt: skip
    on = partial(fresh, start=world)
    if way.tokenizer == "new":
        fresh("tokenizer")
    elif way.tokenizer != "kept":
        on("tokenizer", decoder_only=way.tokenizer == "decoder")
    if way.lam == "new" and stage != "tokenizer":
        fresh("lam")
    if stage == "dynamics":
        last = fresh if way.from_nothing else on
        last("encode")
        last("dynamics", fresh=way.dynamics == "new" and not way.from_nothing)
    return time.process_time() - began
