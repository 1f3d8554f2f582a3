"""What lies around the player, and how it looks: small nets that see a few cells of a frame."""

from torch import Tensor, nn
from torch.nn import functional as F

from lam.camera_steps.config import CameraStepsConfig
from spacetime.pixels import shrink

_SEEN = 8  # pixels
_CHANNELS, _WIDTH = 12, 32  # larger nets learn episodes by heart


def crop_cells(frames: Tensor, config: CameraStepsConfig, near: int) -> Tensor:
    """Cut the cells up to `near` away from the player out of frames (P, 3, H, W).

    Returns:
        (P, 3, (2·near + 1)·h, (2·near + 1)·w) with (h, w) of `seen_cell`; 0 outside the view.
    """
    top, left, height, width = config.view
    view = frames[:, :, top : top + height, left : left + width]
    sides = []
    for size, cell, first in zip((height, width), config.cell, own_cell(config), strict=True):
        before = near * cell - first  # negative where the view is larger
        sides.append((before, (2 * near + 1) * cell - size - before))
    (above, below), (west, east) = sides
    cells = F.pad(view, (west, east, above, below))
    return shrink(cells, config.cell[0] // seen_cell(config)[0], "mean")


def own_cell(config: CameraStepsConfig) -> tuple[int, int]:
    """Return the first row and column of the player's cell in the view, its middle one."""
    height, width = config.view[2:]
    return max(0, (height - config.cell[0]) // 2), max(0, (width - config.cell[1]) // 2)


def seen_cell(config: CameraStepsConfig) -> tuple[int, int]:
    """Return height and width of a cell as the nets see it: large ones are shrunk to about 8."""
    height, width = config.cell
    factor = max(1, min(height, width) // _SEEN)
    if height % factor or width % factor:
        factor = 1
    return height // factor, width // factor


class CellNet(nn.Module):
    """Cells around the player to logits, each cell seen by the same weights at first."""

    def __init__(self, config: CameraStepsConfig, near: int, own: bool) -> None:
        """Build the net.

        Args:
            config: of the model.
            near: cells that it sees in each direction.
            own: whether it sees the player's own cell, too.
        """
        super().__init__()
        self.config, self.near, self.own = config, near, own
        cells = (2 * near + 1) ** 2
        cell = seen_cell(config)
        self.of_cell = nn.Conv2d(3, _CHANNELS, cell, stride=cell)
        self.layers = nn.Sequential(
            nn.SiLU(), nn.Dropout(0.1), nn.Linear(cells * _CHANNELS, _WIDTH),
            nn.SiLU(), nn.Dropout(0.2), nn.Linear(_WIDTH, config.num_actions),
        )  # fmt: skip

    def forward(self, crops: Tensor) -> Tensor:
        """Map what `crop_cells` cut out, (P, 3, …) in [0, 1], to logits (P, A)."""
        cells = self.of_cell(crops - 0.5)  # (P, channels, rows, columns)
        if not self.own:
            cells = cells.clone()
            cells[:, :, self.near, self.near] = 0.0
        return self.layers(cells.flatten(1))
