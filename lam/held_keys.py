"""Keys read along an episode: a key is held for a while, and at a wall it moves nothing.

A hidden Markov model whose states are keys. What is seen of a transition is which of a few motions
it shows, and how likely a key makes each motion depends on where the player is and how it moved
before: a small net learns that a key into a wall shows no motion. Which key it was is then told by
what was held before and after.

Source: input-output hidden Markov models (Bengio and Frasconi 1995), with emissions by a net as in
hybrid speech recognition.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lam.holding import Holding

MISSING = -1
"""In place of a motion: the player was not seen, so the transition says nothing."""
SLIP = 0.03
"""Probability that a motion has nothing to do with the key: no single frame decides alone."""


class HeldKeys(Holding):
    """How likely each key shows each motion, and how long keys are held."""

    def __init__(self, num_keys: int, num_motions: int, context: int, hidden: int = 48) -> None:
        """Build the model; a key is as likely to show one motion as another at first.

        Args:
            num_keys: A.
            num_motions: M.
            context: C, numbers that describe the situation of a transition.
            hidden: width of the net.
        """
        super().__init__(num_keys)
        self.num_motions = num_motions
        self.hidden = nn.Sequential(nn.Linear(context, hidden), nn.SiLU())
        self.to_motions = nn.Linear(hidden, num_keys * num_motions)
        nn.init.zeros_(self.to_motions.weight)
        nn.init.zeros_(self.to_motions.bias)

    def motion_scores(self, context: Tensor) -> Tensor:
        """Map situations (P, C) to the log probability of each motion by key, (P, A, M)."""
        scores = self.to_motions(self.hidden(context)).unflatten(1, (self.num_keys, -1))
        return scores.log_softmax(dim=2)

    def likelihood(self, motions: Tensor, context: Tensor) -> Tensor:
        """Return the log probability (P, A) of motions int64 (P,); 0 where one is missing."""
        seen = motions != MISSING
        scores = self.motion_scores(context)
        index = motions.clamp_min(0)[:, None, None].expand(-1, self.num_keys, 1)
        found = scores.gather(2, index)[..., 0] + math.log(1 - SLIP)
        found = torch.logaddexp(found, found.new_tensor(math.log(SLIP / self.num_motions)))
        return torch.where(seen[:, None], found, 0.0)

    @torch.no_grad()
    def read(self, motions: Tensor, context: Tensor, inside: Tensor | None = None) -> Tensor:
        """Return the most likely keys of whole episodes (Viterbi).

        Args:
            motions: int64 (B, S), of consecutive transitions; `MISSING` where none was seen.
            context: (B, S, C).
            inside: bool (B, S), false behind the end of shorter episodes; None: all inside.

        Returns:
            int64 (B, S).
        """
        return self.most_likely(self._scores(motions, context, inside))

    @torch.no_grad()
    def posterior(
        self, motions: Tensor, context: Tensor, inside: Tensor
    ) -> tuple[Tensor, float, float]:
        """Return `smooth` of the scores of motions (B, S) in situations (B, S, C)."""
        return self.smooth(self._scores(motions, context, inside), inside)

    def _scores(self, motions: Tensor, context: Tensor, inside: Tensor | None) -> Tensor:
        """Return `likelihood` of episodes, (B, S, A); 0 outside."""
        scores = self.likelihood(motions.flatten(), context.flatten(0, 1))
        scores = scores.unflatten(0, motions.shape)
        return scores if inside is None else torch.where(inside[..., None], scores, 0.0)


def fit_held_keys(
    keys: HeldKeys,
    motions: Tensor,
    context: Tensor,
    inside: Tensor,
    first: Tensor,
    *,
    rounds: int = 6,
    steps: int = 160,
    batch: int = 512,
    lr: float = 3e-3,
    weight_decay: float = 1e-2,
    longest_hold: float = 0.97,
    generator: torch.Generator | None = None,
) -> float:
    """Fit by expectation maximization; return the mean log likelihood of a transition, in nats.

    Args:
        keys: changed in place.
        motions: int64 (B, S), of whole episodes; `MISSING` where none was seen.
        context: (B, S, C).
        inside: bool (B, S), false behind the end of shorter episodes.
        first: int64 (B, S), the keys to begin with; unimportant outside.
        rounds: of expectation and maximization.
        steps: of each maximization. Fitted harder, the net gives every position a key of its own,
            which is likelier still and no key at all.
        batch: transitions a step, or all if there are fewer.
        lr: of AdamW.
        weight_decay: likewise.
        longest_hold: a key is held on with this probability at most.
        generator: of the order of the transitions.
    """
    optimizer = torch.optim.AdamW(keys.parameters(), lr=lr, weight_decay=weight_decay)
    used = inside & (motions != MISSING)
    seen, situations = motions[used], context[used]
    wanted = F.one_hot(first, keys.num_keys).to(context.dtype)[used]
    reached = -math.inf
    for _ in range(rounds):
        for _ in range(steps):
            part = torch.randperm(len(seen), generator=generator)[:batch].to(seen.device)
            scores = keys.motion_scores(situations[part])
            index = seen[part][:, None, None].expand(-1, keys.num_keys, 1)
            loss = -(wanted[part] * scores.gather(2, index)[..., 0]).sum(dim=1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        for _ in range(2):  # of the holding times alone, which need no net
            probability, stays, reached = keys.posterior(motions, context, inside)
            keys.hold.fill_(min(max(stays, 1 / keys.num_keys), longest_hold))
        wanted = probability[used]
    return reached
