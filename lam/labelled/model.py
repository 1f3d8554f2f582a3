"""The latent action model whose actions are the ones that labels name."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lam.config import LatentActionConfig
from lam.holding import Holding
from lam.labelled.config import LabelledConfig
from lam.model import LatentActionModel
from lam.moving_player.config import MovingPlayerConfig
from lam.moving_player.model import MovingPlayerModel
from lam.player_sprite.config import SpriteActionConfig
from lam.player_sprite.model import SpriteActionModel

_MODELS = {
    LatentActionConfig: LatentActionModel,
    SpriteActionConfig: SpriteActionModel,
    MovingPlayerConfig: MovingPlayerModel,
}


class LabelledReader(nn.Module):
    """What a model sees without labels, and a small net that reads named actions off it."""

    def __init__(self, config: LabelledConfig) -> None:
        """Build the reader of `config`."""
        super().__init__()
        self.around = config.around
        self.seer = _MODELS[type(config.base)].new_encoder(config.base)
        size = self.seer.num_features
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))
        self.to_action = nn.Sequential(
            nn.Linear((2 * self.around + 1) * size, config.units), nn.SiLU(), nn.Dropout(0.3),
            nn.Linear(config.units, config.num_actions),
        )  # fmt: skip
        self.holding = Holding(config.num_actions)

    def observe(self, before: Tensor, after: Tensor) -> Tensor:
        """Map two frames, each (P, 3, H, W) in [0, 1], to standardized features (P, F)."""
        return (self.seer.describe(before, after).float() - self.mean) / self.scale

    def surroundings(self, observed: Tensor) -> Tensor:
        """Put the features (B, S, F) of each transition beside those around it."""
        steps = observed.shape[1]
        padded = F.pad(observed, (0, 0, self.around, self.around))
        shifted = [padded[:, by : by + steps] for by in range(2 * self.around + 1)]
        return torch.cat(shifted, dim=2)

    def scores(self, observed: Tensor) -> Tensor:
        """Return the log probability (B, S, A) of each action, by the features (B, S, F)."""
        scores = self.to_action(self.surroundings(observed)).log_softmax(dim=2)
        # Zeros stand behind the end of shorter episodes, and must tell nothing.
        return torch.where((observed == 0).all(dim=2, keepdim=True), 0.0, scores)


class LabelledActionModel(LatentActionModel):
    """Reads the actions that a few labels name, off what was learnt without labels.

    Actions are read along the episode, since a key is held for a while (`lam.holding`).
    """

    @staticmethod
    def new_encoder(config: LabelledConfig) -> nn.Module:
        """Build the reader."""
        return LabelledReader(config)

    def read(self, observed: Tensor, episodes: Tensor | None = None) -> Tensor:
        """Read actions int64 (B, S) off consecutive transitions (B, S, F), from `observe`."""
        return self.encoder.holding.most_likely(self.encoder.scores(observed))

    def _observe_pairs(self, before: Tensor, after: Tensor) -> Tensor:
        """Return the features of pairs of frames, float32 (P, F)."""
        return self.encoder.observe(before, after)
