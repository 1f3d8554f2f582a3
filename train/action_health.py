"""Whether the latent actions of a run are worth training a dynamics on."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from corpus.clips import draw_clips
from corpus.store import Corpus
from lam.health.measures import CodeUse, OneStep, code_use, one_step
from lam.health.verdict import Verdict, judge
from lam.model import LatentActionModel
from train.data.clips import split_starts, to_float

PAIRS = 512


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a world's record says of the latent actions that its dynamics learnt on.

    Attributes:
        verdict: of the latent action model on held-out pairs of frames.
        allow_collapsed: whether the dynamics was to be trained whatever the verdict.
    """

    verdict: Verdict
    allow_collapsed: bool

    def __post_init__(self) -> None:
        """Refuse collapsed latent actions, unless they are allowed.

        Raises:
            ValueError: they are collapsed: hours of training would end in a world without keys.
        """
        if self.verdict.state == "collapsed" and not self.allow_collapsed:
            raise ValueError(
                f"the latent actions are collapsed: {'; '.join(self.verdict.reasons)}. First "
                f"{self.verdict.remedies[0]}; or give --allow-collapsed to train on them all the "
                "same, which the world's card will say"
            )

    def to_json(self) -> dict:
        """Return it as world.json holds it."""
        return {
            "verdict": self.verdict.state,
            "reasons": list(self.verdict.reasons),
            "allow_collapsed": self.allow_collapsed,
        }


@torch.no_grad()
def judge_latent_actions(lam: LatentActionModel, corpus: Corpus, seed: int) -> Verdict:
    """Judge a latent action model on held-out pairs of frames; no true action is read.

    Args:
        lam: in evaluation mode, quantized.
        corpus: of the run.
        seed: of the run, which decides what is held out.

    Returns:
        The verdict on 512 pairs, by one step of prediction and the use of codes.
    """
    _, held_out = split_starts(corpus.episode_ends, 2, seed)
    starts = draw_clips(held_out, PAIRS, 0, 0)
    device = next(lam.parameters()).device
    pairs = np.stack([corpus.read(int(start), int(start) + 2) for start in starts])
    frames = to_float(torch.from_numpy(pairs).to(device))  # (P, 2, 3, H, W)
    return judge(*examine(lam, frames))


@torch.no_grad()
def examine(lam: LatentActionModel, frames: Tensor) -> tuple[CodeUse, OneStep]:
    """Measure the use of the codes, and what the inferred ones are worth against random ones.

    Args:
        lam: quantized.
        frames: float32 (P, 2, 3, H, W) in [0, 1], pairs of neighbours.
    """
    before, after = frames[:, 0], frames[:, 1]
    count = lam.config.num_actions
    actions = lam.infer(frames)[:, 0]
    chance = torch.randint(count, (len(actions),), generator=torch.Generator().manual_seed(0))
    step = one_step(
        before, after, lam.predict(before, actions), lam.predict(before, chance.to(before.device))
    )
    return code_use(actions, count), step
