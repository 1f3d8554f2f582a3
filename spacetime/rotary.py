"""Rotary position in time, with angles computed in float64."""

import torch
from torch import Tensor

# Longest wavelength over 2π, in frames. A band spans about ten frames, not thousands: with the
# common 10,000, most pairs of channels would hardly rotate inside it.
BASE = 100.0


def rotary_table(
    positions: Tensor, head_dim: int, device: torch.device | str | None = None
) -> tuple[Tensor, Tensor]:
    """Return the cosines and sines that rotate queries and keys at the given frames.

    Args:
        positions: int64 (T,), absolute frame numbers, on a device with float64 (Apple's GPUs have
            none).
        head_dim: channels per head, even.
        device: of the result; None: that of `positions`.

    Returns:
        Cosine and sine, each float32 (T, head_dim / 2).

    Source: RoFormer (Su et al. 2021), section 3.2.
    """
    # Float32 angles are off by 1e-3 after ten thousand frames of play.
    exponents = torch.arange(0, head_dim, 2, dtype=torch.float64, device=positions.device)
    rates = BASE ** (-exponents / head_dim)
    angles = positions.to(torch.float64)[:, None] * rates  # (T, head_dim/2)
    cos, sin = angles.cos().float(), angles.sin().float()
    # A blocking copy would make the CPU wait for the GPU in every layer of a training step.
    non_blocking = torch.device(device or "cpu").type == "cuda"
    return cos.to(device, non_blocking=non_blocking), sin.to(device, non_blocking=non_blocking)


def rotate(x: Tensor, table: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate pairs of channels of x, float (..., T, head_dim), by the angles of their frame."""
    cos, sin = table
    first, second = x.float().chunk(2, dim=-1)
    rotated = torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)
    return rotated.to(x.dtype)


def rotary_matrix(table: tuple[Tensor, Tensor]) -> Tensor:
    """Return the rotation of one frame, float32 (head_dim, head_dim), or of B: (B, ...).

    `x @ matrix` is `rotate(x, table)`: in play, one small product replaces seven operations.
    """
    cos, sin = (torch.diag_embed(part) for part in table)
    rows = (torch.cat((cos, sin), dim=-1), torch.cat((-sin, cos), dim=-1))
    return torch.cat(rows, dim=-2).squeeze(0)


def turn(x: Tensor, rotation: Tensor) -> Tensor:
    """Rotate x, float (B, ..., head_dim), by what `rotary_matrix` returns of one frame or of B."""
    if rotation.ndim == 2:
        return x @ rotation
    # One product a rollout; broadcast, the matrix would be copied for every token.
    return (x.flatten(1, -2) @ rotation).view_as(x)
