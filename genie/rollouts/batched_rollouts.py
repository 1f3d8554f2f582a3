"""Batches of rollouts, and actions read back from them: what evaluation and prompt choice share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from corpus.clips import read_clips
from corpus.progress import Tick, no_tick
from genie.frames import CorpusLike, to_models
from genie.library.bundle import Bundle
from spacetime.seeds import seed_of

# The caches of so many fit those of a CPU core: 8 to 10 take a tenth less time a frame than 20,
# and less than 4.
BATCH_ROLLOUTS = 10


class RolloutLike(Protocol):
    """What is used of genie.rollouts.rollout.Rollout."""

    def reset(self, ids: Tensor, actions: Tensor) -> object:
        """Start from prompts, int64 (B, T0, N) and (B, T0 - 1): uint8 frames (B, T0, H, W, 3)."""

    def step(self, actions: Tensor) -> tuple[object, object]:
        """Sample one frame a rollout: ids (B, N) and uint8 frames (B, H, W, 3)."""


MakeRollout = Callable[[Sequence[int]], RolloutLike]  # takes a seed for each rollout


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A part of a batch of rollouts.

    Attributes:
        ids: int64 (B, t, N), sampled tokens.
        frames: uint8 (B, 1 + t, H, W, 3): the frame before the segment, then the sampled ones.
    """

    ids: np.ndarray
    frames: np.ndarray


def as_numpy(values: object) -> np.ndarray:
    """Return a tensor or an array as numpy."""
    return values.cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def rollout_seeds(seed: int, samples: np.ndarray) -> list[int]:
    """Return a sampling seed for each sample, the same in all arms of an evaluation."""
    return [seed_of(seed, int(sample)) for sample in samples]


@torch.inference_mode()
def start_rollout(
    make_rollout: MakeRollout,
    seeds: Sequence[int],
    ids: Tensor,
    device: torch.device,
    actions: Tensor | None = None,
) -> tuple[RolloutLike, np.ndarray]:
    """Build the engine and give it the prompts.

    Args:
        make_rollout: builds the engine.
        seeds: one a rollout.
        ids: int64 (B, T0, N), tokens of the prompts.
        device: of the world.
        actions: int64 (B, T0 - 1), actions inside the prompts; None for prompts of one frame.

    Returns:
        The engine, and the last prompt frame as it draws it: uint8 (B, H, W, 3).
    """
    rollout = make_rollout(seeds)
    actions = ids.new_zeros(len(ids), 0) if actions is None else actions
    frames = as_numpy(rollout.reset(ids.to(device), actions.to(device)))
    return rollout, frames[:, -1]


@torch.inference_mode()
def play_segment(
    rollout: RolloutLike,
    before: np.ndarray,
    actions: np.ndarray,
    device: torch.device,
    tick: Tick = no_tick,
) -> Segment:
    """Play on from where the engine stands.

    Args:
        rollout: the engine.
        before: uint8 (B, H, W, 3), the frame before.
        actions: int64 (B, t).
        device: of the world.
        tick: called with the number of frames just sampled.
    """
    ids, frames = [], [before]
    for t in range(actions.shape[1]):
        step = torch.from_numpy(np.ascontiguousarray(actions[:, t])).to(device)
        sampled_ids, sampled = rollout.step(step)
        ids.append(as_numpy(sampled_ids))
        frames.append(as_numpy(sampled))
        tick(len(actions))
    return Segment(ids=np.stack(ids, axis=1), frames=np.stack(frames, axis=1))


def play_keys(
    bundle: Bundle,
    make_rollout: MakeRollout,
    ids: Tensor,
    actions: np.ndarray,
    seeds: Sequence[int],
    tick: Tick = no_tick,
) -> np.ndarray:
    """Play actions int64 (B, t) from prompts of one frame, ids int64 (B, 1, N).

    Returns:
        uint8 (B, 1 + t, H, W, 3), the prompts first.
    """
    rollout, before = start_rollout(make_rollout, seeds, ids, bundle.device)
    return play_segment(rollout, before, actions, bundle.device, tick).frames


@torch.inference_mode()
def encode_prompts(bundle: Bundle, corpus: CorpusLike, starts: np.ndarray) -> Tensor:
    """Read single true frames as prompts: int64 (B, 1, N) on the CPU."""
    frames = to_models(read_clips(corpus, starts, 1), bundle.device)
    return bundle.tokenizer.encode(frames).cpu().long()


@torch.inference_mode()
def infer_actions(bundle: Bundle, frames: np.ndarray, rows: int = 32) -> np.ndarray:
    """Infer the actions of uint8 (B, T, H, W, 3), `rows` sequences at a time: int64 (B, T - 1)."""
    inferred = [
        bundle.lam.infer(to_models(frames[i : i + rows], bundle.device)).cpu().numpy()
        for i in range(0, len(frames), rows)
    ]
    return np.concatenate(inferred).astype(np.int64)
