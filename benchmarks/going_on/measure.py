"""The figures of a fit on footage of levels that nobody trained on."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.going_on.games import ACTIONS
from corpus.clips import read_clips
from corpus.store import Corpus
from genie.evaluate.clips import CLIP_FRAMES, choose_clips
from genie.evaluate.context import EvalConfig, EvalContext
from genie.evaluate.metrics.agreement import agreement_with_true_actions
from genie.evaluate.metrics.errors import CEILING, FROZEN, squared_error
from genie.evaluate.metrics.rollouts import score_rollouts
from genie.frames import to_models, to_uint8
from genie.library.bundle import load_bundle

AFTER = 4
"""Frames after the prompt at which rollouts are scored."""


def measure_world(world: Path, corpus: Corpus, clips: int) -> dict[str, Any]:
    """Return the squared errors of each arm of rollouts after four frames; see docs/metrics.md.

    Args:
        world: folder of the world, or of its run.
        corpus: true frames.
        clips: how many; they lie in different episodes where there are as many.
    """
    context = EvalContext.of_bundle(load_bundle(world), corpus, EvalConfig(clips=clips))
    table = score_rollouts(context, horizon=AFTER).errors
    return {"errors": {name: _short(table.of(name)[:, -1]) for name in table.arms}}


@torch.inference_mode()
def measure_tokenizer(tokenizer: nn.Module, corpus: Corpus, clips: int) -> dict[str, Any]:
    """Return the squared errors of frames through a tokenizer, and of the frames before them."""
    starts = choose_clips(corpus.episode_ends, clips, length=2).starts
    pairs = read_clips(corpus, starts, 2)  # (clips, 2, H, W, 3)
    drawn = to_uint8(tokenizer.decode(tokenizer.encode(to_models(pairs[:, 1:], "cpu"))))
    errors = {
        CEILING: squared_error(drawn, pairs[:, 1:]),
        FROZEN: squared_error(pairs[:, :1], pairs[:, 1:]),
    }
    return {"errors": {name: _short(error[:, 0]) for name, error in errors.items()}}


@torch.inference_mode()
def measure_actions(lam: nn.Module, corpus: Corpus, clips: int) -> dict[str, Any]:
    """Return how well an action model's codes agree with true actions; see docs/metrics.md."""
    choice = choose_clips(corpus.episode_ends, clips)
    codes = lam.infer(to_models(read_clips(corpus, choice.starts, CLIP_FRAMES), "cpu"))
    index = choice.starts[:, None] + np.arange(CLIP_FRAMES - 1)
    true = torch.from_numpy(corpus.true_actions()[index]).long() - ACTIONS[0]
    episodes = torch.from_numpy(choice.episodes)[:, None].expand_as(codes)
    found = agreement_with_true_actions(codes.flatten(), true.flatten(), episodes.flatten())
    return {"agreement": found.balanced_accuracy}


def _short(errors: np.ndarray) -> list[int]:
    """Return squared errors as whole numbers of 10⁻⁶."""
    return np.round(errors * 1e6).astype(int).tolist()
