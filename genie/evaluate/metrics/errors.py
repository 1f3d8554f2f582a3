"""Squared errors of clips, and all that derives from them: PSNR, delta PSNR, intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SMALLEST_ERROR = 1e-10
FRAME_PSNR_CAP = 60.0
BOOTSTRAP_DRAWS = 2000
INTERVAL = (2.5, 97.5)

INFERRED, FROZEN, CEILING = "inferred", "frozen", "ceiling"


def random_arm(draw: int) -> str:
    """Name the arm of one draw of random actions."""
    return f"random{draw}"


def squared_error(got: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Measure the mean squared error of every frame.

    Args:
        got: uint8 (..., H, W, 3).
        true: uint8 of the same shape (leading axes may broadcast).

    Returns:
        float64 (...): mean over pixels and channels of the squared difference in [0, 1].
    """
    difference = got.astype(np.float32) - true.astype(np.float32)
    np.square(difference, out=difference)
    return difference.mean(axis=(-3, -2, -1), dtype=np.float64) / 255.0**2


def psnr(error: np.ndarray | float) -> np.ndarray:
    """Turn pooled mean squared errors in [0, 1] into decibels.

    Source: metrics.md.
    """
    # At the floor of 1e-10, equal sets have 100 dB instead of infinitely many.
    return -10 * np.log10(np.maximum(error, SMALLEST_ERROR))


def mean_frame_psnr(error: np.ndarray) -> float:
    """Average the PSNR of single frames, each capped at 60 dB."""
    return float(np.minimum(psnr(error), FRAME_PSNR_CAP).mean())


@dataclass(frozen=True, kw_only=True)
class ErrorTable:
    """Squared errors of a set of clips under several arms.

    Attributes:
        squared: float64 (clips, arms, t), mean squared error of each frame in [0, 1].
        arms: the name of each arm: inferred, random0…, frozen, ceiling.
    """

    squared: np.ndarray
    arms: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check that names and numbers fit.

        Raises:
            ValueError: the shape or the number of names is wrong, or a value is not finite.
        """
        if self.squared.ndim != 3 or self.squared.shape[1] != len(self.arms):
            raise ValueError(
                f"squared errors have shape {self.squared.shape} for {len(self.arms)} arms; "
                "allowed is (clips, arms, t)"
            )
        if not np.isfinite(self.squared).all():
            raise ValueError("a squared error is not finite: a model returned NaN frames")

    @property
    def random_arms(self) -> list[int]:
        """Indices of the arms that drew random actions."""
        return [i for i, name in enumerate(self.arms) if name.startswith("random")]

    def of(self, arm: str) -> np.ndarray:
        """Return the squared errors of one arm, float64 (clips, t)."""
        return self.squared[:, self.arms.index(arm)]

    def psnr(self, arm: str) -> np.ndarray:
        """Return the pooled PSNR of one arm, float64 (t,) in dB."""
        return psnr(self.of(arm).mean(axis=0))

    def random_psnr(self) -> np.ndarray:
        """Return the PSNR under random actions, float64 (t,): the mean over the draws, in dB."""
        return _delta_parts(self.squared.mean(axis=0), self.arms, self.random_arms)[1]

    def delta(self) -> np.ndarray:
        """Return inferred minus random PSNR, float64 (t,) in dB."""
        inferred, random = _delta_parts(self.squared.mean(axis=0), self.arms, self.random_arms)
        return inferred - random

    def delta_interval(self, seed: int = 0, draws: int = BOOTSTRAP_DRAWS) -> np.ndarray:
        """Bound delta PSNR by a 95 % bootstrap over clips: float64 (t, 2), low and high, in dB.

        Source: metrics.md, "Intervals".
        """
        pooled = resample_means(self.squared, seed, draws)  # (draws, arms, t)
        inferred, random = _delta_parts(pooled, self.arms, self.random_arms)
        return np.percentile(inferred - random, INTERVAL, axis=0).T

    def psnr_interval(self, arm: str, seed: int = 0, draws: int = BOOTSTRAP_DRAWS) -> np.ndarray:
        """Bound the PSNR of one arm by the same bootstrap: float64 (t, 2) in dB."""
        pooled = resample_means(self.of(arm), seed, draws)
        return np.percentile(psnr(pooled), INTERVAL, axis=0).T

    def random_interval(self, seed: int = 0, draws: int = BOOTSTRAP_DRAWS) -> np.ndarray:
        """Bound the PSNR under random actions by the same bootstrap: float64 (t, 2) in dB."""
        pooled = resample_means(self.squared, seed, draws)
        random = _delta_parts(pooled, self.arms, self.random_arms)[1]
        return np.percentile(random, INTERVAL, axis=0).T


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much better one world does than another on the same clips, in dB, by t.

    Attributes:
        psnr: float64 (t,), rollout PSNR under inferred actions, of the first less the second.
        psnr_ci: float64 (t, 2), its 95 % interval.
        delta: float64 (t,), delta PSNR of the first less that of the second.
        delta_ci: float64 (t, 2), its 95 % interval.
    """

    psnr: np.ndarray
    psnr_ci: np.ndarray
    delta: np.ndarray
    delta_ci: np.ndarray


def paired_difference(
    one: ErrorTable, other: ErrorTable, seed: int = 0, draws: int = BOOTSTRAP_DRAWS
) -> Difference:
    """Compare two worlds on the same clips in the same order.

    Raises:
        ValueError: the tables hold different numbers of clips or frames.

    Source: metrics.md, "Intervals".
    """
    # Each resampling draws the same clips from both: a clip that is hard is hard for both worlds,
    # so the interval of the difference is narrower than those of the worlds suggest.
    if one.squared.shape[::2] != other.squared.shape[::2]:
        raise ValueError(
            f"tables of (clips, t) {one.squared.shape[::2]} and {other.squared.shape[::2]} cannot "
            "be paired: score both worlds on the same clips"
        )
    means = [table.squared.mean(axis=0) for table in (one, other)]
    resampled = [resample_means(table.squared, seed, draws) for table in (one, other)]
    psnr_apart, delta_apart = _apart(means, one, other)
    psnr_resampled, delta_resampled = _apart(resampled, one, other)
    return Difference(
        psnr=psnr_apart,
        psnr_ci=np.percentile(psnr_resampled, INTERVAL, axis=0).T,
        delta=delta_apart,
        delta_ci=np.percentile(delta_resampled, INTERVAL, axis=0).T,
    )


def _apart(
    pooled: list[np.ndarray], one: ErrorTable, other: ErrorTable
) -> tuple[np.ndarray, np.ndarray]:
    """Subtract PSNR and delta PSNR of two worlds, given their pooled errors (..., arms, t)."""
    inferred, random = _delta_parts(pooled[0], one.arms, one.random_arms)
    inferred_other, random_other = _delta_parts(pooled[1], other.arms, other.random_arms)
    return inferred - inferred_other, (inferred - random) - (inferred_other - random_other)


def resample_means(values: np.ndarray, seed: int, draws: int) -> np.ndarray:
    """Average float64 (clips, ...) over clips drawn with replacement: float64 (draws, ...)."""
    clips = len(values)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(clips, np.full(clips, 1 / clips), size=draws)  # (draws, clips)
    return np.tensordot(counts / clips, values, axes=1)


def _delta_parts(
    pooled: np.ndarray, arms: tuple[str, ...], random: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    decibels = psnr(pooled)  # (..., arms, t)
    return decibels[..., arms.index(INFERRED), :], decibels[..., random, :].mean(axis=-2)
