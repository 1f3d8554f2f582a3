"""The latent action model that reads actions off the steps of a camera."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lam.camera_steps.config import CameraStepsConfig
from lam.camera_steps.keys import PossibleKeys
from lam.camera_steps.surroundings import CellNet, crop_cells, own_cell
from lam.model import LatentActionModel
from spacetime.pixels import changed_pixels


class StepReader(nn.Module):
    """By which step the camera moved, which steps something blocks, and the keys behind them."""

    def __init__(self, config: CameraStepsConfig) -> None:
        """Build the reader of `config`."""
        super().__init__()
        self.config = config
        self.chances = CellNet(config, config.near, own=False)
        """How likely each code is by what lies around the player: what is blocked is never seen."""
        self.look = CellNet(config, 0, own=True)
        """Which code led to a frame, by what the player looks like in it."""
        self.register_buffer("usual_chances", torch.ones(config.num_actions))
        self.register_buffer("usual_look", torch.ones(config.num_actions))
        self.keys = PossibleKeys(config.num_actions)
        self.num_features = 4 * config.num_actions

    def observe(self, before: Tensor, after: Tensor) -> Tensor:
        """See pairs of frames, each (P, 3, H, W).

        Returns:
            float32 (P, 1 + 3·A): the code of the camera's step; how likely each code is, and each
            look before and after, in fractions of their usual chances.
        """
        around = self.relative(self.chances, self.usual_chances, before)
        looked, looks = (self.relative(self.look, self.usual_look, x) for x in (before, after))
        return torch.cat((self.steps_of(before, after)[:, None], around, looked, looks), dim=1)

    def relative(self, net: CellNet, usual: Tensor, frames: Tensor) -> Tensor:
        """Return a net's chances by frames (P, 3, H, W), in fractions of the usual ones, (P, A)."""
        return net(crop_cells(frames, self.config, net.near)).softmax(dim=1) / usual

    @torch.no_grad()
    def steps_of(self, before: Tensor, after: Tensor) -> Tensor:
        """Return the code, int64 (P,), of the step after which most of the second frame is known.

        0 where no step explains what changes.
        """
        top, left, height, width = self.config.view
        cut = (slice(None), slice(None), slice(top, top + height), slice(left, left + width))
        before, after = before[cut], after[cut]
        elsewhere = self._elsewhere(before)  # (h, w), false where the player stands
        unknown = [_unknown(before, after, elsewhere, (0, 0))]
        unknown += [_unknown(before, after, elsewhere, step) for step in self.config.steps]
        unknown = torch.stack(unknown, dim=1)  # (P, codes)
        least, code = unknown.min(dim=1)
        explained = least < (1 - self.config.least_explained) * unknown[:, 0]
        return torch.where(explained, code, 0)

    def read(self, observed: Tensor, episodes: Tensor | None = None) -> Tensor:
        """Read keys int64 (B, S) off consecutive transitions (B, S, F), from `observe`."""
        parts = observed[..., 1:].unflatten(-1, (3, self.config.num_actions))
        around, looked, looks = (parts >= self.config.blocked_below).unbind(dim=-2)
        blocked = ~around
        blocked[..., len(self.config.steps) + 1 :] = False  # codes that nothing ever shows
        scores = self.keys.scores(observed[..., 0].long(), blocked, looks, looked)
        # Behind the end of shorter episodes all is 0, and nothing is known.
        scores = torch.where((observed != 0).any(dim=-1, keepdim=True), scores, 0.0)
        if episodes is None:
            return self.keys.most_likely(scores)
        return self.keys.draw(scores, episodes)

    def describe(self, observed: Tensor) -> Tensor:
        """Turn what `observe` returned, (P, F), into numbers for a net: (P, 4·A)."""
        code = F.one_hot(observed[:, 0].long(), self.config.num_actions).to(observed.dtype)
        return torch.cat((code, observed[:, 1:].clamp(0, 1)), dim=1)

    def _elsewhere(self, view: Tensor) -> Tensor:
        elsewhere = torch.ones(view.shape[-2:], dtype=torch.bool, device=view.device)
        (row, column), (height, width) = own_cell(self.config), self.config.cell
        elsewhere[row : row + height, column : column + width] = False
        return elsewhere


def _unknown(before: Tensor, after: Tensor, elsewhere: Tensor, step: tuple[int, int]) -> Tensor:
    """Return which fraction of the second frame, (P,), differs from the first one's after a step.

    What the player hid before is left out, and what it hides now.
    """
    (dy, dx), (height, width) = step, before.shape[-2:]
    then = _inside(dy, height), _inside(dx, width)
    now = _inside(-dy, height), _inside(-dx, width)
    seen = elsewhere[then] & elsewhere[now]
    differs = changed_pixels(before[:, :, then[0], then[1]], after[:, :, now[0], now[1]])
    return (differs & seen).sum(dim=(1, 2)) / seen.sum().clamp_min(1)


def _inside(shift: int, size: int) -> slice:
    return slice(max(0, shift), size + min(0, shift))


class CameraStepsModel(LatentActionModel):
    """Reads actions off a camera that follows the player from cell to cell.

    The reader gives actions by itself (`StepReader`); only the decoder is fitted to pixels. A key
    that something blocks moves nothing: what lies around the player tells which ones may have
    been pressed, its look where it turns, and how keys are held which one was.
    """

    @staticmethod
    def new_encoder(config: CameraStepsConfig) -> nn.Module:
        """Build the reader."""
        return StepReader(config)

    def read(self, observed: Tensor, episodes: Tensor | None = None) -> Tensor:
        """Read actions int64 (B, S) off consecutive transitions (B, S, F), from `observe`.

        Args:
            observed: float32 (B, S, 1 + 3·A).
            episodes: int64 (B,), their numbers: keys that nothing tells apart are drawn then, each
                as often as it was pressed. None: the likeliest ones.
        """
        return self.encoder.read(observed, episodes)

    def describe(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        """Return the step, what is blocked and the look for a net, (P, F), and what is observed."""
        observed = self.encoder.observe(before, after).float()
        return self.encoder.describe(observed), observed

    def _observe_pairs(self, before: Tensor, after: Tensor) -> Tensor:
        """Return the step and what surrounds the player of pairs of frames, float32 (P, F)."""
        return self.encoder.observe(before, after).float()
