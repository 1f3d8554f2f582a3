"""The batched engine as evaluation drives it: prompts and actions in, ids and frames out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from corpus.clips import read_clips
from genie.evaluate.clips import CorpusLike, bundle_device, to_models
from genie.evaluate.progress import Tick, no_tick

# Small enough for the caches of a CPU core: with 8 to 10 it takes a tenth less time a frame than
# with 20, and less than with 4.
BATCH_ROLLOUTS = 10
SEED_STRIDE = 1_000_003


class RolloutLike(Protocol):
    """What evaluation asks of genie.rollout.Rollout."""

    def reset(self, ids: Tensor, actions: Tensor) -> object:
        """Start from prompts, int64 (B, T0, N) and (B, T0 - 1): uint8 frames (B, T0, H, W, 3)."""

    def step(self, actions: Tensor) -> tuple[object, object]:
        """Draw one frame a sample: ids (B, N) and uint8 frames (B, H, W, 3)."""


MakeRollout = Callable[[Sequence[int]], RolloutLike]


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A stretch of play of a batch of rollouts.

    Attributes:
        ids: int64 (B, t, N), tokens of the generated frames.
        frames: uint8 (B, 1 + t, H, W, 3): the frame before the stretch, then the generated ones.
    """

    ids: np.ndarray
    frames: np.ndarray


def as_numpy(values: object) -> np.ndarray:
    """Take values as numpy, whether they come as a tensor or as an array."""
    return values.cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def rollout_seeds(seed: int, samples: np.ndarray) -> list[int]:
    """Give every sample its own sampling seed, the same in all arms of an evaluation."""
    return [seed * SEED_STRIDE + int(sample) for sample in samples]


@torch.inference_mode()
def start_rollout(
    make_rollout: MakeRollout,
    seeds: Sequence[int],
    ids: Tensor,
    actions: Tensor,
    device: torch.device,
) -> tuple[RolloutLike, np.ndarray]:
    """Build the engine and show it the prompts.

    Args:
        make_rollout: builds the engine for a sequence of seeds.
        seeds: one per sample.
        ids: int64 (B, T0, N), tokens of the prompts.
        actions: int64 (B, T0 - 1), actions inside the prompts.
        device: where the world lives.

    Returns:
        The engine, and the last prompt frame as it draws it: uint8 (B, H, W, 3).
    """
    rollout = make_rollout(seeds)
    frames = as_numpy(rollout.reset(ids.to(device), actions.to(device)))
    return rollout, frames[:, -1]


@torch.inference_mode()
def play_stretch(
    rollout: RolloutLike,
    before: np.ndarray,
    actions: np.ndarray,
    device: torch.device,
    tick: Tick = no_tick,
) -> Stretch:
    """Play on from where the engine stands.

    Args:
        rollout: the engine.
        before: uint8 (B, H, W, 3), the last frame that it drew.
        actions: int64 (B, t).
        device: where the world lives.
        tick: called with the number of frames just drawn.

    Returns:
        Tokens and frames of the stretch.
    """
    ids, frames = [], [before]
    for t in range(actions.shape[1]):
        step = torch.from_numpy(np.ascontiguousarray(actions[:, t])).to(device)
        drawn_ids, drawn = rollout.step(step)
        ids.append(as_numpy(drawn_ids))
        frames.append(as_numpy(drawn))
        tick(len(actions))
    return Stretch(ids=np.stack(ids, axis=1), frames=np.stack(frames, axis=1))


@torch.inference_mode()
def encode_prompts(bundle: object, corpus: CorpusLike, starts: np.ndarray) -> Tensor:
    """Read single true frames as prompts: int64 (B, 1, N) on the CPU."""
    frames = to_models(read_clips(corpus, starts, 1), bundle_device(bundle))
    return bundle.tokenizer.encode(frames).cpu().long()


@torch.inference_mode()
def infer_actions(bundle: object, frames: np.ndarray, rows: int = 32) -> np.ndarray:
    """Let the latent action model read drawn or true frames.

    Args:
        bundle: the world's parts.
        frames: uint8 (B, T, H, W, 3).
        rows: sequences read at a time.

    Returns:
        int64 (B, T - 1).
    """
    device = bundle_device(bundle)
    read = [
        bundle.lam.infer(to_models(frames[i : i + rows], device)).cpu().numpy()
        for i in range(0, len(frames), rows)
    ]
    return np.concatenate(read).astype(np.int64)
