"""Rotary position in time, with angles computed in float64."""

import torch
from torch import Tensor

BASE = 100.0
"""Longest wavelength over 2π, in frames: a band spans about ten frames, not thousands (our choice;
the common 10,000 would leave most pairs of channels without any turn inside the band)."""


def rotary_table(
    positions: Tensor, head_dim: int, device: torch.device | str | None = None
) -> tuple[Tensor, Tensor]:
    """Return the cosines and sines that turn queries and keys at the given frames.

    Float32 angles err by 1e-3 after ten thousand frames of play, so they are computed in float64.

    Args:
        positions: int64 (T,), absolute frame numbers, 0 or more.
        head_dim: channels of one head, even.
        device: where the result goes; None: where the positions are. Angles are computed where the
            positions are, which must know float64: the CPU does, Apple's GPUs do not.

    Returns:
        Cosine and sine, each float32 (T, head_dim / 2).

    Source: RoFormer (Su et al. 2021), section 3.2.
    """
    exponents = torch.arange(0, head_dim, 2, dtype=torch.float64, device=positions.device)
    rates = BASE ** (-exponents / head_dim)
    angles = positions.to(torch.float64)[:, None] * rates  # (T, head_dim/2)
    cos, sin = angles.cos().float(), angles.sin().float()
    # Waiting for it, every layer of a fit would make the processor wait for the GPU.
    ahead = torch.device(device or "cpu").type == "cuda"
    return cos.to(device, non_blocking=ahead), sin.to(device, non_blocking=ahead)


def rotate(x: Tensor, table: tuple[Tensor, Tensor]) -> Tensor:
    """Turn pairs of channels by the angles of their frame.

    Args:
        x: float (..., T, head_dim), queries or keys.
        table: cosine and sine from `rotary_table`, each (T, head_dim / 2).

    Returns:
        Same shape and dtype as `x`.
    """
    cos, sin = table
    first, second = x.float().chunk(2, dim=-1)
    turned = torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)
    return turned.to(x.dtype)


def rotary_matrix(table: tuple[Tensor, Tensor]) -> Tensor:
    """Return the rotation of one frame as a matrix: `x @ matrix` is `rotate(x, table)`.

    One small product takes the place of seven operations in play.

    Args:
        table: cosine and sine from `rotary_table` of one frame, each (1, head_dim / 2).

    Returns:
        float32 (head_dim, head_dim).
    """
    cos, sin = (torch.diag(part[0]) for part in table)
    return torch.cat((torch.cat((cos, sin), dim=1), torch.cat((-sin, cos), dim=1)))
