"""The latent action model that reads actions off a player that moves while the picture scrolls."""

import torch
from torch import Tensor, nn

from lam.keymap.displacement import translated
from lam.moving_player.config import ScrollingPlayerConfig
from lam.moving_player.model import MovingPlayerModel, PlayerReader
from lam.player_sprite.location import camera_shift, search_factor, search_radius
from spacetime.pixels import shrink


class ScrollingPlayerReader(PlayerReader):
    """The player's position in frames, and its motions in the scene that scrolls by."""

    def observe(self, before: Tensor, after: Tensor) -> Tensor:
        """Find the player in pairs of frames, each (P, 3, H, W).

        Returns:
            float32 (P, 5) as of a still picture, but the step is that in the scene: what the player
            does in the picture, and the camera with it.
        """
        observed = super().observe(before, after)
        step = observed[:, 2:4] + camera_step(before, after)
        return torch.cat((observed[:, :2], step, observed[:, 4:]), dim=1)


class ScrollingPlayerModel(MovingPlayerModel):
    """Reads actions off a player that moves about while the picture scrolls behind it."""

    @staticmethod
    def new_encoder(config: ScrollingPlayerConfig) -> nn.Module:
        """Build the reader."""
        return ScrollingPlayerReader(config)


def camera_step(before: Tensor, after: Tensor) -> Tensor:
    """Find by how many pixels the camera moves down and right between frames.

    Args:
        before: float (P, 3, H, W) in [0, 1].
        after: the same shape; the frames that follow.

    Returns:
        float32 (P, 2), whole pixels.
    """
    factor = search_factor(*before.shape[2:])
    small = [shrink(frames, factor, "mean") for frames in (before, after)]
    step = factor * camera_shift(*small, search_radius(*small[0].shape[2:]))
    if factor > 1:  # the rest, of less than a pixel of the small frames
        step += camera_shift(translated(before, -step.flip(1)), after, factor)
    return step.float()
