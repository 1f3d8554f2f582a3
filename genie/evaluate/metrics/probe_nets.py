"""The nets of the supervised probe: two frames to the action between them."""

from __future__ import annotations

import math

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

WIDTHS = (32, 64, 64)
HIDDEN = 128
_SEEN = 24  # numbers of a cell of 2 x 2 pixels: colours, and how they change


class InverseDynamics(nn.Module):
    """Three strided convolutions, and a layer that sees where things are in the frame."""

    def __init__(self, height: int, width: int, num_groups: int) -> None:
        """Build the net for frames of `height` by `width` pixels."""
        super().__init__()
        self.convolutions = _convolutions(strides=(2, 2, 2))
        cells = math.ceil(height / 16) * math.ceil(width / 16)
        self.head = _head(WIDTHS[-1] * cells, num_groups)

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        """Map two frames, each uint8 (B, 3, H, W), to logits (B, G)."""
        return self.head(rearrange(self.convolutions(_pair(before, after)), "b c h w -> b (c h w)"))


class PooledInverseDynamics(nn.Module):
    """Three convolutions, one strided, and what they find anywhere in the frame.

    The net that sees where things are learns scenery by heart where a small player goes about.
    """

    def __init__(self, height: int, width: int, num_groups: int) -> None:
        """Build the net; it takes frames of any size."""
        super().__init__()
        self.convolutions = _convolutions(strides=(2, 1, 1))
        self.head = _head(2 * WIDTHS[-1], num_groups)

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        """Map two frames, each uint8 (B, 3, H, W), to logits (B, G)."""
        found = self.convolutions(_pair(before, after))
        return self.head(torch.cat((found.amax(dim=(2, 3)), found.mean(dim=(2, 3))), dim=1))


def _pair(before: Tensor, after: Tensor) -> Tensor:
    first, second = (frames.float() / 255 for frames in (before, after))
    pair = torch.cat((first - 0.5, second - first), dim=1)
    pair = F.pad(pair, (0, pair.shape[-1] % 2, 0, pair.shape[-2] % 2))
    return F.pixel_unshuffle(pair, 2)


def _convolutions(strides: tuple[int, ...]) -> nn.Sequential:
    layers, channels = [], _SEEN
    for wide, stride in zip(WIDTHS, strides, strict=True):
        layers += [nn.Conv2d(channels, wide, 3, stride=stride, padding=1), nn.SiLU()]
        channels = wide
    return nn.Sequential(*layers)


def _head(features: int, num_groups: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(features, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, num_groups))
