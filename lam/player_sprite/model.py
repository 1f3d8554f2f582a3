"""The latent action model that reads actions off a player sprite."""

import torch
from torch import Tensor, nn

from lam.model import LatentActionModel
from lam.player_sprite.airborne import read_keys
from lam.player_sprite.config import SpriteActionConfig
from lam.player_sprite.encoder import SpriteEncoder


class SpriteActionModel(LatentActionModel):
    """Reads actions off a sprite that keeps to one position while the camera follows it.

    The encoder gives codes by itself (`SpriteEncoder`); only the decoder is fitted to pixels.
    Where the sprite is airborne, an action depends on earlier frames too: it is the jump at first,
    and then what steers.
    """

    @staticmethod
    def new_encoder(config: SpriteActionConfig) -> nn.Module:
        """Build the encoder: two frames to codes, one-hot."""
        return SpriteEncoder(config)

    def read(self, observed: Tensor, episodes: Tensor | None = None) -> Tensor:
        """Read actions off consecutive transitions.

        Args:
            observed: float32 (B, S, 3), from `observe`: codes and shifts of the camera.
            episodes: int64 (B,), the numbers of the episodes; None: every jump counts as held.

        Returns:
            int64 (B, S).
        """
        # A jump that is held to its end and one that is let go after the take-off can show the
        # same frames, and a world needs both: a player who lets go must come down. So jumps of odd
        # episodes count as let go, those of even ones as held.
        held = True if episodes is None else episodes % 2 == 0
        codes, shift = observed[..., 0].long(), observed[..., 1:]
        return read_keys(
            codes,
            shift,
            self.encoder.landing,
            held,
            take_off=self.config.take_off,
            off_heading=self.config.off_heading,
        )

    def describe(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the sprite looks like and the camera's shift, (P, 98), and what is observed.

        That is the code and the shift, float32 (P, 3).
        """
        boxes, shift = self.encoder.crop(before, after)
        features = self.encoder.features(boxes, shift)
        codes = self.quantizer.nearest(self.encoder.codes(features))
        observed = torch.cat((codes[:, None].float(), shift.float()), dim=1)
        return torch.cat((features, shift), dim=1), observed

    def _observe_pairs(self, before: Tensor, after: Tensor) -> Tensor:
        """Return the code and the camera's shift of pairs of frames, float32 (P, 3)."""
        return self.describe(before, after)[1]
