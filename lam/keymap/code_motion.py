"""How the player moves under each code; keys are named by it."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lam.keymap.displacement import Displacement, Measure, check_codes

# Enough for a steady mean, and seconds of work on one core.
_MOST_PAIRS_PER_CODE = 1024
# From this spread on the whole frame moves.
_CAMERA_SPREAD = 0.5
# A code with a smaller fraction of moving transitions has no direction.
_LEAST_MOVING_FRACTION = 0.05


@dataclass(frozen=True, kw_only=True)
class CodeMotion:
    """The player's displacement under one code, before codes are compared.

    Attributes:
        kind: "camera", "object" or "none".
        steps: float32 (n, 2), pixels right and down in each transition that moved.
        moving_share: fraction of the code's transitions in which something moved.
        speed: mean length over all transitions, those that stood still included.
        drift: float32 (2,), mean over all transitions.
        drift_error: float32 (2,), its standard error.
    """

    kind: str
    steps: Tensor
    moving_share: float
    speed: float
    drift: Tensor
    drift_error: Tensor


def measure_motions(
    before: Tensor, after: Tensor, codes: Tensor, num_codes: int, measure: Measure
) -> tuple[list[CodeMotion], int, Tensor]:
    """Measure how the player moves under every code.

    Args:
        before: uint8 or float in [0, 1], (P, 3, H, W).
        after: the same shape.
        codes: int64 (P,), 0 … A−1.
        num_codes: A.
        measure: finds what moved.

    Returns:
        The motion of each code, the id of the idle one (it shows least), and the usual
        displacement along x and y, float32 (2,).

    Raises:
        ValueError: if shapes do not fit, there are no pairs, or a code is out of range.
    """
    codes = check_codes(codes, num_codes, len(before))
    index = _sample(codes, num_codes)
    found = measure(before[index], after[index])
    codes = codes[index]
    motions = [_motion(found.select(codes == code)) for code in range(num_codes)]
    scale = _axis_scale(found)
    idle = _idle_code(motions, codes.bincount(minlength=num_codes), scale)
    return motions, idle, scale


def rests(motions: list[CodeMotion], idle: int, scale: Tensor) -> bool:
    """Return whether the idle code shows what happens without a key."""
    # It does if it drifts far less than the strongest code, or as the others do on average (all
    # sink, two of them also to a side).
    drifts = torch.stack([motion.drift / scale for motion in motions])
    if drifts[idle].norm() <= 0.5 * drifts.norm(dim=1).max():
        return True
    common = (drifts.sum(dim=0) - drifts[idle]) / max(len(motions) - 1, 1)
    apart = (drifts - drifts.mean(dim=0)).norm(dim=1).max()
    return bool((drifts[idle] - common).norm() < 0.5 * apart)


def trimmed_mean(values: Tensor) -> Tensor:
    """Return the mean of each column without its outer tenths, (n, 2) to (2,)."""
    # A median sticks at 0 when most displacements are a fraction of a pixel.
    if not len(values):
        return torch.zeros(values.shape[1])
    cut = len(values) // 10
    return values.sort(dim=0).values[cut : len(values) - cut].mean(dim=0)


def standard_error(values: Tensor) -> Tensor:
    """Return the standard error of the mean of each column, (n, 2) to (2,); 0 for one row."""
    if len(values) < 2:
        return torch.zeros(values.shape[1])
    return values.std(dim=0) / math.sqrt(len(values))


def _sample(codes: Tensor, num_codes: int) -> Tensor:
    """Return evenly spaced transitions, at most `_MOST_PAIRS_PER_CODE` of each code, int64."""
    chosen = []
    for code in range(num_codes):
        (pairs,) = (codes == code).nonzero(as_tuple=True)
        count = min(len(pairs), _MOST_PAIRS_PER_CODE)
        chosen.append(pairs[torch.linspace(0, max(len(pairs) - 1, 0), count).round().long()])
    return torch.cat(chosen)


def _motion(found: Displacement) -> CodeMotion:
    """Turn the frame's displacement into the player's: against the camera, or along the sprite."""
    nothing = torch.zeros(2)
    fraction = found.moved.float().mean().item() if len(found) else 0.0
    if fraction < _LEAST_MOVING_FRACTION:
        return CodeMotion(
            kind="none",
            steps=torch.zeros(0, 2),
            moving_share=fraction,
            speed=0.0,
            drift=nothing,
            drift_error=nothing,
        )
    follows = found.spread >= _CAMERA_SPREAD
    camera = bool(follows[found.moved].float().mean() >= 0.5)
    # The rarer kind is something else: another creature, or a camera at the end of the level.
    of_kind = found.moved & (follows == camera)
    sign = -1.0 if camera else 1.0
    steps = sign * found.shift
    return CodeMotion(
        kind="camera" if camera else "object",
        steps=steps[of_kind],
        moving_share=fraction,
        speed=steps.norm(dim=1).mean().item(),
        drift=trimmed_mean(steps),
        drift_error=standard_error(steps),
    )


def _axis_scale(found: Displacement) -> Tensor:
    """Return the usual displacement along x and y, (2,): a fall is faster than a walk."""
    scale = found.shift.square().mean(dim=0).sqrt()
    # An axis along which nothing moves must not have its noise blown up.
    return scale.clamp_min(scale.max().item() / 4).clamp_min(1e-6)


def _idle_code(motions: list[CodeMotion], counts: Tensor, scale: Tensor) -> int:
    """Return the code that shows least: it stands still most often and drifts least."""
    drifts = [(motion.drift / scale).norm().item() for motion in motions]
    longest = max(*drifts, 1e-6)

    def shows(code: int) -> tuple[bool, float]:
        # A code that never occurs is not known to stand still.
        never = not counts[code]
        return never, motions[code].moving_share + drifts[code] / longest

    return min(range(len(motions)), key=shows)
