"""Figures of a latent action model: use of its codes, one-step prediction, consistency."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lam.keymap.displacement import check_codes

# A shorter displacement is standing still.
_STILL_PIXELS = 0.5
_DECIDED_LEVELS = 8
"""Of 255; less is the noise of a decoder."""


@dataclass(frozen=True, kw_only=True)
class CodeUse:
    """How often each code occurs.

    Attributes:
        shares: share of transitions per code, A numbers that add to 1.
        perplexity: exp of their entropy: 1 if one code does everything, A if all are equal.
    """

    shares: tuple[float, ...]
    perplexity: float

    @property
    def rarest(self) -> float:
        """Return the share of the rarest code."""
        return min(self.shares)

    @property
    def largest(self) -> float:
        """Return the share of the most common code."""
        return max(self.shares)


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What the code decides: the pixels at which the inferred and a random one draw apart.

    Attributes:
        share: of the transitions, those that have such a pixel.
        nearer: share of these in which the inferred code's are nearer to the next frame; None
            if there are none. 0.5 is chance.
    """

    share: float
    nearer: float | None


@dataclass(frozen=True, kw_only=True)
class OneStep:
    """How well one step is predicted, in dB; each a PSNR of the whole set (errors pooled).

    Attributes:
        inferred_psnr: with the code inferred from the true pair.
        random_psnr: with a uniformly random code.
        frozen_psnr: of the frame before, repeated.
        delta_psnr: inferred_psnr − random_psnr: what the code is worth.
        nearer_next: share of transitions whose prediction is nearer to the next frame than to the
            current one.
        changed_share: share of transitions in which anything changes; in the others no prediction
            can be nearer to the next frame.
        decided: where the two predictions draw apart.
    """

    inferred_psnr: float
    random_psnr: float
    frozen_psnr: float
    delta_psnr: float
    nearer_next: float
    changed_share: float
    decided: Decided


def code_use(codes: Tensor, num_codes: int) -> CodeUse:
    """Count how often each of A = `num_codes` codes occurs.

    Args:
        codes: int64 (P,), 0 … A−1.
        num_codes: A.

    Raises:
        ValueError: if there are no codes or one is out of range.
    """
    codes = check_codes(codes, num_codes, len(codes))
    shares = codes.bincount(minlength=num_codes).double() / len(codes)
    entropy = -torch.special.xlogy(shares, shares).sum().item()
    return CodeUse(shares=tuple(shares.tolist()), perplexity=math.exp(entropy))


def one_step(before: Tensor, after: Tensor, inferred: Tensor, random: Tensor) -> OneStep:
    """Score one-step predictions; all frames are rounded to uint8 first.

    Args:
        before: (P, 3, H, W), frame t, uint8 or float in [0, 1]; so are the others.
        after: frame t + 1.
        inferred: the prediction of t + 1 with the inferred code.
        random: the prediction with a uniformly random code.

    Raises:
        ValueError: if the shapes differ.
    """
    to_next = squared_errors(inferred, after)
    return one_step_from_errors(
        inferred=to_next,
        random=squared_errors(random, after),
        frozen=squared_errors(before, after),
        inferred_to_current=squared_errors(inferred, before),
        decided=decided(after, inferred, random),
    )


def decided(after: Tensor, inferred: Tensor, random: Tensor) -> Tensor:
    """Judge predictions where they differ by more than 8 of 255; see `one_step` for the frames.

    Needs no scale, so it tells a paddle's code, which decides a thousandth of the frame, from one
    that decides nothing.

    Returns:
        float32 (P,): 1 where the inferred one's are nearer to the next frame, 0 where they are not,
        NaN where nothing is decided.

    Raises:
        ValueError: if the shapes differ.
    """
    if not after.shape == inferred.shape == random.shape or after.ndim != 4:
        raise ValueError("frames must be of one shape (P, 3, H, W)")
    after, inferred, random = _rounded(after), _rounded(inferred), _rounded(random)
    apart = (inferred - random).abs() > _DECIDED_LEVELS
    gain = ((random - after).square() - (inferred - after).square()) * apart
    nearer = (gain.flatten(1).sum(dim=1) > 0).float()
    return torch.where(apart.flatten(1).any(dim=1), nearer, math.nan)


def squared_errors(one: Tensor, two: Tensor) -> Tensor:
    """Return the mean squared error of each pair of frames, rounded to uint8.

    Args:
        one: (P, 3, H, W), uint8 or float in [0, 1].
        two: the same shape.

    Returns:
        float64 (P,), in squares of [0, 1].

    Raises:
        ValueError: if the shapes differ.
    """
    if one.shape != two.shape or one.ndim != 4:
        raise ValueError(
            f"frames must be of one shape (P, 3, H, W), got {tuple(one.shape)} and "
            f"{tuple(two.shape)}"
        )
    difference = _rounded(one) - _rounded(two)
    return (difference / 255).square().double().mean(dim=(1, 2, 3))


def one_step_from_errors(
    *,
    inferred: Tensor,
    random: Tensor,
    frozen: Tensor,
    inferred_to_current: Tensor,
    decided: Tensor,
) -> OneStep:
    """Score one-step predictions from the squared error of each transition.

    Args:
        inferred: float (P,), prediction with the inferred code against the next frame.
        random: float (P,) or any multiple of it, prediction with random codes, likewise.
        frozen: float (P,), the current frame against the next one.
        inferred_to_current: float (P,), prediction with the inferred code against the current
            frame.
        decided: float (P,), from `decided`.

    Raises:
        ValueError: if the columns have different lengths or are empty.
    """
    if not len(inferred) or not len(random):
        raise ValueError("no transitions: give the errors of at least one")
    lengths = [len(column) for column in (inferred, frozen, inferred_to_current, decided)]
    if len(set(lengths)) > 1:
        raise ValueError(f"figures of {lengths} transitions do not belong together")
    judged = decided[~decided.isnan()]
    best, chance = _psnr(inferred), _psnr(random)
    return OneStep(
        inferred_psnr=best,
        random_psnr=chance,
        frozen_psnr=_psnr(frozen),
        delta_psnr=best - chance,
        nearer_next=(inferred < inferred_to_current).double().mean().item(),
        changed_share=(frozen > 0).double().mean().item(),
        decided=Decided(
            share=len(judged) / len(decided),
            nearer=judged.double().mean().item() if len(judged) else None,
        ),
    )


def code_consistency(shift: Tensor, codes: Tensor, num_codes: int) -> tuple[float | None, ...]:
    """Measure whether each code means one thing from many prompts.

    Args:
        shift: float (P, 2), displacement of each transition in pixels (`Displacement.shift`), best
            of predictions of every code from many prompts.
        codes: int64 (P,), the code of each.
        num_codes: A.

    Returns:
        Per code the share of its transitions that agree with their median displacement: within 45°
        of it, or standing still (under half a pixel) if the median does; None if it never occurs.

    Raises:
        ValueError: if shapes do not fit or a code is out of range.
    """
    codes = check_codes(codes, num_codes, len(shift))
    if shift.shape != (len(codes), 2):
        raise ValueError(f"shift must have shape ({len(codes)}, 2), got {tuple(shift.shape)}")
    return tuple(_consistency(shift[codes == code].float().cpu()) for code in range(num_codes))


def _rounded(frames: Tensor) -> Tensor:
    """Return frames as float32 whole numbers in 0 … 255."""
    if frames.dtype == torch.uint8:
        return frames.float()
    return (frames.detach().float().clamp(0, 1) * 255).round()


def _psnr(errors: Tensor) -> float:
    """Return the PSNR of pooled squared errors in dB; a perfect match counts as 100 dB."""
    return -10 * math.log10(max(errors.double().mean().item(), 1e-10))


def _consistency(shift: Tensor) -> float | None:
    """Return the share of displacements (n, 2) that agree with their median."""
    if not len(shift):
        return None
    median = shift.median(dim=0).values
    if median.norm() < _STILL_PIXELS:
        return (shift.norm(dim=1) < _STILL_PIXELS).double().mean().item()
    aligned = torch.cosine_similarity(shift, median[None], dim=1) >= math.cos(math.pi / 4) - 1e-6
    return aligned.double().mean().item()
