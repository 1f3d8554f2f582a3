"""The ceiling of agreement: how well a supervised net reads true actions off the same two frames.

Everything about the probe is fixed, so that ceilings of different worlds and corpora compare: its
two nets, their optimiser, when they stop.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from corpus.progress import Tick, no_tick
from genie.evaluate.clips import batches
from genie.evaluate.metrics.probe_nets import InverseDynamics, PooledInverseDynamics
from genie.frames import CorpusLike

PROBE = "inverse-dynamics-2"
NETS = (InverseDynamics, PooledInverseDynamics)
"""Of which the one that does better on the episodes that decide when to stop is scored."""
LABELLED_WANTED = 20_000
LARGEST_SIDE = 64
BATCH = 128
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2
STEPS_A_LOOK = 64
MOST_LOOKS = 30  # of each net
PATIENCE = 5
STOPPING_FRACTION = 0.1
READ_FRAMES = 512


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Transitions with the group of their true action.

    Attributes:
        frames: int64 (P,), number in the corpus of the first frame of each.
        groups: int64 (P,), 0 … G-1.
        episodes: int64 (P,).
    """

    frames: Tensor
    groups: Tensor
    episodes: Tensor

    def select(self, mask: Tensor) -> Labelled:
        """Return the transitions under a mask, bool (P,)."""
        return Labelled(
            frames=self.frames[mask], groups=self.groups[mask], episodes=self.episodes[mask]
        )


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """What a supervised probe reaches.

    Attributes:
        balanced_accuracy: mean recall over the groups on episodes that it was not fitted on.
        labelled: transitions that it was fitted on; those that decided when to stop not counted.
        weak: whether those are fewer than 20,000, so that a better probe is likely.
    """

    balanced_accuracy: float
    labelled: int
    weak: bool


class PairReader:
    """The frames of transitions, read once and held as the probe sees them."""

    def __init__(self, corpus: CorpusLike, transitions: Labelled) -> None:
        """Read both frames of every transition."""
        needed = torch.cat((transitions.frames, transitions.frames + 1)).unique()
        self._numbers = needed
        self._frames = torch.cat([_read(corpus, part) for part in _runs(needed)])

    def pairs(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return the frames before and after, each uint8 (B, 3, H, W)."""
        index = torch.searchsorted(self._numbers, frames)
        return self._frames[index], self._frames[index + 1]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width as the probe sees them."""
        return tuple(self._frames.shape[-2:])


def shrink(frames: np.ndarray) -> Tensor:
    """Average uint8 (T, H, W, 3) down to no side above 64 pixels: uint8 (T, 3, h, w)."""
    pixels = torch.from_numpy(np.ascontiguousarray(frames)).movedim(-1, 1)
    size = tuple(min(side, LARGEST_SIDE) for side in pixels.shape[-2:])
    if size == tuple(pixels.shape[-2:]):
        return pixels.contiguous()
    return F.adaptive_avg_pool2d(pixels.float(), size).round().to(torch.uint8)


def fit_ceiling(
    corpus: CorpusLike,
    transitions: Labelled,
    fitting: Tensor,
    num_groups: int,
    seed: int = 0,
    tick: Tick = no_tick,
) -> Ceiling:
    """Fit the probe on half of the episodes and score it on the others.

    Each of `NETS` is fitted, but none after one that makes no mistake, and the better one scored.
    After every 64 batches the balanced accuracy on a tenth of the fitting episodes is taken.
    Fitting stops when it has not risen for five looks, or after thirty; the best weights are kept.

    Args:
        corpus: the corpus.
        transitions: labelled transitions of both halves.
        fitting: bool (P,), those of the fitting half; every group occurs in it.
        num_groups: G.
        seed: of the weights, the order and the choice of episodes that decide when to stop.
        tick: called with the number of looks done.

    Source: metrics.md, "Agreement with true actions".
    """
    learnt = transitions.select(fitting)
    stopping = _stopping_episodes(learnt.episodes, seed)
    training, watched = learnt.select(~stopping), learnt.select(stopping)
    if not len(watched.groups) or not len(training.groups):
        training = watched = learnt  # one episode: nothing to hold out
    reader, best, probe = PairReader(corpus, learnt), -1.0, None
    for net in NETS:
        fitted, score = _fit(net, reader, training, watched, num_groups, seed, tick)
        if score > best:
            best, probe = score, fitted
        if best == 1.0:
            break
    scored = transitions.select(~fitting)
    recalls = [
        _hits(probe, PairReader(corpus, part), part, num_groups)
        for part in (scored.select(scored.episodes == e) for e in scored.episodes.unique())
    ]
    return Ceiling(
        balanced_accuracy=_mean_recall(torch.stack(recalls).sum(dim=0)),
        labelled=len(training.groups),
        weak=len(training.groups) < LABELLED_WANTED,
    )


def _fit(
    net: type[nn.Module],
    reader: PairReader,
    training: Labelled,
    watched: Labelled,
    num_groups: int,
    seed: int,
    tick: Tick,
) -> tuple[nn.Module, float]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        probe = net(*reader.size, num_groups)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(probe.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    # The score weighs groups alike, so the loss does too.
    counts = training.groups.bincount(minlength=num_groups).clamp(min=1)
    weight = len(training.groups) / (num_groups * counts.float())
    best, kept, waited = -1.0, copy.deepcopy(probe.state_dict()), 0
    parts = _shuffled(len(training.groups), generator)
    for _ in range(MOST_LOOKS):
        for part in itertools.islice(parts, STEPS_A_LOOK):
            logits = probe(*reader.pairs(training.frames[part]))
            loss = F.cross_entropy(logits, training.groups[part], weight=weight)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        tick(1)
        score = _mean_recall(_hits(probe, reader, watched, num_groups))
        waited += 1
        if score > best:
            best, kept, waited = score, copy.deepcopy(probe.state_dict()), 0
        if waited == PATIENCE or best == 1.0:
            break
    probe.load_state_dict(kept)
    return probe, best


def _shuffled(count: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield batches of indices without end, every index once before any comes again."""
    while True:
        yield from torch.randperm(count, generator=generator).split(BATCH)


@torch.no_grad()
def _hits(probe: nn.Module, reader: PairReader, transitions: Labelled, num_groups: int) -> Tensor:
    """Count per group how many transitions it has and how many are read right: int64 (2, G)."""
    counts = torch.zeros(2, num_groups, dtype=torch.int64)
    for part in batches(len(transitions.groups), READ_FRAMES):
        guessed = probe(*reader.pairs(transitions.frames[part])).argmax(dim=1)
        groups = transitions.groups[part]
        counts[0] += groups.bincount(minlength=num_groups)
        counts[1] += groups[guessed == groups].bincount(minlength=num_groups)
    return counts


def _mean_recall(counts: Tensor) -> float:
    """Average the recall over the groups that occur, from counts int64 (2, G)."""
    there = counts[0] > 0
    return float((counts[1][there].double() / counts[0][there]).mean())


def _stopping_episodes(episodes: Tensor, seed: int) -> Tensor:
    """Mark a tenth of the episodes, at least one: bool (P,)."""
    names = episodes.unique()
    count = max(1, round(STOPPING_FRACTION * len(names)))
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed + 1))
    return torch.isin(episodes, names[order[:count]])


def _runs(numbers: Tensor) -> list[tuple[int, int]]:
    """Cut sorted frame numbers into stretches without a gap: (start, stop) each."""
    breaks = (numbers.diff() != 1).nonzero()[:, 0] + 1
    parts = numbers.tensor_split(breaks.tolist())
    return [
        (start, min(start + READ_FRAMES, int(part[-1]) + 1))
        for part in parts
        for start in range(int(part[0]), int(part[-1]) + 1, READ_FRAMES)
    ]


def _read(corpus: CorpusLike, stretch: tuple[int, int]) -> Tensor:
    return shrink(np.asarray(corpus.read(*stretch)))
