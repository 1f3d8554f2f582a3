"""The latent action model whose actions are the ones that labels name."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lam.base_models import new_base
from lam.holding import Holding
from lam.keymap.displacement import Measure
from lam.labelled.config import LabelledConfig
from lam.model import LatentActionModel


class LabelledReader(nn.Module):
    """What a model sees without labels, and a small net that reads named actions off it."""

    def __init__(self, config: LabelledConfig) -> None:
        """Build the reader of `config`."""
        super().__init__()
        self.around = config.around
        self.base = new_base(config.base)
        del self.base.decoder  # pixels are predicted from the named actions
        # Beside what the base sees, what it reads: few labels then need not tell it again.
        self.seen = self.base.encoder.num_features
        size = self.seen + config.base.num_actions
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))
        self.hidden = nn.Sequential(
            nn.Linear((2 * self.around + 1) * size, config.units), nn.SiLU()
        )
        self.to_action = nn.Linear(config.units, config.num_actions)
        self.register_buffer("trust", torch.tensor(1.0))
        """What the net counts, between 0 and 1; `of_code` counts the rest."""
        self.register_buffer("of_code", torch.zeros(config.base.num_actions, config.num_actions))
        """How likely each action has each code, as logarithms: all that a few labels can tell."""
        self.holding = Holding(config.num_actions)

    def observe(self, before: Tensor, after: Tensor) -> Tensor:
        """Map two frames, each (P, 3, H, W) in [0, 1], to what `features` reads, (P, F)."""
        return torch.cat(self.base.describe(before, after), dim=1).float()

    def here(self, observed: Tensor) -> Tensor:
        """Turn consecutive transitions (B, S, F), from `observe`, into what is read of each alone.

        Returns:
            float32 (B, S, D): what the base sees, and the code that it reads, one-hot.
        """
        codes = F.one_hot(self.base.read(observed[..., self.seen :]), self.base.config.num_actions)
        return torch.cat((observed[..., : self.seen], codes.to(observed.dtype)), dim=2)

    def features(self, here: Tensor, inside: Tensor) -> Tensor:
        """Standardize what `here` returned, (B, S, D), and put transitions beside those around.

        `inside`, bool (B, S, 1), is false behind the end of shorter episodes.
        """
        here = (here - self.mean) / self.scale * inside
        padded, steps = F.pad(here, (0, 0, self.around, self.around)), here.shape[1]
        shifted = [padded[:, by : by + steps] for by in range(2 * self.around + 1)]
        return torch.cat(shifted, dim=2)

    def scores(self, observed: Tensor) -> Tensor:
        """Return how likely each action shows what is observed, as logarithms (B, S, A).

        Zeros stand behind the end of shorter episodes, and tell nothing.
        """
        inside, here = (observed != 0).any(dim=2, keepdim=True), self.here(observed)
        read = self.to_action(self.hidden(self.features(here, inside))).log_softmax(dim=2)
        by_code = here[..., self.seen :] @ self.of_code
        return (self.trust * read + (1 - self.trust) * by_code) * inside


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

    @property
    def measure_player(self) -> Measure | None:
        """What measures how the base's player moves; None: it has none."""
        return getattr(self.encoder.base, "measure_player", None)

    def _observe_pairs(self, before: Tensor, after: Tensor) -> Tensor:
        """Return what the reader needs of pairs of frames, float32 (P, F)."""
        return self.encoder.observe(before, after)
