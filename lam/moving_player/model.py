"""The latent action model that reads actions off a moving player."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lam.held_keys import MISSING, HeldKeys
from lam.keymap.displacement import Displacement, as_unit_frames
from lam.model import LatentActionModel
from lam.moving_player.config import MovingPlayerConfig
from lam.moving_player.detector import PlayerDetector

STILL = 0.3
"""Less than this fraction of a motion's usual step is standing still. The first step of a key is
often a part of one; taken for none, keys would seem to be held at a wall before they lead away."""
_WAVES = (1, 2, 4, 8)
_PAIRS = 64


class PlayerReader(nn.Module):
    """The player's position in frames, its motions, and the keys behind them."""

    def __init__(self, config: MovingPlayerConfig) -> None:
        """Build the reader of `config`."""
        super().__init__()
        self.config = config
        self.detector = PlayerDetector(config)
        # As many motions as keys: one is standing still, each other one a direction.
        self.num_motions = config.num_actions
        self.register_buffer("motions", torch.zeros(self.num_motions, 2))
        context = 4 * len(_WAVES) + self.num_motions + 1
        self.keys = HeldKeys(config.num_actions, self.num_motions, context)
        self.num_features = context + 2

    def observe(self, before: Tensor, after: Tensor) -> Tensor:
        """Find the player in pairs of frames, each (P, 3, H, W).

        Returns:
            float32 (P, 5): y and x before, the step to the position after, all in pixels, and the
            lower of both probabilities of being there.
        """
        start, seen = self.detector.locate(before)
        end, still_seen = self.detector.locate(after)
        return torch.cat((start, end - start, torch.minimum(seen, still_seen)[:, None]), dim=1)

    def motion_of(self, observed: Tensor) -> Tensor:
        """Return the motion of what `observe` returned, int64 (...,); `MISSING` if not seen."""
        step, seen = observed[..., 2:4], observed[..., 4] >= self.config.least_seen
        seen = seen & (step.abs().amax(dim=-1) <= self.config.largest_step)
        flat, usual = step.flatten(0, -2), self.motions.norm(dim=1)
        # Where there are more keys than directions, the last motions are none.
        far = torch.cdist(flat, self.motions).masked_fill(usual == 0, torch.inf)
        motion = far.argmin(dim=1)
        still = flat.norm(dim=1) < STILL * usual[motion]
        return torch.where(seen, motion.masked_fill(still, 0).view(seen.shape), MISSING)

    def context_of(self, observed: Tensor, motions: Tensor) -> Tensor:
        """Describe the situations of consecutive transitions: where, and the motion before.

        Args:
            observed: (B, S, 5), from `observe`.
            motions: int64 (B, S), from `motion_of`.

        Returns:
            (B, S, C).
        """
        before = F.pad(motions[:, :-1], (1, 0), value=MISSING)
        return torch.cat((*self._waves(observed), self._one_hot(before, observed)), dim=2)

    def describe(self, observed: Tensor) -> Tensor:
        """Turn what `observe` returned, (P, 5), into numbers for a net: position and motion."""
        limit = self.config.largest_step
        step = observed[:, 2:4].clamp(-limit, limit)
        motions = self._one_hot(self.motion_of(observed), observed)
        return torch.cat((*self._waves(observed), motions, step), dim=1)

    def _waves(self, observed: Tensor) -> list[Tensor]:
        size = observed.new_tensor((self.config.height, self.config.width))
        angles = [math.pi * wave * observed[..., :2] / size for wave in _WAVES]
        return [part for angle in angles for part in (angle.sin(), angle.cos())]

    def _one_hot(self, motions: Tensor, like: Tensor) -> Tensor:
        known = torch.where(motions == MISSING, self.num_motions, motions)
        return F.one_hot(known, self.num_motions + 1).to(like.dtype)

    def read(self, observed: Tensor) -> Tensor:
        """Read keys int64 (B, S) off what `observe` returned of consecutive transitions."""
        motions = self.motion_of(observed)
        return self.keys.read(motions, self.context_of(observed, motions))


class MovingPlayerModel(LatentActionModel):
    """Reads actions off a player that moves about while the picture stands still.

    The reader gives actions by itself (`PlayerReader`); only the decoder is fitted to pixels. A
    key into a wall moves nothing, so an action depends on the transitions around it, too.
    """

    @staticmethod
    def new_encoder(config: MovingPlayerConfig) -> nn.Module:
        """Build the reader."""
        return PlayerReader(config)

    def read(self, observed: Tensor, episodes: Tensor | None = None) -> Tensor:
        """Read actions int64 (B, S) off consecutive transitions (B, S, 5), from `observe`."""
        return self.encoder.read(observed)

    @torch.no_grad()
    def measure_player(self, before: Tensor, after: Tensor) -> Displacement:
        """Measure how the player moves between frames (P, 3, H, W): its keys are named by it.

        What else moves, such as a ball, says nothing of them.
        """
        device, parts = self.encoder.motions.device, []
        pairs = zip(before.split(_PAIRS), after.split(_PAIRS), strict=True)
        for pair in pairs:
            frames = (as_unit_frames(one).to(device) for one in pair)
            parts.append(self._observe_pairs(*frames))
        observed = torch.cat(parts)
        moved = self.encoder.motion_of(observed) > 0  # neither missing nor standing still
        step = torch.where(moved[:, None], observed[:, 2:4].flip(1), 0.0).cpu()
        moved, nothing = moved.cpu(), torch.zeros(len(step))
        return Displacement(shift=step, moved=moved, changed_share=nothing, spread=nothing)

    def describe(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        """Return the player's position and motion for a net, (P, F), and what is observed.

        That is its position, its step and how surely it was seen, float32 (P, 5).
        """
        observed = self.encoder.observe(before, after).float()
        return self.encoder.describe(observed), observed

    def _observe_pairs(self, before: Tensor, after: Tensor) -> Tensor:
        """Return the player's position and step of pairs of frames, float32 (P, 5)."""
        return self.encoder.observe(before, after).float()
