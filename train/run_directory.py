"""A run: its folder, its corpus, its recipe and its options."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from corpus.store import Corpus
from genie.library.bundle import Bundle
from genie.registry import model_record
from spacetime.weights import read_json, write_json
from train.data.frames import Frames
from train.export import export_model, fingerprint, load_model
from train.fit_lam import Survey
from train.labelled.labels import Labels
from train.loop.checkpoint import has_checkpoint
from train.loop.clock import Clock
from train.loop.forecast import too_few_steps
from train.loop.loggers import make_loggers
from train.loop.module import FitModule, FitPlan
from train.loop.trainer import fit
from train.methods import action_module, method_values
from train.options import COPIED, TrainOptions
from train.processes.ranks import Ranks
from train.recipe import FitConfig, Recipe

FITTED_ON = "dynamics_fitted_on"
"""In run.json."""


@dataclass(frozen=True, kw_only=True)
class RunDirectory:
    """A run: its folder, its corpus, its recipe and its options.

    Attributes:
        out: RUN.
        corpus: the training frames.
        frames: its frames, shared by the stages.
        recipe: sizes, methods and fits.
        options: of the command.
        minutes: length of the stage; None: the recipe's steps.
        slice_ends: when to stop this slice, in seconds of `time.monotonic`; None: at the end of
            the stage.
        start: the world of a warm start; None: the run begins from nothing.
        labels: true actions of a few transitions, which name the actions; None: there are none.
        look: finds what the method of the latent actions sees in the corpus before any fit; a look
            takes minutes, so the stages share one.
        ranks: the processes that fit its models together; by default this one alone.
    """

    out: Path
    corpus: Corpus
    frames: Frames
    recipe: Recipe
    options: TrainOptions
    minutes: float | None = None
    slice_ends: float | None = None
    start: Bundle | None = None
    labels: Labels | None = None
    look: Callable[[], Survey] = Survey
    ranks: Ranks = field(default_factory=Ranks)

    @property
    def seed(self) -> int:
        """The seed of every draw."""
        return self.options.seed

    @property
    def survey(self) -> Survey:
        """What the method of the latent actions found in the corpus before any fit."""
        return self.look()

    def with_minutes(self, parts: int) -> "RunDirectory":
        """Return the same run with the minutes of one of several equal parts."""
        return replace(self, minutes=None if self.minutes is None else self.minutes / parts)

    def plan(self, config: FitConfig, method: Any, seed: int | None = None) -> FitPlan:
        """Return how a stage is fitted, and how far; `seed` None is the run's."""
        left = None if self.slice_ends is None else max(0.0, self.slice_ends - time.monotonic())
        clock = Clock(
            total_steps=config.steps,
            total_seconds=None if self.minutes is None else self.minutes * 60,
            slice_seconds=left,
        )
        seed = self.seed if seed is None else seed
        return FitPlan(fit=config, clock=clock, seed=seed, method=method)

    def fit(self, module: FitModule, role: str, name: str | None = None) -> bool:
        """Fit a module to the end of its slice, and export its averaged weights.

        Args:
            module: what is fitted.
            role: "tokenizer", "lam" or "dynamics".
            name: of its folder; None: the role.

        Returns:
            Whether the stage is at its end, not only the slice.
        """
        folder, wanted = self.out / (name or role), self.options.logger
        fit(
            module,
            folder,
            export=lambda done: export_model(folder, role, done.exported()),
            logs=self.out / "logs" / (name or role),
            logger=make_loggers(wanted if self.ranks.is_first else None, self.out, name or role),
            ranks=self.ranks,
        )
        return module.clock.finished

    def too_few_steps(self, role: str) -> str | None:
        """Say that an exported model had too few steps to be judged; None if it had enough."""
        path = self.out / "logs" / role / "held-out.csv"
        if not path.exists():
            return None
        rows = path.read_text(encoding="utf-8").split("\n")[:-1]  # a kill may cut the last one
        rows = [row.split(",") for row in rows if row[:1].isdigit()]
        if not rows:
            return None
        step, seconds = rows[-1][:2]
        return too_few_steps(int(step), getattr(self.recipe, role).fit.steps, float(seconds))

    def same_codes(self, world: Bundle) -> bool:
        """Return whether ids and actions of this run mean the same as in a world."""
        return all(
            _same_encoder(name, load_model(self.out / name, name), getattr(world, name))
            for name in COPIED
        )

    def check_same_codes(self) -> None:
        """Note in run.json what the dynamics is fitted on; it goes on with nothing else.

        Raises:
            ValueError: it was begun on the ids and actions of other models, or of another corpus.
                These have the same numbers, and mean something else.
        """
        path, made_of = self.out / "run.json", self.stamp()
        record = read_json(path)
        known = record.get(FITTED_ON)
        if known == made_of:
            return
        if known is not None and has_checkpoint(self.out / "dynamics"):
            other = next(name for name in made_of | known if known.get(name) != made_of.get(name))
            raise ValueError(
                f"{self.out / 'dynamics'} was fitted on another {other}: delete it to fit it anew, "
                f"or choose another --out"
            )
        write_json(path, record | {FITTED_ON: made_of})

    @property
    def blocked_below(self) -> float:
        """Below which fraction of its usual chance a motion counts as blocked; 0: none does."""
        if read_json(self.out / "lam" / "config.json").get("kind") == "labelled":
            return 0.0  # labels say what is held at a wall
        method = method_values(action_module(self.recipe.lam.kind), self.recipe.lam)
        return getattr(method, "blocked_below", 0.0)

    def stamp(self) -> dict[str, str]:
        """Return what an encoding of this run is made of, with fingerprints."""
        made_of = {
            "corpus": self.corpus.fingerprint,
            "tokenizer": fingerprint(self.out / "tokenizer"),
            "lam": fingerprint(self.out / "lam"),
        }
        if self.blocked_below:
            made_of["blocked_keys"] = f"below {self.blocked_below:g}, seed {self.seed}"
        return made_of


def _same_encoder(role: str, ours: nn.Module, theirs: nn.Module) -> bool:
    """Return whether two models of one role read the same off any frames."""
    if model_record(role, ours) != model_record(role, theirs):
        return False
    weights, known = ours.state_dict(), theirs.state_dict()
    reading = getattr(ours, "ENCODER", "")  # every name begins with nothing
    return all(
        torch.equal(weight, known[name].cpu())
        for name, weight in weights.items()
        if name.startswith(reading)
    )
