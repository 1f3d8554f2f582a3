"""The encoder that reads an action off the player sprite's own pixels."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lam.player_sprite.config import SpriteActionConfig
from lam.player_sprite.location import camera_shift


class SpriteEncoder(nn.Module):
    """Two frames to a code, from the sprite's box in both and the shift of the camera.

    It is fitted in two steps (docs/design.md says why). `embed` learns latents of what persists for
    some frames; then `to_code` makes states of its features, and `code_of` codes of the states.
    `landing` says which codes are airborne (`lam.player_sprite.airborne`).
    """

    FEATURES = 96
    num_features = FEATURES + 2

    def __init__(self, config: SpriteActionConfig) -> None:
        """Build the encoder of `config`."""
        super().__init__()
        self.config = config
        self.top, self.left, self.height, self.width = config.box
        c = 24
        self.convolutions = nn.Sequential(
            nn.Conv2d(6, c, 3, padding=1), nn.SiLU(), nn.Conv2d(c, c, 3, padding=1), nn.SiLU()
        )
        self.to_features = nn.Sequential(
            nn.Linear(c * self.height * self.width + 2, 128), nn.SiLU(),
            nn.Linear(128, self.FEATURES), nn.SiLU(),
        )  # fmt: skip
        self.to_latent = nn.Linear(self.FEATURES, config.latent)
        self.register_buffer("mean", torch.zeros(self.FEATURES))
        self.register_buffer("scale", torch.ones(self.FEATURES))
        self.to_code = nn.Sequential(
            nn.Linear(self.FEATURES, 64), nn.SiLU(),
            nn.Linear(64, config.states or config.num_actions),
        )  # fmt: skip
        self.num_actions = config.num_actions
        states = torch.arange(config.states or config.num_actions)
        self.register_buffer("code_of", states.clamp_max(config.num_actions - 1))
        self.register_buffer("landing", torch.full((config.num_actions, 3), -1))

    def crop(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        """Take the box out of two frames (B, 3, H, W) in [0, 1], and measure the camera's shift.

        Returns:
            float (B, 2, 3, height, width), and the shift in pixels, float (B, 2).
        """
        rows = slice(self.top, self.top + self.height)
        columns = slice(self.left, self.left + self.width)
        boxes = torch.stack((before, after), dim=1)[..., rows, columns]
        radius, penalty = self.config.search_radius, self.config.shift_penalty
        return boxes, camera_shift(before, after, radius, penalty).to(boxes.dtype)

    def features(self, boxes: Tensor, shift: Tensor) -> Tensor:
        """Map what `crop` returned, boxes in [0, 1] or recoloured, to features (B, 96)."""
        before, after = (boxes - 0.5).unbind(dim=1)
        maps = self.convolutions(torch.cat((after, after - before), dim=1)).flatten(1)
        return self.to_features(torch.cat((maps, shift / 2), dim=1))

    def embed(self, boxes: Tensor, shift: Tensor) -> Tensor:
        """Map what `crop` returned to unit latents (B, latent)."""
        return F.normalize(self.to_latent(self.features(boxes, shift)), dim=1)

    def scores(self, features: Tensor) -> Tensor:
        """Map features (B, 96), standardized by `mean` and `scale`, to logits of states."""
        return self.to_code((features - self.mean) / self.scale)

    def codes(self, features: Tensor) -> Tensor:
        """Map features (B, 96) to codes, one-hot (B, A)."""
        states = self.scores(features).argmax(dim=1)
        return F.one_hot(self.code_of[states], self.num_actions).to(features.dtype)

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        """Map two frames, each float (B, 3, H, W) in [0, 1], to codes, one-hot (B, A)."""
        return self.codes(self.features(*self.crop(before, after)))
