"""A reward read off tokens, learned from labelled frames."""

from dataclasses import dataclass
from math import log

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genie.library.bundle import Bundle
from spacetime.seeds import seed_of

RATE, DECAY = 0.1, 0.003


class RewardHead(nn.Module):
    """How probable it is that an action earns something, from the tokens where it is chosen.

    Each action looks at a few places, and what stands there counts, whichever action looks: so a
    few hundred rewards are enough to learn from. It sees no frame after the action: of a game that
    ends with its reward there is none.
    """

    def __init__(self, codes: int, tokens: int, num_actions: int, looks: int = 4) -> None:
        """Build it.

        Args:
            codes: K, of the tokenizer.
            tokens: N, of a frame.
            num_actions: A.
            looks: how many places an action looks at.
        """
        super().__init__()
        self.code = nn.Embedding(codes, looks)
        nn.init.normal_(self.code.weight, std=0.5)
        self.place = nn.Parameter(torch.randn(num_actions, tokens, looks) * 0.1)
        self.bias = nn.Parameter(torch.zeros(num_actions))
        self.register_buffer("prior", torch.zeros(()))

    def forward(self, tokens: Tensor, actions: Tensor) -> Tensor:
        """Return logits (B,) of tokens int64 (B, N) and actions int64 (B,)."""
        places = self.place.softmax(dim=1)[actions]  # (B, N, looks)
        seen = (self.code(tokens) * places).sum(dim=(1, 2))
        return seen + self.bias[actions] + self.prior

    @torch.inference_mode()
    def reward(self, tokens: Tensor, actions: Tensor) -> Tensor:
        """Return probabilities, float32 (B,): what a dream pays."""
        return self(tokens, actions).sigmoid()


@dataclass(frozen=True, kw_only=True)
class LabelledFrames:
    """Frames of a game of which it is known what an action earned there.

    Attributes:
        tokens: int64 (n, N), of the frames.
        actions: int64 (n,), latent actions.
        earned: bool (n,), whether something was earned.
    """

    tokens: Tensor
    actions: Tensor
    earned: Tensor

    def __len__(self) -> int:
        """How many there are."""
        return len(self.tokens)

    def __getitem__(self, index: Tensor | slice) -> "LabelledFrames":
        """Return some of them."""
        return LabelledFrames(
            tokens=self.tokens[index], actions=self.actions[index], earned=self.earned[index]
        )


def fit_reward(
    bundle: Bundle, labelled: LabelledFrames, steps: int = 600, batch: int = 128, seed: int = 0
) -> RewardHead:
    """Fit a head; a few hundred steps take seconds.

    Half of each batch are frames where something was earned, which are rare; how rare they are is
    added to the logits, so that probabilities are those of the game.

    Args:
        bundle: the world whose tokens and actions these are.
        labelled: to learn from.
        steps: of Adam.
        batch: frames a step.
        seed: of weights and draws.

    Raises:
        ValueError: nothing was earned anywhere, or everywhere.
    """
    rare = labelled.earned.nonzero()[:, 0]
    rest = (~labelled.earned).nonzero()[:, 0]
    if not len(rare) or not len(rest):
        raise ValueError(
            f"something was earned in {len(rare)} of {len(labelled)} labelled frames: a reward is "
            "learned from frames with and without, so record more play"
        )
    sizes = bundle.dynamics.config
    torch.manual_seed(seed_of(seed, 0))
    head = RewardHead(sizes.num_codes, sizes.num_tokens, bundle.num_actions)
    head.prior.fill_(log(len(rare) / len(rest)))
    optimizer = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=DECAY)
    generator = torch.Generator().manual_seed(seed_of(seed, 1))
    for step in range(steps):
        halves = [
            kind[torch.randint(len(kind), (batch // 2,), generator=generator)]
            for kind in (rare, rest)
        ]
        drawn = labelled[torch.cat(halves)]
        logits = head(drawn.tokens, drawn.actions) - head.prior
        loss = F.binary_cross_entropy_with_logits(logits, drawn.earned.float())
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / steps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return head.eval().requires_grad_(False)


@torch.inference_mode()
def precision_and_recall(head: RewardHead, labelled: LabelledFrames) -> tuple[float, float]:
    """Measure a head on frames that it was not fitted on: above one half counts as earned."""
    parts = [
        head.reward(labelled.tokens[part], labelled.actions[part]) > 0.5
        for part in np.array_split(np.arange(len(labelled)), -(-len(labelled) // 1024))
    ]
    said = torch.cat(parts)
    right = float((said & labelled.earned).sum())
    return right / max(1.0, float(said.sum())), right / max(1.0, float(labelled.earned.sum()))
