"""Batches as a pure function of seed and step."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from corpus.clips import clip_starts, draw_batch, draw_clips, split_by_time, split_episodes
from corpus.store import Corpus
from spacetime.ranks import rank_and_count
from train.data.frames import Frames


def draw_ahead(
    draw: Callable[[int], tuple[Tensor, ...]], first_step: int
) -> Iterator[tuple[Tensor, ...]]:
    """Yield the batch `draw(step)` of every step, without end; a thread draws one step ahead."""
    step = first_step
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(draw, step)
        while True:
            batch = coming.result()
            step += 1
            coming = ahead.submit(draw, step)
            yield batch


def split_starts(episode_ends: np.ndarray, frames: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """List where the clips of a fit may start, and where held-out ones do.

    Args:
        episode_ends: int64 (episodes,), one past the last frame of each.
        frames: T, frames a clip.
        seed: of the split.

    Returns:
        int64 starts of training clips, and of held-out clips; no clip crosses an episode end.

    Raises:
        ValueError: if no training episode is long enough for a clip.
    """
    train, held_out = split_episodes(len(episode_ends), seed)
    starts = clip_starts(episode_ends, frames, train)
    if not len(starts):
        raise ValueError(
            f"no episode to train on has {frames} frames: use longer videos, or a recipe with "
            f"shorter clips"
        )
    held_out_starts = clip_starts(episode_ends, frames, held_out)
    if len(episode_ends) == 1:
        starts, held_out_starts = _split_by_time(starts, frames, seed)
    # Where those held out are shorter than a clip, training clips are better than none.
    held_out_starts = held_out_starts if len(held_out_starts) else starts
    return starts, held_out_starts


def _split_by_time(starts: np.ndarray, frames: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split the clips of a lone episode, such as one long recording, by blocks of time."""
    stop = int(starts[-1]) + frames
    parts = []
    for spans in split_by_time(int(starts[0]), stop, seed):
        inside = [np.arange(first, last - frames + 1) for first, last in spans.tolist()]
        parts.append(np.concatenate([np.zeros(0, np.int64), *inside]))
    train, held_out = parts
    return (train, held_out) if len(train) and len(held_out) else (starts, starts)


class FrameClips:
    """Clips of frames from the training episodes of a corpus, and the held-out ones."""

    def __init__(
        self, corpus: Corpus, frames: int, seed: int, source: Frames | None = None
    ) -> None:
        """Split the episodes.

        Args:
            corpus: where the frames come from; only its frames and episode ends are read.
            frames: T, frames a clip.
            seed: of the split.
            source: the frames of `corpus`, where they are shared with other stages.

        Raises:
            ValueError: if no training episode is long enough for a clip.
        """
        self.length, self.seed = frames, seed
        self.starts, self.held_out_starts = split_starts(corpus.episode_ends, frames, seed)
        self.source = source or Frames(corpus)

    def read(self, starts: np.ndarray) -> Tensor:
        """Return the clips at `starts`: uint8 (B, T, H, W, 3)."""
        return self.source.clips(starts, self.length)

    def draw(self, size: int, seed: int, step: int) -> np.ndarray:
        """Draw where this process's training clips of a step start: int64 (B,)."""
        return draw_batch(self.starts, size, seed, step, *rank_and_count())

    def batch(self, size: int, seed: int, step: int) -> Tensor:
        """Return this process's training batch of a step: uint8 (B, T, H, W, 3)."""
        return self.read(self.draw(size, seed, step))

    def draw_held_out(self, size: int) -> np.ndarray:
        """Return where `size` held-out clips start, always the same: int64 (B,)."""
        return draw_clips(self.held_out_starts, size, 0, 0)

    def held_out(self, size: int) -> Tensor:
        """Return `size` held-out clips, always the same: uint8 (B, T, H, W, 3)."""
        return self.read(self.draw_held_out(size))


def to_float(frames: Tensor) -> Tensor:
    """Turn frames uint8 (B, T, H, W, 3) into float32 (B, T, 3, H, W) in [0, 1]."""
    return frames.movedim(-1, -3).float() / 255


def to_bytes(frames: Tensor) -> Tensor:
    """Turn frames float (…, 3, H, W) in [0, 1] into uint8 (…, H, W, 3)."""
    return (frames.clamp(0, 1) * 255).round().to(torch.uint8).movedim(-3, -1)
