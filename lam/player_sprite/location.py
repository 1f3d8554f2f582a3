"""Where the player sprite is: the part of the frame that changes against the camera's motion."""

import torch
from torch import Tensor
from torch.nn import functional

from lam.keymap.displacement import translated
from spacetime.pixels import CHANGED

# Half the pixels along each axis tell a shift as well as all of them.
_STRIDE = 2
_SEARCH_SIDE = 64


def search_factor(*sides: int) -> int:
    """Return the whole factor by which frames are shrunk to about 64 pixels to find a shift.

    Args:
        sides: in pixels, the frame's two first; 1 if the factor does not divide all of them.
    """
    factor = max(1, round(min(sides[:2]) / _SEARCH_SIDE))
    return 1 if any(side % factor for side in sides) else factor


def search_radius(height: int, width: int) -> int:
    """Return how far a shift is looked for, in pixels: further than a cell of 8."""
    return min(9, largest_radius(height, width))


def largest_radius(height: int, width: int) -> int:
    """Return how far a shift can be looked for in frames of that size, in pixels."""
    return (min(height, width) - 2) // 2


def camera_shift(
    before: Tensor, after: Tensor, radius: int = 5, penalty: float = 0.05 / 255
) -> Tensor:
    """Find the whole-pixel shift of the frame that explains the next one best (block matching).

    Args:
        before: float32 (P, 3, H, W) in [0, 1], sides of 2 · `radius` + 2 pixels or more.
        after: the same shape; the frame that follows.
        radius: largest shift along each axis, in pixels.
        penalty: added to the mean absolute error per pixel of shift: of equal fits, the shorter.

    Returns:
        int64 (P, 2), dy and dx: what is at (y, x) in `after` was at (y + dy, x + dx) in `before`.
    """
    before, after = before.mean(dim=1), after.mean(dim=1)
    height, width = before.shape[1:]
    inner = after[:, radius : height - radius : _STRIDE, radius : width - radius : _STRIDE]
    costs, shifts = [], []
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            there = before[
                :,
                radius + dy : height - radius + dy : _STRIDE,
                radius + dx : width - radius + dx : _STRIDE,
            ]
            error = (there - inner).abs().mean(dim=(1, 2))
            costs.append(error + penalty * (abs(dy) + abs(dx)))
            shifts.append((dy, dx))
    best = torch.stack(costs, dim=1).argmin(dim=1)
    return torch.tensor(shifts, device=before.device)[best]


def motion_residual(before: Tensor, after: Tensor, shift: Tensor) -> Tensor:
    """Mark the pixels of the next frame that the camera's shift does not explain.

    Args:
        before: float32 (P, 3, H, W) in [0, 1].
        after: the same shape; the frame that follows.
        shift: int64 (P, 2), from `camera_shift`.

    Returns:
        bool (P, H, W); false where content enters at the border.
    """
    # The range of the 3 × 3 neighbours, so that a shift of a fraction of a pixel explains too.
    by = -shift.flip(1)
    highest = translated(functional.max_pool2d(before, 3, 1, 1), by)
    lowest = translated(-functional.max_pool2d(-before, 3, 1, 1), by)
    outside = ((after > highest + CHANGED) | (after < lowest - CHANGED)).any(dim=1)
    rows = _inside(shift[:, :1], before.shape[2])
    columns = _inside(shift[:, 1:], before.shape[3])
    return outside & rows[:, :, None] & columns[:, None]


def find_sprite(
    residual: Tensor, least: float = 0.1, edge: float = 0.08, largest: float = 0.1
) -> tuple[int, int, int, int] | None:
    """Find the box in which a frame changes by itself most often.

    Args:
        residual: float (H, W), how often each pixel is a `motion_residual`.
        least: a pixel connected to the highest residual belongs to the sprite from this fraction
            of it on.
        edge: a row or column at the edge of the box has this fraction of the fullest one's sum.
        largest: a box of a larger fraction of the frame is no sprite.

    Returns:
        top, left, height and width in pixels; None: no sprite keeps to one position.
    """
    if not residual.max() > 0:
        return None
    candidates = (residual > least * residual.max()).float()[None, None]
    grown, blob = (residual == residual.max()).float()[None, None], None
    while blob is None or not torch.equal(grown, blob):
        blob, grown = grown, functional.max_pool2d(grown, 3, 1, 1) * candidates
    excess = (residual - residual.median()).clamp_min(0) * _hull(blob[0, 0] > 0)
    top, height = _extent(excess.sum(dim=1), edge)
    left, width = _extent(excess.sum(dim=0), edge)
    if height * width > largest * residual.numel():  # things move everywhere
        return None
    return top, left, height, width


def _hull(pixels: Tensor) -> Tensor:
    """Fill the box around marked pixels, bool (H, W)."""
    return pixels.any(dim=1)[:, None] & pixels.any(dim=0)[None]


def _extent(profile: Tensor, edge: float) -> tuple[int, int]:
    """Return the first full entry of a profile (S,), and how many there are up to the last."""
    (full,) = (profile >= edge * profile.max()).nonzero(as_tuple=True)
    return int(full[0]), int(full[-1]) + 1 - int(full[0])


def _inside(shift: Tensor, length: int) -> Tensor:
    """Return which pixels along an axis come from inside the frame, bool (P, length)."""
    pixels = torch.arange(length, device=shift.device) + shift
    return (pixels >= 0) & (pixels < length)
