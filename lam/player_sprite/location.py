"""Where the avatar is: what changes in a picture although no shift of the picture explains it."""

import torch
from torch import Tensor
from torch.nn import functional

from lam.keymap.displacement import translated
from spacetime.pixels import CHANGED

SEARCH_RADIUS = 5
"""A camera that follows is looked for up to this many pixels away."""
# Half the pixels each way tell a shift as well as all of them.
_STRIDE = 2
# Among shifts that fit alike the shorter one is believed, this much for a pixel.
_RELUCTANCE = 0.05 / 255
# A place may belong to the avatar from this share of the most unexplained place on: a head that
# seldom changes belongs to the legs that do.
_HOT = 0.1
# A row or column at the edge of the box must hold this share of the fullest one: what lies beside
# the avatar lasts longer than a key, and would be taken for one.
_FULL = 0.08
# A box of more than this share of the picture is no avatar: things move everywhere.
_LARGEST_SHARE = 0.1


def camera_shift(before: Tensor, after: Tensor) -> Tensor:
    """Find the whole-pixel shift of the picture that explains the next frame best.

    Args:
        before: float32 (P, 3, H, W) in [0, 1], sides of 12 pixels or more.
        after: the same shape; the frame that follows.

    Returns:
        int64 (P, 2), dy and dx: what is at (y, x) in `after` was at (y + dy, x + dx) in `before`.

    Source: our choice (exhaustive block matching).
    """
    before, after = before.mean(dim=1), after.mean(dim=1)
    height, width = before.shape[1:]
    radius, stride = SEARCH_RADIUS, _STRIDE
    inner = after[:, radius : height - radius : stride, radius : width - radius : stride]
    costs, shifts = [], []
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            there = before[
                :,
                radius + dy : height - radius + dy : stride,
                radius + dx : width - radius + dx : stride,
            ]
            error = (there - inner).abs().mean(dim=(1, 2))
            costs.append(error + _RELUCTANCE * (abs(dy) + abs(dx)))
            shifts.append((dy, dx))
    best = torch.stack(costs, dim=1).argmin(dim=1)
    return torch.tensor(shifts, device=before.device)[best]


def motion_residual(before: Tensor, after: Tensor) -> Tensor:
    """Mark the pixels of the next frame that no shift of the picture explains.

    A pixel is explained if it lies within the range of its 3 × 3 neighbours in the shifted frame,
    so that a shift of a fraction of a pixel is one too. What enters at the border is left out.

    Args:
        before: float32 (P, 3, H, W) in [0, 1].
        after: the same shape; the frame that follows.

    Returns:
        bool (P, H, W).
    """
    shift = camera_shift(before, after)
    by = -shift.flip(1)
    highest = translated(functional.max_pool2d(before, 3, 1, 1), by)
    lowest = translated(-functional.max_pool2d(-before, 3, 1, 1), by)
    outside = ((after > highest + CHANGED) | (after < lowest - CHANGED)).any(dim=1)
    rows = _inside(shift[:, :1], before.shape[2])
    columns = _inside(shift[:, 1:], before.shape[3])
    return outside & rows[:, :, None] & columns[:, None]


def find_sprite(residual: Tensor) -> tuple[int, int, int, int] | None:
    """Find the box in which a picture changes by itself most often.

    Args:
        residual: float (H, W), the share of transitions in which each pixel is unexplained.

    Returns:
        top, left, height and width in pixels of the box around the highest share and all places
        of more than a tenth of it that hang together with it, less rows and columns at its edges
        that hold little more than the background; None if it covers more than a tenth of the
        picture: then no avatar keeps to a place.

    Source: our choice.
    """
    if not residual.max() > 0:
        return None
    hot = (residual > _HOT * residual.max()).float()[None, None]
    grown, blob = (residual == residual.max()).float()[None, None], None
    while blob is None or not torch.equal(grown, blob):
        blob, grown = grown, functional.max_pool2d(grown, 3, 1, 1) * hot
    excess = (residual - residual.median()).clamp_min(0) * _hull(blob[0, 0] > 0)
    top, height = _extent(excess.sum(dim=1))
    left, width = _extent(excess.sum(dim=0))
    if height * width > _LARGEST_SHARE * residual.numel():
        return None
    return top, left, height, width


def _hull(pixels: Tensor) -> Tensor:
    """Fill the box around marked places, bool (H, W)."""
    return pixels.any(dim=1)[:, None] & pixels.any(dim=0)[None]


def _extent(profile: Tensor) -> tuple[int, int]:
    """Return the first full place of a profile (S,), and how many there are up to the last."""
    (full,) = (profile >= _FULL * profile.max()).nonzero(as_tuple=True)
    return int(full[0]), int(full[-1]) + 1 - int(full[0])


def _inside(shift: Tensor, length: int) -> Tensor:
    """Return which places along an axis come from inside the picture, bool (P, length)."""
    pixels = torch.arange(length, device=shift.device) + shift
    return (pixels >= 0) & (pixels < length)
