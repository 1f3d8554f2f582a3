"""How far, and how much of, a frame moves to the next one; keys are named by it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from spacetime.pixels import changed_pixels

# Frames are searched at about this side; a larger frame is averaged down to it first.
_SEARCH_SIDE = 64
_SEARCH_RADIUS = 8
# A pixel has changed when a channel differs by more: above the noise of video compression.
_CHANGE = 12 / 255
# Larger errors count no more: a pixel matches or it does not.
_ERROR_CEILING = 0.25
# A shift counts only if it takes away this fraction of the error that standing still leaves.
_EXPLAINED = 0.25
# A refined shift that counts, in pixels at search size, even where no whole shift explains enough.
_LEAST_SLOPE = 0.25
# The frame moves only if so much of what would change then does: two paddles and a ball are
# scattered, too, but the walls stand still.
_CARRIED = 0.5
# Changed pixels (at search size) from which a transition shows anything at all.
_LEAST_CHANGED = 4


@dataclass(frozen=True, kw_only=True)
class Displacement:
    """What moved in each of P transitions.

    Attributes:
        shift: float32 (P, 2), dx and dy in pixels of the given frames, right and down positive:
            where the content that changed went. (0, 0) where nothing changed, or where no single
            shift explains the change.
        moved: bool (P,), whether a shift was found.
        changed_share: float32 (P,), fraction of pixels that changed.
        spread: float32 (P,), how scattered the change is that the shift explains: its root mean
            square distance from its own centre, over that of a whole frame. Near 1 if the frame
            moves, however few of its pixels show it; small if one sprite does, and 0 if most of
            what a moving frame would change stays as it is.
    """

    shift: Tensor
    moved: Tensor
    changed_share: Tensor
    spread: Tensor

    def __post_init__(self) -> None:
        """Refuse columns of different length."""
        lengths = {len(self.shift), len(self.moved), len(self.changed_share), len(self.spread)}
        if len(lengths) != 1:
            raise ValueError(f"the columns of a Displacement have different lengths: {lengths}")

    def __len__(self) -> int:
        """Return P, the number of transitions."""
        return len(self.shift)

    def select(self, index: Tensor) -> "Displacement":
        """Return the transitions at an index (int64) or under a mask (bool)."""
        return Displacement(
            shift=self.shift[index],
            moved=self.moved[index],
            changed_share=self.changed_share[index],
            spread=self.spread[index],
        )


Measure = Callable[[Tensor, Tensor], Displacement]
"""Frames before and after, each (P, 3, H, W), to what moved."""


def as_unit_frames(frames: Tensor, name: str = "frames") -> Tensor:
    """Bring frames (P, 3, H, W), uint8 or floating point in [0, 1], to float32 in [0, 1].

    Raises:
        ValueError: if the shape or the type is another; `name` stands in the message.
    """
    if frames.ndim != 4 or frames.shape[1] != 3:
        raise ValueError(
            f"{name} must have shape (P, 3, H, W), got {tuple(frames.shape)}: "
            "put channels before height and width, and flatten clips into single frames"
        )
    if frames.dtype == torch.uint8:
        return frames.float() / 255
    if not frames.is_floating_point():
        raise ValueError(f"{name} must be uint8 or floating point in [0, 1], got {frames.dtype}")
    return frames.detach().float().clamp(0, 1)


def check_codes(codes: Tensor, num_codes: int, length: int) -> Tensor:
    """Return codes as int64 on the CPU.

    Raises:
        ValueError: if they are not `length` integers in 0 … num_codes − 1, or there are none.
    """
    codes = torch.as_tensor(codes).detach().cpu()
    if codes.ndim != 1 or codes.is_floating_point() or len(codes) != length:
        raise ValueError(
            f"codes must be integers of shape ({length},), got {tuple(codes.shape)} {codes.dtype}"
        )
    if not length:
        raise ValueError("no transitions: give at least one pair of frames with its code")
    if num_codes < 1 or codes.min() < 0 or codes.max() >= num_codes:
        raise ValueError(
            f"codes lie between {codes.min()} and {codes.max()}, allowed are 0 to {num_codes - 1}"
        )
    return codes.long()


@torch.no_grad()
def measure_displacement(before: Tensor, after: Tensor, batch: int = 64) -> Displacement:
    """Find how the content of each frame moved to the next one.

    Every whole-pixel shift of up to 8 pixels (at a search size of about 64) is tried on the pixels
    that changed, both as where something arrived and as where it left. A parabola then refines the
    best shift to a fraction of a pixel.

    Args:
        before: uint8 or float in [0, 1], (P, 3, H, W).
        after: the same shape; the frame that follows.
        batch: transitions searched at once; only memory depends on it.

    Returns:
        Their Displacement, on the CPU.

    Raises:
        ValueError: if the shapes differ or are not those of frames.
    """
    if before.shape != after.shape:
        raise ValueError(
            f"before and after must be of one shape, got {tuple(before.shape)} and "
            f"{tuple(after.shape)}"
        )
    if not len(before):
        raise ValueError("no transitions: give at least one pair of frames")
    parts = [
        _measure(as_unit_frames(one, "before"), as_unit_frames(two, "after"))
        for one, two in zip(before.split(batch), after.split(batch), strict=True)
    ]
    return Displacement(
        shift=torch.cat([part.shift for part in parts]),
        moved=torch.cat([part.moved for part in parts]),
        changed_share=torch.cat([part.changed_share for part in parts]),
        spread=torch.cat([part.spread for part in parts]),
    )


def _measure(before: Tensor, after: Tensor) -> Displacement:
    """Measure one batch; arguments as in `measure_displacement`, float32."""
    factor = max(1, round(min(before.shape[-2:]) / _SEARCH_SIDE))
    if factor > 1:
        before = functional.avg_pool2d(before, factor)
        after = functional.avg_pool2d(after, factor)
    changed = changed_pixels(before, after, _CHANGE)  # (P, H, W)
    radius = min(_SEARCH_RADIUS, (min(before.shape[-2:]) - 1) // 2)
    errors = _shift_errors(_grey(before), _grey(after), changed, radius)  # (P, S, S)
    shift, least = _refined_minimum(errors, radius)
    still = errors[:, radius, radius]
    moved = changed.sum(dim=(1, 2)) >= _LEAST_CHANGED
    # Half a pixel is explained by no whole shift; the slope of the errors still gives it away.
    length = shift.norm(dim=1)
    slope = (length >= _LEAST_SLOPE) & (length < 0.75)
    moved &= slope | ((still - least >= _EXPLAINED * still) & (length > 0))
    shift = torch.where(moved[:, None], shift, torch.zeros_like(shift))
    return Displacement(
        shift=(shift * factor).cpu(),
        moved=moved.cpu(),
        changed_share=changed.float().mean(dim=(1, 2)).cpu(),
        spread=_spread(before, after, changed, shift).cpu(),
    )


def _grey(frames: Tensor) -> Tensor:
    """Return one brightness per pixel, (P, 3, H, W) to (P, H, W): a third of the search's work."""
    # No matrix product: its rounding may depend on how many frames there are.
    red, green, blue = frames.unbind(dim=1)
    return 0.3 * red + 0.5 * green + 0.2 * blue


def _shift_errors(before: Tensor, after: Tensor, changed: Tensor, radius: int) -> Tensor:
    """Return how badly each shift fits, (P, dy, dx), of grey frames (P, H, W)."""
    # A pair of pixels counts once for each end that changed: the trail of a sprite says as much as
    # its new position, and a blank ground cannot explain the sprite away.
    side = 2 * radius + 1
    weight = changed.float()
    errors = before.new_zeros(len(before), side, side)
    for row in range(side):
        for column in range(side):
            to_y, from_y = _overlap(row - radius, before.shape[1])
            to_x, from_x = _overlap(column - radius, before.shape[2])
            error = after[:, to_y, to_x] - before[:, from_y, from_x]
            pair = weight[:, to_y, to_x] + weight[:, from_y, from_x]
            # In place: new tensors of this size would take as long as the arithmetic.
            total = error.abs_().clamp_max_(_ERROR_CEILING).mul_(pair).sum(dim=(1, 2))
            # Where all change lies outside the overlap a shift explains nothing.
            count = pair.sum(dim=(1, 2))
            errors[:, row, column] = torch.where(count > 0, total / count, _ERROR_CEILING)
    return errors


def _overlap(shift: int, length: int) -> tuple[slice, slice]:
    """Return where along one axis content arrives, and where it comes from."""
    return (
        slice(max(shift, 0), length + min(shift, 0)),
        slice(max(-shift, 0), length + min(-shift, 0)),
    )


def _refined_minimum(errors: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    """Return the best shift, float32 (P, 2) as dx, dy to a fraction of a pixel, and its error."""
    side = errors.shape[-1]
    steps = torch.arange(-radius, radius + 1, device=errors.device)
    distance = steps.square()[:, None] + steps.square()[None, :]
    # Of equal fits the shorter shift wins: a flat area matches itself everywhere.
    biased = rearrange(errors + 1e-4 * distance.sqrt(), "p dy dx -> p (dy dx)")
    best = biased.argmin(dim=1)
    row, column = best // side, best % side
    index = torch.arange(len(errors), device=errors.device)
    dy = row - radius + parabola_vertex(errors[index, :, column], row)
    dx = column - radius + parabola_vertex(errors[index, row, :], column)
    return torch.stack([dx, dy], dim=1).float(), errors[index, row, column]


def parabola_vertex(curve: Tensor, at: Tensor, least_bend: float = 1e-6) -> Tensor:
    """Return where between −½ and ½ around an index (...,) a curve (..., S) has its minimum.

    It is 0 at the ends of the curve, and where the curve bends by `least_bend` or less.
    """
    last = curve.shape[-1] - 1
    middle = curve.gather(-1, at[..., None])[..., 0]
    before = curve.gather(-1, (at - 1).clamp_min(0)[..., None])[..., 0]
    after = curve.gather(-1, (at + 1).clamp_max(last)[..., None])[..., 0]
    bend = before - 2 * middle + after
    offset = 0.5 * (before - after) / bend.clamp_min(1e-6)
    inside = (at > 0) & (at < last) & (bend > least_bend)
    return torch.where(inside, offset, torch.zeros_like(offset)).clamp(-0.5, 0.5)


def _spread(before: Tensor, after: Tensor, changed: Tensor, shift: Tensor) -> Tensor:
    """Return how scattered the change is that a shift (P, 2) explains, (P,); 0 where it is none."""
    # How much of the frame changes would not do: a meadow of equal tiles that moves by a tile is
    # the same meadow, and only its few trees tell.
    still = (after - before).abs().mean(dim=1)
    whole = (shift.sign() * (shift.abs() - _LEAST_SLOPE).ceil().clamp_min(0)).long()
    shifted = (after - translated(before, whole)).abs().mean(dim=1)
    weight = (still - shifted).clamp_min(0) * changed
    weight = weight / weight.sum(dim=(1, 2), keepdim=True).clamp_min(1e-6)
    height, width = weight.shape[1:]
    rows = torch.arange(height, device=weight.device, dtype=weight.dtype)
    columns = torch.arange(width, device=weight.device, dtype=weight.dtype)
    variance = _variance(weight.sum(dim=2), rows) + _variance(weight.sum(dim=1), columns)
    spread = (variance / (rows.var(correction=0) + columns.var(correction=0))).sqrt()
    return torch.where(_carried(before, changed, shift, whole) >= _CARRIED, spread, 0.0)


def _carried(before: Tensor, changed: Tensor, shift: Tensor, whole: Tensor) -> Tensor:
    """Return the fraction, (P,), of what a frame that moves by a shift would change that does."""
    # Both whole shifts that the refined one lies between: equal tiles hide the right one only.
    lower = (shift.abs() + _LEAST_SLOPE).floor().clamp_min(1) * (shift.abs() > _LEAST_SLOPE)
    would = changed_pixels(before, translated(before, whole), _CHANGE)
    would &= changed_pixels(before, translated(before, (shift.sign() * lower).long()), _CHANGE)
    height, width = before.shape[-2:]
    rows = torch.arange(height, device=before.device) - whole[:, 1:]
    columns = torch.arange(width, device=before.device) - whole[:, :1]
    # What enters at the border is not known.
    would &= ((rows >= 0) & (rows < height))[:, :, None]
    would &= ((columns >= 0) & (columns < width))[:, None]
    return (would & changed).sum(dim=(1, 2)) / would.sum(dim=(1, 2)).clamp_min(1)


def _variance(weight: Tensor, positions: Tensor) -> Tensor:
    """Return the variance of positions (S,) under weights (P, S) that add to 1 or are all 0."""
    mean = (weight * positions).sum(dim=1)
    return (weight * (positions - mean[:, None]).square()).sum(dim=1)


def translated(frames: Tensor, by: Tensor) -> Tensor:
    """Move frames (P, 3, H, W) by int64 (P, 2), pixels right and down; the border is repeated."""
    height, width = frames.shape[-2:]
    rows = torch.arange(height, device=frames.device) - by[:, 1:]  # (P, H)
    columns = torch.arange(width, device=frames.device) - by[:, :1]  # (P, W)
    index = torch.arange(len(frames), device=frames.device)[:, None, None]
    channels_last = rearrange(frames, "p c h w -> p h w c")
    moved = channels_last[
        index, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]
    ]
    return rearrange(moved, "p h w c -> p c h w")
