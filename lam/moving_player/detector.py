"""Where the player is in a frame: a small net that learns its look."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lam.moving_player.config import MovingPlayerConfig

CELL = 2
"""Side of a cell in pixels; the net predicts which cell the player is in."""
_AROUND = 5  # cells of the window in which probabilities are averaged to a position


class PlayerDetector(nn.Module):
    """A frame to how likely the player's middle lies in each cell."""

    def __init__(self, config: MovingPlayerConfig) -> None:
        """Build the net of `config`."""
        super().__init__()
        c = config.detector_channels
        self.layers = nn.Sequential(
            nn.Conv2d(3 * CELL**2, c, 3, padding=1), nn.SiLU(),
            nn.Conv2d(c, c, 3, padding=2, dilation=2), nn.SiLU(),
            nn.Conv2d(c, c, 3, padding=4, dilation=4), nn.SiLU(),
            nn.Conv2d(c, 1, 1),
        )  # fmt: skip
        self.grid = (config.height // CELL, config.width // CELL)
        # A paddle keeps to its side of the picture.
        self.where = nn.Parameter(torch.zeros(self.grid))

    def forward(self, frames: Tensor) -> Tensor:
        """Map frames float (P, 3, H, W) in [0, 1] to logits of cells, (P, H/2 · W/2)."""
        scores = self.layers(F.pixel_unshuffle(frames - 0.5, CELL))[:, 0] + self.where
        return scores.flatten(1).float()

    @torch.no_grad()
    def locate(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Find the player in frames (P, 3, H, W).

        Returns:
            Its middle in pixels, (P, 2) as y and x; and the probability of being near it, (P,).
        """
        height, width = self.grid
        chances = self(frames).softmax(dim=1).unflatten(1, self.grid)
        best = chances.flatten(1).argmax(dim=1)
        rows = torch.arange(height, device=frames.device)
        columns = torch.arange(width, device=frames.device)
        near_row = (rows - (best // width)[:, None]).abs() <= _AROUND // 2
        near_column = (columns - (best % width)[:, None]).abs() <= _AROUND // 2
        near = chances * (near_row[:, :, None] & near_column[:, None])
        total = near.sum(dim=(1, 2))
        y = (near.sum(dim=2) * (rows + 0.5)).sum(dim=1) / total
        x = (near.sum(dim=1) * (columns + 0.5)).sum(dim=1) / total
        return CELL * torch.stack((y, x), dim=1), total

    def cell_of(self, positions: Tensor) -> Tensor:
        """Return the cell, int64 (P,), of positions (P, 2) in pixels."""
        cells = (positions / CELL).long()
        rows = cells[:, 0].clamp(0, self.grid[0] - 1)
        return rows * self.grid[1] + cells[:, 1].clamp(0, self.grid[1] - 1)
