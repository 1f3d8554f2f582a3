"""Which clips are scored, and what the tokenizer and the action model read in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from corpus.clips import read_clips
from corpus.progress import Tick, no_tick
from genie.evaluate.workers import at_once
from genie.frames import CorpusLike, to_models
from genie.library.bundle import Bundle

HORIZON = 16
LONGEST_PROMPT = 4
CLIP_FRAMES = LONGEST_PROMPT + HORIZON
CLIPS_PER_EPISODE = 8
CLIPS_WANTED = 256
EPISODES_WANTED = 40
BATCH_FRAMES = 640


@dataclass(frozen=True, kw_only=True)
class ClipChoice:
    """The clips of one evaluation.

    Attributes:
        starts: int64 (clips,), frame number in the corpus of each clip's first frame.
        episodes: int64 (clips,), the episode that each clip lies in.
        note: what falls short of the definition, or None.
    """

    starts: np.ndarray
    episodes: np.ndarray
    note: str | None

    @property
    def missing(self) -> dict[str, str]:
        """The note under the name of what it explains in a report."""
        return {} if self.note is None else {"meta.clips": self.note}

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.starts)


@dataclass(frozen=True, kw_only=True)
class EncodedClips:
    """What the models read in the clips.

    Attributes:
        ids: int64 (clips, T, N), token ids of the true frames.
        codes: int64 (clips, T - 1), inferred actions; entry t leads from frame t to t + 1.
    """

    ids: Tensor
    codes: Tensor


def choose_clips(
    episode_ends: np.ndarray, clips: int = CLIPS_WANTED, seed: int = 0, length: int = CLIP_FRAMES
) -> ClipChoice:
    """Choose clips spread over as many episodes as possible: a pure function of its arguments.

    Episodes take turns in a shuffled order, so the first clips lie in different episodes; the
    (at most eight) clips of one episode come from equal stretches of it.

    Args:
        episode_ends: int64 (episodes,), one past the last frame of each episode.
        clips: how many to choose.
        seed: of the choice.
        length: frames in a clip.

    Returns:
        At most `clips` clips; fewer, with a note, where the corpus holds fewer.

    Raises:
        ValueError: no episode is long enough for one clip, or `clips` is below 1.

    Source: metrics.md (256 clips, 40 episodes, 8 an episode).
    """
    if clips < 1:
        raise ValueError(f"clips is {clips}; evaluation needs at least 1, and 256 for a card")
    rng = np.random.default_rng([seed, length])
    ends = np.asarray(episode_ends, dtype=np.int64)
    firsts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    candidates = []  # (turn, order of the episode, episode, start)
    for order, episode in enumerate(rng.permutation(len(ends))):
        room = int(ends[episode] - firsts[episode]) - length + 1
        if room < 1:
            continue
        count = min(CLIPS_PER_EPISODE, 1 + (room - 1) // length)
        edges = np.linspace(0, room, count + 1)
        offsets = [int(rng.integers(int(a), max(int(a) + 1, int(b)))) for a, b in _pairs(edges)]
        for turn, offset in enumerate(rng.permutation(offsets)):
            candidates.append((turn, order, int(episode), int(firsts[episode]) + int(offset)))
    if not candidates:
        longest = int((ends - firsts).max()) if len(ends) else 0
        raise ValueError(
            f"no episode of the corpus has {length} frames (the longest has {longest}); "
            "evaluate on a corpus with longer episodes"
        )
    chosen = sorted(candidates)[:clips]
    episodes = np.array([item[2] for item in chosen], dtype=np.int64)
    return ClipChoice(
        starts=np.array([item[3] for item in chosen], dtype=np.int64),
        episodes=episodes,
        note=_shortfall(len(chosen), len(np.unique(episodes)), clips),
    )


def _pairs(edges: np.ndarray) -> zip:
    return zip(edges[:-1], edges[1:], strict=True)


def _shortfall(clips: int, episodes: int, asked: int) -> str | None:
    missing = []
    if clips < asked:
        missing.append(f"{clips} clips of the {asked} asked for fit the corpus")
    if clips < CLIPS_WANTED:
        missing.append(f"{clips} clips, a card needs {CLIPS_WANTED}")
    if episodes < EPISODES_WANTED:
        missing.append(f"{episodes} episodes, a card needs {EPISODES_WANTED}")
    return "; ".join(missing) or None


def batches(count: int, size: int) -> list[slice]:
    """Cut `count` items into consecutive slices of at most `size` items."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def encode_clips(
    bundle: Bundle, corpus: CorpusLike, choice: ClipChoice, tick: Tick = no_tick
) -> EncodedClips:
    """Read the tokens and the latent actions of every chosen clip; ticks count clips."""

    def read(part: slice, tick: Tick) -> tuple[Tensor, Tensor]:
        frames = to_models(read_clips(corpus, choice.starts[part], CLIP_FRAMES), bundle.device)
        ids, codes = bundle.tokenizer.encode(frames).cpu(), bundle.lam.infer(frames).cpu()
        tick(part.stop - part.start)
        return ids, codes

    parts = batches(len(choice), max(1, BATCH_FRAMES // CLIP_FRAMES))
    ids, codes = zip(*at_once(read, parts, bundle.device, tick), strict=True)
    return EncodedClips(ids=torch.cat(ids).long(), codes=torch.cat(codes).long())
