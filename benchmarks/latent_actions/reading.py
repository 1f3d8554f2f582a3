"""Codes and true actions of a whole corpus, and the supervised ceiling."""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.latent_actions.games import Game
from corpus.progress import progress_bar
from corpus.store import Corpus
from genie.device import device_of
from genie.evaluate.metrics.agreement import fitting_half
from genie.evaluate.metrics.probe import (
    MOST_LOOKS,
    NETS,
    PROBE,
    Ceiling,
    Labelled,
    fit_ceiling,
)
from genie.evaluate.metrics.true_actions import group_table
from genie.frames import to_models
from genie.interfaces import ActionModel, EpisodeReader

SHIPPED = Path(__file__).with_name("ceilings.json")
"""Ceilings of what `record` makes, which is the same everywhere; a fit takes up to an hour."""
PIECE = 252
CONTEXT = 4
"""Transitions before a piece that are read with it, for models that see earlier frames."""


@torch.no_grad()
def read_codes(
    lam: ActionModel, corpus: Corpus, progress: bool = True, most: int | None = None
) -> Tensor:
    """Read the codes of every episode as a whole.

    Args:
        lam: in evaluation mode.
        corpus: its episodes.
        progress: whether to show a bar.
        most: frames; episodes that begin after so many are left out. None: all are read.

    Returns:
        int64 (N,); −1 at the last frame of each episode, and where nothing was read.
    """
    device, whole = device_of(lam), isinstance(lam, EpisodeReader)
    codes = torch.full((corpus.num_frames,), -1)
    most = corpus.num_frames if most is None else min(most, corpus.num_frames)
    with progress_bar("read codes", most, progress) as tick:
        for episode in range(corpus.num_episodes):
            begin, end = corpus.episode(episode)
            if begin >= most:
                break
            parts = []
            for first in range(begin, end - 1, PIECE):
                since, last = max(begin, first - CONTEXT), min(first + PIECE, end - 1)
                frames = to_models(corpus.read(since, last + 1)[None], device)
                seen = lam.observe(frames) if whole else lam.infer(frames)
                parts.append(seen[0, first - since :])
            if parts:
                joined = torch.cat(parts)
                read = lam.read(joined[None])[0] if whole else joined
                codes[begin : end - 1] = read.cpu().long()
            tick(end - begin)
    return codes


def true_groups(corpus: Corpus, game: Game) -> Tensor:
    """Return the group of the true action at each frame, int64 (N,); −1: none."""
    actions = corpus.true_actions()
    return torch.from_numpy(group_table(game.groups, int(actions.max()))[actions])


def label(corpus: Corpus, game: Game) -> Labelled:
    """Return every transition whose true action is in a group."""
    groups, ends = true_groups(corpus, game), corpus.episode_ends
    (frames,) = torch.nonzero(groups >= 0, as_tuple=True)
    episodes = torch.from_numpy(np.searchsorted(ends, frames.numpy(), side="right"))
    return Labelled(frames=frames, groups=groups[frames], episodes=episodes)


def ceiling_of(corpus: Corpus, game: Game, true: Labelled, progress: bool = True) -> Ceiling:
    """Fit the supervised probe, or read what an earlier run found: shipped, or beside the corpus.

    Args:
        corpus: the split that codes are scored on.
        game: whose groups.
        true: from `label`.
        progress: whether to show a bar.
    """
    path = corpus.path.with_name(f"{corpus.path.name}.ceiling.json")
    known = f"{PROBE} {corpus.fingerprint} {json.dumps(game.groups)}"
    key = hashlib.sha256(known.encode()).hexdigest()
    shipped = json.loads(SHIPPED.read_text(encoding="utf-8")).get(game.name, {})
    if shipped.pop("key", None) == key:
        return Ceiling(**shipped)
    if path.exists() and (kept := json.loads(path.read_text())).pop("key") == key:
        return Ceiling(**kept)
    with progress_bar("ceiling", len(NETS) * MOST_LOOKS, progress, "looks") as tick:
        half = fitting_half(true.episodes, 0)
        ceiling = fit_ceiling(corpus, true, half, len(game.groups), 0, tick)
    # Several runs may fit it at once; each file appears whole.
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(asdict(ceiling) | {"key": key}))
    os.replace(partial, path)
    return ceiling
