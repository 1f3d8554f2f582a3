"""Keys behind the flow of the picture: each one flows in its own way, and is held for a while."""

import math

import torch
from torch import Tensor

from lam.camera_flow.flow import NUMBERS
from lam.holding import Holding

_SLIP = 0.02
"""Probability that a transition has nothing to do with the key: a door opens, a level begins."""
_STANDING = 0.3
"""Pixels: a key whose flow is less goes nowhere."""
_SPREAD = 0.03
"""Added to the variance of each number, in square pixels: what no block match tells apart."""


class FlowKeys(Holding):
    """A hidden Markov model whose states are keys; each key's flow is normally distributed.

    Source: hidden Markov models with continuous densities (Rabiner 1989).
    """

    def __init__(self, num_keys: int) -> None:
        """Build the model of A keys."""
        super().__init__(num_keys)
        self.register_buffer("means", torch.zeros(num_keys, NUMBERS))
        self.register_buffer("covariances", torch.eye(NUMBERS).repeat(num_keys, 1, 1))
        self.register_buffer("extent", torch.full((NUMBERS,), 16.0))
        """Range of each number: a slip is anywhere in it."""

    def ways(self) -> list[str]:
        """Say where the camera goes under the keys, each way once."""
        found = []
        for right, down, across, along in self.means.tolist():
            ways = {
                ("left", "right"): right, ("up", "down"): down,
                ("ahead", "back"): (across + along) / 2,
            }  # fmt: skip
            names, by = max(ways.items(), key=lambda way: abs(way[1]))
            found.append("nowhere" if abs(by) < _STANDING else names[by < 0])
        return list(dict.fromkeys(found))

    def scores(self, flow: Tensor) -> Tensor:
        """Return how likely each key shows a flow (..., 5), as logarithms (..., A).

        They are 0 where the last number says that nothing was seen.
        """
        flow, seen = flow[..., :NUMBERS], flow[..., NUMBERS:] > 0
        factors = torch.linalg.cholesky(self.covariances.float())
        apart = (flow[..., None, :] - self.means).float()  # (..., A, 4)
        solved = torch.linalg.solve_triangular(factors, apart[..., None], upper=False)[..., 0]
        scale = factors.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
        normal = -0.5 * solved.square().sum(dim=-1) - scale - 0.5 * NUMBERS * math.log(2 * math.pi)
        slip = math.log(_SLIP) - self.extent.log().sum()
        likely = torch.logaddexp(normal + math.log(1 - _SLIP), slip.expand_as(normal))
        return torch.where(seen, likely, 0.0)


@torch.no_grad()
def fit_flow_keys(
    keys: FlowKeys,
    flow: Tensor,
    generator: torch.Generator,
    *,
    rounds: int = 25,
    longest_hold: float = 0.97,
) -> float:
    """Fit by expectation maximization; return the mean log likelihood of a transition, in nats.

    Args:
        keys: changed in place.
        flow: float32 (B, S, 5), of whole episodes; 0 behind the end of shorter ones.
        generator: of where the means begin.
        rounds: of expectation and maximization.
        longest_hold: a key is held on with this probability at most.

    Raises:
        ValueError: there are fewer transitions than keys.
    """
    inside = flow[..., NUMBERS] > 0
    seen, reached = flow[inside][:, :NUMBERS], -math.inf
    if len(seen) < keys.num_keys:
        raise ValueError(
            f"{len(seen)} transitions in which the camera's flow is seen do not tell "
            f"{keys.num_keys} keys apart: use longer videos"
        )
    keys.extent.copy_(seen.amax(dim=0) - seen.amin(dim=0) + 1)
    _begin(keys, seen, generator)
    for _ in range(rounds):
        probability, stays, reached = keys.smooth(keys.scores(flow), inside)
        keys.hold.fill_(min(max(stays, 1 / keys.num_keys), longest_hold))
        _maximize(keys, seen, probability[inside])
    return reached


def _begin(keys: FlowKeys, seen: Tensor, generator: torch.Generator) -> None:
    """Begin with the clusters of a few rounds of k-means."""
    scale = seen.std(dim=0).clamp_min(1e-3)
    chosen = torch.randperm(len(seen), generator=generator)[: keys.num_keys]
    means = seen[chosen.to(seen.device)]
    for _ in range(10):
        nearest = torch.cdist(seen / scale, means / scale).argmin(dim=1)
        belongs = torch.nn.functional.one_hot(nearest, keys.num_keys).to(seen.dtype)
        counts = belongs.sum(dim=0)
        moved = belongs.T @ seen / counts.clamp_min(1)[:, None]
        means = torch.where(counts[:, None] > 0, moved, means)
    _maximize(keys, seen, belongs)


def _maximize(keys: FlowKeys, seen: Tensor, weight: Tensor) -> None:
    """Set means and covariances of flows (P, 4) by their weights (P, A)."""
    total = weight.sum(dim=0) + 1e-3
    means = weight.T @ seen / total[:, None]
    keys.means.copy_(means)
    spread = _SPREAD * torch.eye(NUMBERS, device=seen.device)
    for key in range(keys.num_keys):
        apart = seen - means[key]
        keys.covariances[key] = apart.T @ (apart * weight[:, key : key + 1]) / total[key] + spread
