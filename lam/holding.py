"""A Markov chain over keys that are held: what was held before and after tells a doubtful key."""

import math

import torch
from torch import Tensor, nn


class Holding(nn.Module):
    """How long keys are held, and which keys an episode's scores tell then."""

    def __init__(self, num_keys: int) -> None:
        """Build the chain of A keys."""
        super().__init__()
        self.num_keys = num_keys
        self.register_buffer("hold", torch.tensor(0.85))
        """Probability that a key is held on for another transition."""

    def log_transition(self) -> Tensor:
        """Return the log probability of the next key given this one, (A, A)."""
        other = (1 - self.hold) / (self.num_keys - 1)
        same = torch.eye(self.num_keys, device=self.hold.device)
        return (same * (self.hold - other) + other).log()

    @torch.no_grad()
    def most_likely(self, scores: Tensor) -> Tensor:
        """Return the most likely keys int64 (B, S) of episodes (Viterbi).

        Args:
            scores: (B, S, A), how likely each key shows what is seen, as logarithms; 0 where
                nothing is known.
        """
        transition, steps = self.log_transition(), scores.shape[1]
        best, came_from = scores[:, 0], []
        for t in range(1, steps):
            reached, previous = (best[:, :, None] + transition).max(dim=1)
            came_from.append(previous)
            best = reached + scores[:, t]
        keys = [best.argmax(dim=1)]
        for previous in reversed(came_from):
            keys.append(previous.gather(1, keys[-1][:, None])[:, 0])
        return torch.stack(keys[::-1], dim=1)

    @torch.no_grad()
    def smooth(self, scores: Tensor, inside: Tensor) -> tuple[Tensor, float, float]:
        """Return how likely each key is at each transition, given the whole episode.

        Args:
            scores: (B, S, A), as of `most_likely`.
            inside: bool (B, S), false behind the end of shorter episodes, where scores are 0.

        Returns:
            Probabilities (B, S, A); the expected fraction of transitions at which the key stays
            the same, 0 if no episode has two; and the mean log likelihood of a transition.
        """
        transition, steps = self.log_transition(), scores.shape[1]
        start = -math.log(self.num_keys)
        forward, backward = [start + scores[:, 0]], [torch.zeros_like(scores[:, 0])]
        for t in range(1, steps):
            forward.append((forward[-1][:, :, None] + transition).logsumexp(dim=1) + scores[:, t])
            ahead = backward[-1] + scores[:, steps - t]
            backward.append((transition + ahead[:, None]).logsumexp(dim=2))
        joint = torch.stack(forward, dim=1) + torch.stack(backward[::-1], dim=1)
        total = joint.logsumexp(dim=2, keepdim=True)
        likelihood = float(total[:, -1].sum() / inside.sum())
        if steps == 1:  # nothing is held on to a next transition
            return (joint - total).exp(), 0.0, likelihood
        ahead = torch.stack(backward[::-1], dim=1)[:, 1:] + scores[:, 1:]
        stays = torch.stack(forward[:-1], dim=1) + transition.diagonal() + ahead - total[:, 1:]
        stays = stays.exp().sum(dim=2)[inside[:, 1:]].mean()
        return (joint - total).exp(), float(stays), likelihood
