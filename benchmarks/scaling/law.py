"""A law of the loss over the size of a model and the frames that it was trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

EXPONENTS = np.round(np.arange(0.05, 1.51, 0.05), 2)
SEARCHED = np.logspace(3, 12, 1801)
"""Sizes in weights among which the best one of a budget is looked for."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One fit: weights N, frames trained on D, operations C, and the loss on held-out episodes."""

    weights: float
    frames: float
    flops: float
    loss: float


@dataclass(frozen=True, kw_only=True)
class Law:
    """loss = floor + size · (N / 10⁶)^−alpha + data · (D / 10⁶)^−beta.

    Source: Training Compute-Optimal Large Language Models (Hoffmann et al. 2022), section 3.3. Its
    cost of 6 N D is replaced by `cost`, operations by weight and frame as they were counted.
    """

    floor: float
    size: float
    data: float
    alpha: float
    beta: float
    cost: float

    def loss(self, weights: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """Return the loss of models of so many weights on so many frames."""
        by_size = self.size * (np.asarray(weights) / 1e6) ** -self.alpha
        return self.floor + by_size + self.data * (np.asarray(frames) / 1e6) ** -self.beta

    def best(self, flops: float) -> tuple[float, float, float]:
        """Return the weights, frames and loss of the best fit that so many operations pay for."""
        frames = flops / (self.cost * SEARCHED)
        losses = self.loss(SEARCHED, frames)
        index = int(losses.argmin())
        return float(SEARCHED[index]), float(frames[index]), float(losses[index])


def fit_law(points: Sequence[Point]) -> Law:
    """Fit the law by least squares of relative errors: exponents on a grid, the rest exactly.

    Raises:
        ValueError: there are fewer than six fits, or not three sizes.
    """
    if len(points) < 6 or len({point.weights for point in points}) < 3:
        raise ValueError("a law asks for six fits or more, of three sizes or more")
    weights, frames, flops, losses = np.array(
        [(p.weights, p.frames, p.flops, p.loss) for p in points]
    ).T
    alphas, betas = (grid.ravel() for grid in np.meshgrid(EXPONENTS, EXPONENTS, indexing="ij"))
    by_size = (weights / 1e6) ** -alphas[:, None]
    by_data = (frames / 1e6) ** -betas[:, None]
    columns = np.stack([np.ones_like(by_size), by_size, by_data], axis=-1)  # (G, points, 3)
    # Relative: else the fits that learned least, whose losses are largest, would decide.
    factors, errors = _not_negative(columns / losses[:, None], np.ones_like(losses))
    least = int(errors.argmin())
    best = (*factors[least], alphas[least], betas[least])
    floor, size, data, alpha, beta = map(float, best)
    cost = float(np.median(flops / (weights * frames)))
    return Law(floor=floor, size=size, data=data, alpha=alpha, beta=beta, cost=cost)


def relative_error(law: Law, points: Sequence[Point]) -> float:
    """Return the root mean square of what a law misses each point by, as a part of its loss."""
    ratios = [float(law.loss(p.weights, p.frames)) / p.loss for p in points]
    return float(np.sqrt(np.mean(np.square(np.array(ratios) - 1))))


def without_each(points: Sequence[Point]) -> list[Law]:
    """Fit the law without each of the points in turn: how much it rests on one of them.

    Raises:
        ValueError: without one of them there are too few fits or sizes for a law.
    """
    return [fit_law([*points[:index], *points[index + 1 :]]) for index in range(len(points))]


def _not_negative(columns: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the least-squares factors of columns (G, n, 3) of which none is below 0.

    Returns:
        Factors (G, 3), and the sums of squared errors (G,).
    """
    best = np.zeros((len(columns), 3))
    least = np.full(len(columns), np.inf)
    for used in product((False, True), repeat=3):
        chosen = np.flatnonzero(used)
        if not len(chosen):
            continue
        found = np.zeros_like(best)
        found[:, chosen] = np.linalg.pinv(columns[:, :, chosen]) @ losses
        errors = np.square((columns @ found[..., None])[..., 0] - losses).sum(axis=1)
        better = (found >= 0).all(axis=1) & (errors < least)
        best[better], least[better] = found[better], errors[better]
    return best, least
