"""Fitting action models that read actions by themselves; only their decoder learns from pixels."""

import torch
from torch import Tensor, nn

from corpus.progress import track
from genie.device import device_of
from lam.losses import prediction_loss
from spacetime.ranks import take_from_first
from train.data.clips import FrameClips, to_float
from train.data.encode import read_episodes
from train.data.frames import Frames
from train.fit_lam import ActionModule, LatentActionModule
from train.loop.hardware import frames_at_once
from train.loop.module import FitPlan


class ReaderModule(LatentActionModule):
    """What the fits of readers share: at first the reader learns, then the decoder does."""

    def __init__(self, model: nn.Module, plan: FitPlan, clips: FrameClips) -> None:
        """Build the module; `clips` are the training frames, two or more a clip."""
        ActionModule.__init__(self, model, plan, clips)  # there is no codebook to tune
        self.actions: Tensor | None = None

    def rate_progress(self) -> float:
        """Let the rate also fall before actions are read: by then the reader hardly changes."""
        progress = super().rate_progress()
        if self.model.quantized or not self.method.quantize_at:
            return progress
        return min(1.0, progress / self.method.quantize_at)

    def before_fit(self) -> None:
        """Read the actions again where a fit goes on."""
        if self.model.quantized:
            self.read_actions(observe_all(self.model.encoder, self.clips.source))

    def draw(self, step: int) -> tuple[Tensor, ...]:
        """Return clips uint8 (B, T, H, W, 3), and where they start, int64 (B,)."""
        starts = self.clips.draw(self.fit_config.batch, self.seed, step)
        return self.clips.read(starts), torch.from_numpy(starts)

    def loss(self, frames: Tensor, starts: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Predict the next frame from the actions that were read."""
        return self.decoder_loss(frames, starts)

    def decoder_loss(self, frames: Tensor, starts: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the error of next frames predicted with the actions that were read.

        Args:
            frames: uint8 (B, T, H, W, 3).
            starts: int64 (B,), where the clips start in the corpus.
        """
        frames = to_float(frames)
        before, after = frames[:, :-1].flatten(0, 1), frames[:, 1:].flatten(0, 1)
        each = starts[:, None] + torch.arange(frames.shape[1] - 1, device=starts.device)
        codes = self.model.quantizer.lookup(self.actions[each.flatten()])
        predicted, weights = self.model.decoder(before, codes), self.pixel_weights(each.flatten())
        loss = prediction_loss(before, after, predicted, self.method.change_weight, weights)
        return loss, {"prediction": loss.detach()}

    def pixel_weights(self, transitions: Tensor) -> Tensor | None:
        """Return how much pixels count in the decoder's loss, beside whether they change.

        Args:
            transitions: int64 (P,), the frames that they begin at.

        Returns:
            float32 (P, 1, H, W); None: all alike.
        """
        return None

    def held_out_actions(self, frames: Tensor) -> Tensor:
        """Return the actions of held-out pairs (P, 2, 3, H, W) as read along their episodes."""
        starts = self.clips.draw_held_out(len(frames))
        return self.actions[torch.from_numpy(starts).to(self.device)]

    def read_actions(self, observed: Tensor) -> None:
        """Read the actions that the decoder learns from, off every transition (frames − 1, F)."""
        read = read_episodes(self.model, observed, self.clips.source.corpus.episode_ends)
        self.actions = torch.from_numpy(read).long().to(self.device)
        take_from_first([self.actions])


@torch.no_grad()
def observe_all(reader: nn.Module, frames: Frames) -> Tensor:
    """Return what a reader observes of every transition, float32 (frames − 1, F)."""
    reader.eval()  # what it observes is learned from, never itself trained through
    count, device, seen = frames.corpus.num_frames, device_of(reader), []
    size = frames_at_once(device)
    for first in track(range(0, count - 1, size), "read the episodes"):
        batch = to_float(frames.between(first, min(first + size + 1, count)).to(device))
        seen.append(reader.observe(batch[:-1], batch[1:]))
    return torch.cat(seen)
