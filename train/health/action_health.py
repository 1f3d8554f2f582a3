"""Whether the latent actions of a run are worth training a dynamics on."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from corpus.clips import draw_clips, read_clips
from corpus.store import Corpus
from genie.device import device_of
from genie.interfaces import ActionModel
from lam.health.assessment import ActionHealth, assess_health
from lam.health.measures import CodeUse, OneStep, code_use, one_step
from train.data.clips import split_starts, to_float

PAIRS = 512
AROUND = 8
"""Transitions before and after one that are read with it: most models read along an episode."""


def require_healthy_actions(
    health: ActionHealth, allow_collapsed: bool, few: str | None = None
) -> None:
    """Raise ValueError for collapsed latent actions, unless they are allowed.

    Args:
        health: their state.
        allow_collapsed: whether to go on all the same.
        few: that the model had too few steps to be judged; it is said first.
    """
    # Hours of training would end in a world that does not answer the keys.
    if health.state == "collapsed" and not allow_collapsed:
        raise ValueError(
            f"{few + '. Now ' if few else ''}the latent actions are collapsed: "
            f"{'; '.join(health.reasons)}. First {health.remedies[0]}; or give --allow-collapsed "
            "to train on them all the same, which is noted on the world's card"
        )


def health_record(health: ActionHealth, allow_collapsed: bool) -> dict[str, Any]:
    """Return the record of world.json about the latent actions its dynamics was trained on."""
    return {
        "verdict": health.state,
        "reasons": list(health.reasons),
        "allow_collapsed": allow_collapsed,
    }


@torch.no_grad()
def measure_action_health(lam: ActionModel, corpus: Corpus, seed: int) -> ActionHealth:
    """Measure an action model on 512 held-out pairs of frames; no true action is read.

    Args:
        lam: in evaluation mode, with codes.
        corpus: of the run.
        seed: of the run: it chooses the held-out episodes.
    """
    _, held_out = split_starts(corpus.episode_ends, 2, seed)
    starts = draw_clips(held_out, PAIRS, 0, 0)
    pairs = read_clips(corpus, starts, 2)
    frames = to_float(torch.from_numpy(pairs).to(device_of(lam)))  # (P, 2, 3, H, W)
    return assess_health(*measure_codes(lam, frames, read_around(lam, corpus, starts)))


def read_around(lam: ActionModel, corpus: Corpus, starts: np.ndarray) -> Tensor:
    """Read the actions of single transitions, each with those around it in its episode.

    Args:
        lam: with codes.
        corpus: of the frames.
        starts: int64 (P,), the frames from which the transitions lead.

    Returns:
        int64 (P,).
    """
    ends, actions = corpus.episode_ends, []
    for start in starts.tolist():
        episode = int(np.searchsorted(ends, start, side="right"))
        first = max(start - AROUND, int(ends[episode - 1]) if episode else 0)
        frames = corpus.read(first, min(start + AROUND + 2, int(ends[episode])))
        read = lam.infer(to_float(torch.from_numpy(frames[None]).to(device_of(lam))))
        actions.append(read[0, start - first])
    return torch.stack(actions)


@torch.no_grad()
def measure_codes(lam: ActionModel, frames: Tensor, actions: Tensor) -> tuple[CodeUse, OneStep]:
    """Measure the use of the codes, and what the inferred ones are worth against random ones.

    Args:
        lam: with codes.
        frames: float32 (P, 2, 3, H, W) in [0, 1], pairs of neighbours.
        actions: int64 (P,), inferred between them.
    """
    before, after = frames[:, 0], frames[:, 1]
    count = lam.config.num_actions
    chance = torch.randint(count, (len(actions),), generator=torch.Generator().manual_seed(0))
    step = one_step(
        before, after, lam.predict(before, actions), lam.predict(before, chance.to(before.device))
    )
    return code_use(actions, count), step
