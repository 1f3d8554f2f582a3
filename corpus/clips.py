"""Clips out of a corpus: which episodes, which starts, which of them at which step.

Everything here but the reading is a pure function, so a training run that is resumed at step s sees
the clips that it would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corpus.store import FRAMES_PER_CHUNK, Corpus

TIME_BLOCKS = 20  # at least, of which a lone episode's held-out part is made


def split_episodes(
    num_episodes: int, seed: int, held_out_share: float = 0.03
) -> tuple[np.ndarray, np.ndarray]:
    """Split episodes, whole, into those to train on and those held out.

    Args:
        num_episodes: how many there are, at least 1.
        seed: of the draw, at least 0.
        held_out_share: fraction of the episodes to hold out, in [0, 1).

    Returns:
        int64 ``(train, held_out)``, each sorted. Held out is at least one episode if there are two
        or more and the fraction is above 0; a lone episode is trained on.

    Raises:
        ValueError: an argument is out of range.
    """
    if num_episodes < 1:
        raise ValueError(f"a split needs at least 1 episode, not {num_episodes}")
    if not 0 <= held_out_share < 1:
        raise ValueError(f"the held-out fraction is {held_out_share}; give a number in [0, 1)")
    wanted = max(1, round(num_episodes * held_out_share)) if held_out_share > 0 else 0
    held_out_count = min(wanted, num_episodes - 1)
    order = np.argsort(_random_words(seed, 0, num_episodes), kind="stable")
    return np.sort(order[held_out_count:]), np.sort(order[:held_out_count])


def split_by_time(
    start: int, stop: int, seed: int, held_out_share: float = 0.03
) -> tuple[np.ndarray, np.ndarray]:
    """Split one long episode into blocks of time to train on and those held out, with gaps.

    Frames a moment apart are nearly the same, so a quarter of a block on each side of a held-out
    one belongs to neither.

    Args:
        start: its first frame.
        stop: one behind its last.
        seed: of the draw, at least 0.
        held_out_share: fraction of the frames to hold out, in (0, 1).

    Returns:
        int64 spans ``(train, held_out)``, each (n, 2): start and stop, in order; all of it and none
        if it has fewer frames than there are blocks.
    """
    if not 0 < held_out_share < 1:
        raise ValueError(f"the held-out fraction is {held_out_share}; give a number in (0, 1)")
    blocks = max(TIME_BLOCKS, round(1 / held_out_share))
    edges = np.linspace(start, stop, blocks + 1).astype(np.int64)
    if stop - start < 4 * blocks:
        return np.array([[start, stop]]), np.zeros((0, 2), np.int64)
    _, chosen = split_episodes(blocks, seed, held_out_share)
    held_out = np.stack([edges[chosen], edges[chosen + 1]], 1)
    gap = (stop - start) // blocks // 4
    spans, begin = [], start
    for first, last in [*held_out.tolist(), [stop + gap, stop + gap]]:
        if first - gap > begin:
            spans.append([begin, first - gap])
        begin = last + gap
    return np.array(spans, np.int64), held_out


def clip_starts(
    episode_ends: np.ndarray, length: int, episodes: Sequence[int] | np.ndarray | None = None
) -> np.ndarray:
    """List every frame where a clip can start without crossing an episode end.

    Args:
        episode_ends: integers (E,), exclusive end of each episode, rising strictly.
        length: frames of a clip, at least 1.
        episodes: the episodes to use; default: all.

    Returns:
        int64 (S,): each start s such that frames s to s + length - 1 lie in one of the episodes,
        in the order of the episodes. Empty if all of them are shorter than a clip.

    Raises:
        ValueError: the length is below 1, or an episode does not exist.
    """
    if length < 1:
        raise ValueError(f"a clip needs at least 1 frame, not {length}")
    ends = np.asarray(episode_ends, np.int64)
    chosen = np.arange(len(ends)) if episodes is None else np.asarray(episodes, np.int64)
    if chosen.size and not (chosen.min() >= 0 and chosen.max() < len(ends)):
        raise ValueError(f"there are episodes 0 to {len(ends) - 1}; asked for {chosen.max()}")
    begins = np.concatenate([np.zeros(1, np.int64), ends[:-1]])[chosen]
    counts = np.maximum(ends[chosen] - begins - length + 1, 0)
    before = np.cumsum(counts) - counts
    return np.repeat(begins - before, counts) + np.arange(counts.sum())


def draw_clips(starts: np.ndarray, batch_size: int, seed: int, step: int) -> np.ndarray:
    """Draw clips, uniformly and with replacement.

    Args:
        starts: int64 (S,), from ``clip_starts``.
        batch_size: B, at least 1.
        seed: of the run, at least 0.
        step: of the run, at least 0.

    Returns:
        int64 (B,): starts. A pure function of the arguments, on every machine.

    Raises:
        ValueError: there is nothing to draw from, or the batch is empty.
    """
    _check_draw(starts, batch_size)
    words = _random_words(seed, step, batch_size)
    return np.asarray(starts, np.int64)[(words % np.uint64(len(starts))).astype(np.int64)]


def draw_batch(
    starts: np.ndarray, batch_size: int, seed: int, step: int, rank: int = 0, ranks: int = 1
) -> np.ndarray:
    """Draw the clips of one training step: one from each of as many equal stretches of the corpus.

    The batch of a step is that of all processes that train together. As each of them takes
    neighbouring clips of it, it draws from a stretch of its own, and reads, and keeps, other chunks
    than the others; and the same clips are drawn however many processes share them.

    Args:
        starts: int64 (S,), from ``clip_starts``.
        batch_size: B, at least 1, of one process.
        seed: of the run, at least 0.
        step: of the run, at least 0.
        rank: number of the process, 0 to ranks - 1.
        ranks: how many processes there are.

    Returns:
        int64 (B,): starts, each of the S as likely as any other; in order, where S is at least
        ranks times B. A pure function of the arguments, on every machine. Only a clip at the border
        of two stretches may be drawn by two processes.

    Raises:
        ValueError: there is nothing to draw from, or the batch is empty.
    """
    _check_draw(starts, batch_size)
    mine = np.arange(rank * batch_size, (rank + 1) * batch_size)
    words = _random_words(seed, step, ranks * batch_size)[mine]
    within = (words >> np.uint64(11)) * 2.0**-53  # in [0, 1)
    index = ((mine + within) * (len(starts) / (ranks * batch_size))).astype(np.int64)
    return np.asarray(starts, np.int64)[np.minimum(index, len(starts) - 1)]


def read_clips(corpus: Corpus, starts: Sequence[int] | np.ndarray, length: int) -> np.ndarray:
    """Read clips.

    Args:
        corpus: only its `read` and `episode_ends` are used.
        starts: integers (B,), the first frame of each clip.
        length: T, frames of a clip.

    Returns:
        uint8 (B, T, H, W, 3), RGB 0-255.

    Raises:
        ValueError: a clip would cross an episode end, or leave the corpus.
    """
    starts, ends = np.asarray(starts, np.int64), np.asarray(corpus.episode_ends)
    episode = np.searchsorted(ends, starts, side="right")
    crossing = (starts < 0) | (episode >= len(ends))
    crossing |= starts + length > ends[np.minimum(episode, len(ends) - 1)]
    if crossing.any():
        start = int(starts[crossing][0])
        raise ValueError(
            f"the clip {start}:{start + length} crosses an episode end: "
            "take starts from corpus.clips.clip_starts"
        )
    # In rising order and by whole chunks: to read a part of one takes as long.
    clips, first, last = [None] * len(starts), 0, 0
    for index in np.argsort(starts, kind="stable").tolist():
        start, stop = int(starts[index]), int(starts[index]) + length
        if not first <= start <= stop <= last:
            first = start // FRAMES_PER_CHUNK * FRAMES_PER_CHUNK
            last = min(-(-stop // FRAMES_PER_CHUNK) * FRAMES_PER_CHUNK, int(ends[-1]))
            block = np.asarray(corpus.read(first, last))
        clips[index] = block[start - first : stop - first].copy()  # a view would keep the block
    return np.stack(clips)


def _check_draw(starts: np.ndarray, batch_size: int) -> None:
    if len(starts) == 0:
        raise ValueError(
            "no clip to draw: every episode is shorter than a clip; use longer videos, or a recipe "
            "with shorter clips"
        )
    if batch_size < 1:
        raise ValueError(f"a batch needs at least 1 clip, not {batch_size}")


def _random_words(seed: int, step: int, count: int) -> np.ndarray:
    """uint64 (count,) random words; numpy promises the raw stream, but not that of ``integers``."""
    return np.random.PCG64(np.random.SeedSequence([seed, step])).random_raw(count)
