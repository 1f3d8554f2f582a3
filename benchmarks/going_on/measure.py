"""The figures of one world on footage of levels that nobody trained on."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.going_on.games import GROUPS
from corpus.store import Corpus
from genie.evaluate.clips import CLIP_FRAMES
from genie.evaluate.context import EvalConfig, EvalContext
from genie.evaluate.metrics.agreement import agreement_with_true_actions
from genie.evaluate.metrics.rollouts import score_rollouts
from genie.library.bundle import load_bundle

AFTER = 4
"""Frames after the prompt at which rollouts are scored."""


def measure(world: Path, corpus: Corpus, clips: int) -> dict[str, Any]:
    """Score a world; see docs/metrics.md.

    Args:
        world: folder of the world, or of its run.
        corpus: true frames, with true actions.
        clips: how many; they lie in different episodes where there are as many.

    Returns:
        Squared errors of each arm after four frames (clips,), whole numbers of 10⁻⁶, by name; the
        number of episodes; and the agreement of codes with true actions.
    """
    bundle = load_bundle(world)
    context = EvalContext.of_bundle(bundle, corpus, EvalConfig(clips=clips))
    table = score_rollouts(context, horizon=AFTER).errors
    errors = {name: np.round(table.of(name)[:, -1] * 1e6).astype(int).tolist()
              for name in table.arms}  # fmt: skip
    return {
        "errors": errors,
        "episodes": len(np.unique(context.choice.episodes)),
        "agreement": _agreement(context, corpus.true_actions()),
    }


def _agreement(context: EvalContext, true: np.ndarray) -> float:
    codes, choice = context.encoded.codes, context.choice
    index = choice.starts[:, None] + np.arange(CLIP_FRAMES - 1)
    groups = torch.tensor([[GROUPS.get(int(action), -1) for action in row] for row in true[index]])
    episodes = torch.from_numpy(choice.episodes)[:, None].expand_as(codes)
    found = agreement_with_true_actions(codes.flatten(), groups.flatten(), episodes.flatten())
    return found.balanced_accuracy
