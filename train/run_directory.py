"""One run folder, and what is asked of it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from corpus.clips import draw_clips
from corpus.store import Corpus
from genie.library.bundle import Bundle
from train.data.clips import split_starts
from train.data.frames import Frames
from train.export import export_model, fingerprint
from train.loop.module import Stage
from train.loop.trainer import fit_slice
from train.player_sprite.fit import MAP_PAIRS, locate_sprite, unexplained_share
from train.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run folder and what is asked of it.

    Attributes:
        out: RUN.
        corpus: what to learn from.
        frames: its frames, shared by the stages.
        recipe: sizes and fits.
        seed: of every draw.
        minutes: length of one stage; None: the recipe's steps.
        slice_ends: when to stop this slice, in seconds of `time.monotonic`; None: at the end of
            the stage.
        start: the world that the run goes on from; None: it starts from nothing.
        allow_collapsed: whether the dynamics is fitted on collapsed latent actions too.
    """

    out: Path
    corpus: Corpus
    frames: Frames
    recipe: Recipe
    seed: int
    minutes: float | None
    slice_ends: float | None
    start: Bundle | None = None
    allow_collapsed: bool = False

    @cached_property
    def unexplained(self) -> torch.Tensor | None:
        """Where the avatar is: float32 (H, W), from `unexplained_share`; None: none is asked for.

        Raises:
            ValueError: no avatar keeps to a place.
        """
        if not self.recipe.avatar:
            return None
        starts, _ = split_starts(self.corpus.episode_ends, 2, self.seed)
        share = unexplained_share(self.frames, draw_clips(starts, MAP_PAIRS, self.seed, 0))
        locate_sprite(share)
        return share

    def fit(self, stage: Stage, name: str) -> bool:
        """Fit a stage to the end of its slice, export its averaged weights.

        Returns:
            Whether the stage is at its end, not only the slice.
        """
        fit_slice(
            stage,
            self.out / name,
            self.out / "logs" / name,
            lambda done: export_model(self.out / name, done.average),
        )
        return stage.clock.finished

    def speaks_of(self, world: Bundle) -> bool:
        """Return whether ids and actions of this run mean what they mean in a world."""
        ours, models = self.stamp(), world.info["models"]
        return all(ours[name] == models[name]["fingerprint"] for name in ("tokenizer", "lam"))

    def stamp(self) -> dict[str, str]:
        """Return the fingerprints that an encoding of this run bears."""
        return {
            "corpus": self.corpus.fingerprint,
            "tokenizer": fingerprint(self.out / "tokenizer"),
            "lam": fingerprint(self.out / "lam"),
        }
