"""How the picture flows from a frame to the next one, as four numbers."""

import torch
from torch import Tensor
from torch.nn import functional as F

from lam.keymap.displacement import parabola_vertex
from spacetime.pixels import shrink

NUMBERS = 4
_SIDE = 64
_BLOCK = 16
_CEILING = 0.25
"""Larger errors count no more: a pixel matches or it does not."""
_LONGER = 1e-4
"""Added to the error for each pixel of a shift: of equal fits the shorter one wins."""
_SURE = 0.02
"""A block counts whole if moving it takes away so much of its mean error, and in part for less."""
_BEND = 1e-4
"""Errors that bend less around a shift do not tell a fraction of a pixel."""
_DOUBT = 0.3
"""Blocks' worth of standing still that every mean holds: where nothing is sure, nothing moves."""
_ROW_STRIDE = 2
"""Every second row of pixels tells a shift as well as all of them."""


@torch.no_grad()
def measure_flow(before: Tensor, after: Tensor, reach: tuple[int, int]) -> Tensor:
    """Measure how the picture moves and grows.

    Blocks are matched between both frames. Turns and steps aside move all of them one way, a step
    ahead moves them apart.

    Args:
        before: float32 (P, 3, H, W) in [0, 1].
        after: the same shape; the frame that follows.
        reach: (dy, dx), the largest shift of a block, in pixels of frames of about 64.

    Returns:
        float32 (P, 4): the mean shift right and down, and how much farther apart the sides and the
        upper and lower edge are, in pixels of frames of about 64.
    """
    before, after = _small(before), _small(after)
    errors = _block_errors(before, after, reach)  # (P, rows, columns, shifts)
    shift, weight = _best_shifts(errors, reach)
    rows, columns = weight.shape[1:]
    down, right = (torch.linspace(-1, 1, n, device=shift.device) for n in (rows, columns))
    across = _slope(shift[..., 1], weight, right.expand(rows, columns))
    along = _slope(shift[..., 0], weight, down[:, None].expand(rows, columns))
    total = weight.sum(dim=(1, 2)) + _DOUBT
    moved = (shift * weight[..., None]).sum(dim=(1, 2)) / total[:, None]
    return torch.stack((moved[:, 1], moved[:, 0], across, along), dim=1)


def _small(frames: Tensor) -> Tensor:
    """Return one brightness per pixel, (P, h, w), of frames with a shorter side of about 64."""
    height, width = frames.shape[-2:]
    factor = max(1, round(min(height, width) / _SIDE))
    inner = frames[..., : height // factor * factor, : width // factor * factor]
    return shrink(inner, factor, "mean").mean(dim=1)


def _block_errors(before: Tensor, after: Tensor, reach: tuple[int, int]) -> Tensor:
    """Return the mean error of each block under each shift, (P, rows, columns, shifts)."""
    height, width = before.shape[1:]
    blocks = max(2, round(height / _BLOCK)), max(2, round(width / _BLOCK))
    (up, left), seen = reach, after[:, ::_ROW_STRIDE]
    wide = F.pad(before[:, None], (left, left, up, up), mode="replicate")[:, 0]
    errors = []
    for dy in range(-up, up + 1):
        for dx in range(-left, left + 1):
            rows = slice(up - dy, up - dy + height, _ROW_STRIDE)
            there = wide[:, rows, left - dx : left - dx + width]
            error = (seen - there).abs_().clamp_max_(_CEILING)
            errors.append(F.adaptive_avg_pool2d(error[:, None], blocks)[:, 0])
    return torch.stack(errors, dim=-1)


def _best_shifts(errors: Tensor, reach: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return the best shift of each block, (P, rows, columns, 2) as dy and dx, and its weight."""
    heights, widths = 2 * reach[0] + 1, 2 * reach[1] + 1
    dy = torch.arange(heights, device=errors.device) - reach[0]
    dx = torch.arange(widths, device=errors.device) - reach[1]
    length = (dy.abs()[:, None] + dx.abs()[None]).flatten()
    best = (errors + _LONGER * length).argmin(dim=-1)
    row, column = best // widths, best % widths
    least = errors.gather(-1, best[..., None])[..., 0]
    still = errors[..., reach[0] * widths + reach[1]]
    grid = errors.unflatten(-1, (heights, widths))
    shift = torch.stack(
        (
            dy[row] + parabola_vertex(grid.gather(-1, _index(column, heights))[..., 0], row, _BEND),
            dx[column]
            + parabola_vertex(grid.gather(-2, _index(row, widths, -2))[..., 0, :], column, _BEND),
        ),
        dim=-1,
    )
    return shift, ((still - least) / _SURE).clamp(0, 1)


def _index(at: Tensor, length: int, dim: int = -1) -> Tensor:
    """Repeat an index (P, r, c) so that it picks a column, or with dim −2 a row, of a grid."""
    shape = (*at.shape, length, 1) if dim == -1 else (*at.shape, 1, length)
    return at[..., None, None].expand(shape)


def _slope(values: Tensor, weight: Tensor, place: Tensor) -> Tensor:
    """Return how values (P, r, c) grow with a place (r, c) from −1 to 1, by weighted squares."""
    middle = (weight * place).sum(dim=(1, 2)) / weight.sum(dim=(1, 2)).clamp_min(1e-6)
    apart = place - middle[:, None, None]
    leverage = weight * apart
    return (values * leverage).sum(dim=(1, 2)) / ((leverage * apart).sum(dim=(1, 2)) + _DOUBT)
