"""How often the drift meter is right: moments of play made by rules, half healthy and half not.

    python -m benchmarks.drift_moments coinrun coinrun-dev --sheet moments.png

Prints how many moments of each kind give an alarm. The sheet shows the last frame of each, one kind
a row, since a rule may miss what it means: a dark picture can be one that the game has, too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch.nn import functional as F

from corpus.store import Corpus
from genie.drift import DriftMeter
from genie.frames import to_models, to_uint8
from genie.library.bundle import Bundle, load_bundle
from genie.library.catalog import find_world
from genie.media.charts import save_png
from genie.rollouts.batched_rollouts import play_segment, start_rollout
from genie.rollouts.rollout import Rollout

FRAMES = 64  # of a moment: a window of the meter
WARM_UP = 24  # frames of play before a moment
HOLD = 8  # frames that a key is held
MENDED = 0.6  # of the contrast of the true picture, from which a spoiled one looks well
SHOWN = 12  # moments of each kind in the sheet


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Moments of one kind.

    Attributes:
        kind: what they are like.
        drifted: whether an alarm is right.
        ids: int64 (n, FRAMES, N).
        actions: int64 (n, FRAMES - 1).
    """

    kind: str
    drifted: bool
    ids: np.ndarray
    actions: np.ndarray


class Maker:
    """Makes moments of a world and a corpus that it was not trained on."""

    def __init__(self, bundle: Bundle, corpus: Corpus, count: int, seed: int) -> None:
        """Read as many stretches of true frames as there are moments of a kind."""
        self.bundle, self.count = bundle, count
        self.rng = np.random.default_rng(seed)
        ends = np.asarray(corpus.episode_ends)
        firsts = np.concatenate([[0], ends[:-1]])
        (long,) = np.nonzero(ends - firsts >= FRAMES)
        chosen = self.rng.permutation(np.resize(self.rng.permutation(long), count))
        starts = [int(self.rng.integers(firsts[e], ends[e] - FRAMES + 1)) for e in chosen]
        self.frames = np.stack([np.asarray(corpus.read(s, s + FRAMES)) for s in starts])
        self.ids = self.encode(self.frames)
        with torch.inference_mode():
            inferred = [
                bundle.lam.infer(to_models(one[None], bundle.device)) for one in self.frames
            ]
        self.inferred = torch.cat(inferred).cpu().numpy()

    def encode(self, frames: np.ndarray) -> np.ndarray:
        """Encode uint8 (n, T, H, W, 3)."""
        with torch.inference_mode():
            ids = [
                self.bundle.tokenizer.encode(to_models(one[None], self.bundle.device))
                for one in frames
            ]
        return torch.cat(ids).cpu().numpy().astype(np.int64)

    def play(self, actions: np.ndarray, temperature: float | None = None) -> np.ndarray:
        """Play actions (n, T) from the first true frames; returns tokens (n, T, N)."""
        bundle = self.bundle
        if temperature is not None:
            bundle = replace(bundle, settings=replace(bundle.settings, temperature=temperature))
        seeds = self.rng.integers(1 << 32, size=self.count).tolist()
        prompts = torch.from_numpy(self.ids[:, :1])
        rollout, before = start_rollout(partial(Rollout, bundle), seeds, prompts, bundle.device)
        return play_segment(rollout, before, actions, bundle.device).ids.astype(np.int64)

    def keys(self, frames: int) -> np.ndarray:
        """Draw keys held for eight frames each, int64 (n, frames)."""
        drawn = self.rng.integers(self.bundle.num_actions, size=(self.count, frames // HOLD + 1))
        return np.repeat(drawn, HOLD, axis=1)[:, :frames]

    def held(self, frames: int) -> np.ndarray:
        """Hold one key throughout, int64 (n, frames)."""
        drawn = self.rng.integers(self.bundle.num_actions, size=(self.count, 1))
        return np.repeat(drawn, frames, axis=1)

    def turns(self, frames: int) -> np.ndarray:
        """Hold every key for eight frames in turn, int64 (n, frames)."""
        first = self.rng.integers(self.bundle.num_actions, size=(self.count, 1))
        return (first + np.arange(frames) // HOLD) % self.bundle.num_actions

    def played(self, kind: str, actions: np.ndarray, drifted: bool, **how: float) -> Moments:
        """Return the last frames of what is played under actions (n, T)."""
        ids = self.play(actions, **how)[:, -FRAMES:]
        return Moments(kind=kind, drifted=drifted, ids=ids, actions=actions[:, -FRAMES + 1 :])

    def still(self, kind: str, actions: np.ndarray, drifted: bool) -> Moments:
        """Return true frames that do not change, whatever the actions."""
        ids = np.repeat(self.ids[:, :1], FRAMES, axis=1)
        return Moments(kind=kind, drifted=drifted, ids=ids, actions=actions)

    def spoiled(self, kind: str, spoil: Callable[[np.ndarray], np.ndarray]) -> Moments:
        """Return true frames after something is done to each float32 (T, H, W, 3).

        A tokenizer of few codes mends some: what is drawn of these is as sharp as before.
        """
        spoiled = np.stack([spoil(one) for one in self.frames.astype(np.float32)])
        ids = self.encode(spoiled.clip(0, 255).astype(np.uint8))
        shown = self.contrast(ids) < MENDED * self.contrast(self.ids)
        return Moments(kind=kind, drifted=True, ids=ids[shown], actions=self.inferred[shown])

    def contrast(self, ids: np.ndarray) -> np.ndarray:
        """Return how much neighbouring pixels of the last frame differ on average, (n,)."""
        with torch.inference_mode():
            frames = self.bundle.tokenizer.decode(torch.from_numpy(ids[:, -1:]))
        return sum(frames.diff(dim=dim).abs().mean(dim=(1, 2, 3, 4)) for dim in (-1, -2)).numpy()

    def all_kinds(self) -> list[Moments]:
        """Make the moments of every kind."""
        idle = np.full((self.count, FRAMES - 1), self.bundle.keymap.idle)
        noise = self.rng.integers(self.bundle.dynamics.config.num_codes, size=self.ids.shape)
        replaced = self.rng.random(self.ids.shape) < 0.3
        noisy = np.where(replaced, noise, self.ids)
        light = np.linspace(0.6, 0.1, FRAMES)[:, None, None, None]
        return [
            Moments(kind="true", drifted=False, ids=self.ids, actions=self.inferred),
            self.still("true, still", idle, False),
            self.still("at a wall", self.held(FRAMES - 1), False),
            self.played("played", self.keys(WARM_UP + FRAMES), False),
            self.played("played, one key", self.held(WARM_UP + FRAMES), False),
            self.still("stuck", self.turns(FRAMES - 1), True),
            self.spoiled("blurred", blur),
            self.spoiled("fading", lambda one: one * light),
            Moments(kind="noise", drifted=True, ids=noisy, actions=self.inferred),
            self.played("mush", self.keys(WARM_UP + FRAMES), True, temperature=2.5),
        ]  # fmt: skip


def blur(frames: np.ndarray) -> np.ndarray:
    """Average float32 (T, H, W, 3) twice over squares of five pixels."""
    pixels = torch.from_numpy(frames).movedim(-1, 1)
    for _ in range(2):
        pixels = F.avg_pool2d(pixels, 5, stride=1, padding=2, count_include_pad=False)
    return pixels.movedim(1, -1).numpy()


def alarms(meter: DriftMeter, moments: Moments) -> np.ndarray:
    """Return bool (n,): for which moments the meter gives an alarm."""
    pairs = zip(moments.ids, moments.actions, strict=True)
    return np.array([meter.distances(*pair)[0] > meter.threshold for pair in pairs])


def draw_sheet(bundle: Bundle, kinds: list[Moments], path: Path) -> None:
    """Write the last frames of the moments as a picture, one kind a row."""
    with torch.inference_mode():
        last = [torch.from_numpy(kind.ids[:SHOWN, -1:]) for kind in kinds if len(kind.ids) >= SHOWN]
        rows = [to_uint8(bundle.tokenizer.decode(ids)) for ids in last]
    save_png(Image.fromarray(rearrange(np.stack(rows), "kind n 1 h w c -> (kind h) (n w) c")), path)


def main() -> None:
    """Make the moments, print the table, draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--count", type=int, default=24, help="moments of a kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    bundle = load_bundle(find_world(args.world))
    meter = DriftMeter.of(bundle.statistics)
    if meter is None or meter.threshold is None:
        parser.error(f"{args.world} has no statistics with a threshold: train it again")
    kinds = Maker(bundle, Corpus.open(args.corpus), args.count, args.seed).all_kinds()
    table = Table("moments", "an alarm is", "alarms", "of")
    wrong = {True: [], False: []}
    for kind in kinds:
        found = alarms(meter, kind)
        wrong[kind.drifted].extend(found != kind.drifted)
        table.add_row(
            kind.kind, "right" if kind.drifted else "false", str(found.sum()), str(len(found))
        )
    Console().print(table)
    print(f"false alarms {np.mean(wrong[False]):.1%}, misses {np.mean(wrong[True]):.1%}")
    if args.sheet is not None:
        draw_sheet(bundle, kinds, args.sheet)


if __name__ == "__main__":
    main()
