"""The latent action model of large frames that looks at smaller ones."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from lam.base_models import new_base
from lam.keymap.displacement import Displacement, Measure, as_unit_frames
from lam.losses import LatentActionMethod
from lam.model import LatentActionModel
from lam.shrunk.config import ShrunkConfig
from spacetime.pixels import enlarged, shrink

_PAIRS = 64


class ShrunkActionModel(nn.Module):
    """Reads actions off shrunk frames, and draws what they change in the large ones.

    What a key does shows in small frames, at a fraction of the work.
    """

    ENCODER = tuple(f"base.{name}" for name in LatentActionModel.ENCODER)
    """How the names of the weights begin on which the actions depend."""

    def __init__(self, config: ShrunkConfig) -> None:
        """Build the model with new weights."""
        super().__init__()
        self.config = config
        self.base = new_base(config.base)

    def infer(self, frames: Tensor) -> Tensor:
        """Infer actions int64 (B, T−1) from frames (B, T, 3, H, W); entry t leads to t+1."""
        return self.base.infer(self._shrink(frames))

    def observe(self, frames: Tensor) -> Tensor:
        """Encode each transition by itself: frames (B, T, 3, H, W) to float32 (B, T−1, F)."""
        return self.base.observe(self._shrink(frames))

    def read(self, observed: Tensor, episodes: Tensor | None = None) -> Tensor:
        """Read actions int64 (B, S) off consecutive transitions (B, S, F), from `observe`."""
        return self.base.read(observed, episodes)

    def predict(self, frame: Tensor, action: Tensor) -> Tensor:
        """Predict the frame (B, 3, H, W) in [0, 1] that an action, int64 (B,), leads to.

        What the base changes is added to the frame, each of its pixels repeated.
        """
        small = self._shrink(frame)
        change = self.base.predict(small, action) - small
        return (frame + enlarged(change, self.config.factor)).clamp(0, 1)

    def freeze_encoder(self) -> None:
        """Keep the encoder and the codes; only the decoder is fitted further."""
        self.base.freeze_encoder()

    def training_loss(
        self, frames: Tensor, method: LatentActionMethod
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of the base on shrunk frames (B, T, 3, H, W)."""
        return self.base.training_loss(self._shrink(frames), method)

    @property
    def measure_player(self) -> Measure | None:
        """What measures how the base's player moves, in pixels of the large frames, or None."""
        if (measure := getattr(self.base, "measure_player", None)) is None:
            return None

        def measured(before: Tensor, after: Tensor) -> Displacement:
            found = measure(self._shrink_some(before), self._shrink_some(after))
            return replace(found, shift=self.config.factor * found.shift)

        return measured

    def _shrink_some(self, frames: Tensor) -> Tensor:
        """Shrink frames (P, 3, H, W) of bytes or floats, a few at a time: they may be thousands."""
        return torch.cat([self._shrink(as_unit_frames(some)) for some in frames.split(_PAIRS)])

    def _shrink(self, frames: Tensor) -> Tensor:
        if frames.shape[-2:] != (self.config.height, self.config.width):
            raise ValueError(
                f"frames must be {self.config.height}x{self.config.width}, got "
                f"{frames.shape[-2]}x{frames.shape[-1]}: resize them to the size of this model"
            )
        return shrink(frames, self.config.factor, self.config.shrinking)
