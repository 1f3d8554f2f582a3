"""Fitting the actions of a player sprite that keeps to one position in the frame."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from corpus.clips import draw_clips, split_episodes
from corpus.progress import track
from genie.device import pick_device
from lam.player_sprite.airborne import find_airborne_codes, join_alike
from lam.player_sprite.config import SpriteActionConfig
from lam.player_sprite.encoder import SpriteEncoder
from lam.player_sprite.location import camera_shift, find_sprite, motion_residual
from lam.player_sprite.model import SpriteActionModel
from lam.player_sprite.persistence import info_nce
from spacetime.ranks import rank_and_count
from train.data.clips import FrameClips, split_starts, to_float
from train.data.frames import Frames
from train.fit_lam import Survey
from train.fit_reader import ReaderModule
from train.loop.hardware import frames_at_once
from train.loop.module import FitPlan
from train.player_sprite.codes import fit_best_codes
from train.player_sprite.method import SpriteMethod
from train.player_sprite.pairs import draw_pairs, long_episodes


def mean_residual(
    frames: Frames,
    starts: np.ndarray,
    radius: int = SpriteActionConfig.search_radius,
    penalty: float = SpriteActionConfig.shift_penalty,
) -> Tensor:
    """Measure how often each pixel is a motion residual: float32 (H, W), on the CPU.

    Args:
        frames: of the corpus.
        starts: int64 (P,), first frames of the transitions to measure.
        radius: see `camera_shift`.
        penalty: likewise.
    """
    device, total = pick_device(), 0
    for part in np.array_split(starts, max(1, len(starts) // 256)):
        before, after = to_float(frames.clips(part, 2).to(device)).unbind(dim=1)
        shift = camera_shift(before, after, radius, penalty)
        total = total + motion_residual(before, after, shift).float().sum(dim=0)
    return (total / len(starts)).cpu()


def locate_sprite(residual: Tensor, method: SpriteMethod) -> tuple[int, int, int, int]:
    """Return top, left, height and width of the sprite's box.

    Args:
        residual: float (H, W), from `mean_residual`.
        method: what belongs to the box.

    Raises:
        ValueError: no sprite keeps to one position.
    """
    box = find_sprite(residual, method.least_residual, method.edge_residual, method.largest_box)
    if box is None:
        raise ValueError(
            "no player sprite was found: no part of the frame moves against the rest of it and "
            "keeps to one position. Take a recipe whose lam is of kind whole_frame"
        )
    return box


class SpriteActionModule(ReaderModule):
    """Fits latents of what persists, without pixels; then codes of them; then the decoder."""

    METHOD = SpriteMethod

    def __init__(self, model: SpriteActionModel, plan: FitPlan, clips: FrameClips) -> None:
        """Build the module; `clips` are the training frames, two or more a clip.

        Raises:
            ValueError: no episode is long enough to draw pairs from.
        """
        super().__init__(model, plan, clips)
        ends, shortest = clips.source.corpus.episode_ends, self.method.shortest_episode
        train, held_out = split_episodes(len(ends), clips.seed)
        self.spans = long_episodes(ends, train, shortest)
        if not len(self.spans):
            raise ValueError(
                f"no episode to train on has {shortest} frames: use longer videos, or a recipe "
                "whose lam is of kind whole_frame"
            )
        self.held_out_spans = long_episodes(ends, held_out, shortest)
        self.crops: tuple[Tensor, Tensor] | None = None
        self.persistence_reported = False

    @classmethod
    def survey(
        cls, frames: Frames, seed: int, method: SpriteMethod, values: Mapping[str, Any]
    ) -> Survey:
        """Measure motion residuals, and find the sprite's box by them.

        Raises:
            ValueError: no sprite keeps to one position.
        """
        starts, _ = split_starts(frames.corpus.episode_ends, 2, seed)
        radius = values.get("search_radius", SpriteActionConfig.search_radius)
        penalty = values.get("shift_penalty", SpriteActionConfig.shift_penalty)
        pairs = draw_clips(starts, method.map_pairs, seed, 0)
        residual = mean_residual(frames, pairs, radius, penalty)
        return Survey(residual=residual, values={"box": locate_sprite(residual, method)})

    @classmethod
    def placeholder_values(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return a box of one pixel: the sprite's is not known yet."""
        return {"box": (0, 0, 1, 1)}

    def before_fit(self) -> None:
        """Crop every transition before the clock runs."""
        self.crops = crop_all(self.clips.source, self.model.encoder, self.device)
        if self.model.quantized:
            self._read_actions(self._codes(self._features(self.model.encoder)))

    def draw(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return clips uint8 (B, T, H, W, 3), where they start, int64 (B,), and pairs.

        Pairs are int64 (E, M, 2): anchors and positives.
        """
        rank, method = rank_and_count()[0], self.method
        rng = np.random.default_rng([self.seed, step, rank] if rank else [self.seed, step])
        starts = self.clips.draw(self.fit_config.batch, self.seed, step)
        pairs = draw_pairs(self.spans, rng, (method.episodes, method.pairs), (1, method.soon))
        return self.clips.read(starts), torch.from_numpy(starts), pairs

    def loss(
        self, frames: Tensor, starts: Tensor, pairs: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Contrast pairs; once there are codes, predict the next frame."""
        if self.model.quantized:
            return self.decoder_loss(frames, starts)
        loss = self._contrast(self.model.encoder, pairs, self.method.recolour)
        return loss, {"contrast": loss.detach()}

    @torch.no_grad()
    def start_codes(self) -> None:
        """Make codes of the averaged encoder's features, and continue with that encoder."""
        encoder = self.average.encoder
        spans, rng = self.spans, np.random.default_rng([self.seed, self.clock.step])
        features = self._features(encoder)
        moving = torch.from_numpy(np.concatenate([np.arange(*span) for span in spans]))
        encoder.mean.copy_(features[moving].mean(dim=0))
        encoder.scale.copy_(features[moving].std(dim=0) + 1e-4)
        # Its length does not depend on the fit's: a short fit would have no time for the decoder.
        with self.clock.uncounted():
            persistence = fit_best_codes(encoder, features, spans, rng, self.method)
        self.extra["persistence"] = persistence
        count, shift = self.model.config.num_actions, self.crops[1].cpu()
        states = encoder.scores(features).argmax(dim=1).cpu()
        among = torch.zeros(len(states), dtype=torch.bool).index_fill_(0, moving, True)
        encoder.code_of.copy_(join_alike(states, shift, among, (encoder.code_of.numel(), count)))
        self.model.encoder.load_state_dict(encoder.state_dict())
        self.model.start_codes(torch.eye(count, device=self.device))
        codes = self._codes(features)
        landing = find_airborne_codes(
            codes.cpu(), shift, torch.from_numpy(spans), count,
            take_off=self.model.config.take_off, late=self.method.late,
            least_rise=self.method.least_rise, sideways=self.method.sideways,
        )  # fmt: skip
        for model in (self.model, self.average):
            model.encoder.landing.copy_(landing)
        self._read_actions(codes)

    @torch.no_grad()
    def check(self) -> tuple[dict[str, float], Tensor | None]:
        """Measure the contrast of held-out pairs; once there are codes, the codes."""
        if self.average.quantized:
            return super().check()
        spans = self.held_out_spans if len(self.held_out_spans) else self.spans
        size = (4 * self.method.episodes, self.method.pairs)
        pairs = draw_pairs(spans, np.random.default_rng(0), size, (1, self.method.soon))
        return {"contrast": float(self._contrast(self.average.encoder, pairs, 0.0))}, None

    def notice(self) -> str | None:
        """Report once how much the codes persist: fits of several seeds are compared by it."""
        notices, persistence = [super().notice()], self.criterion()
        if persistence is not None and not self.persistence_reported:
            notices.append(
                f"the codes persist by {persistence:.3f} nats: of several seeds, keep the highest "
                "(--seeds)"
            )
            self.persistence_reported = True
        return "\n".join(filter(None, notices)) or None

    def criterion(self) -> float | None:
        """How much the codes persist, in nats."""
        return self.extra.get("persistence")

    def _contrast(self, encoder: SpriteEncoder, pairs: Tensor, recolour: float) -> Tensor:
        """Return the contrastive loss of pairs (E, M, 2), their boxes recoloured."""
        pairs = pairs.to(self.device)
        boxes, shift = (part[pairs.flatten()] for part in self.crops)
        boxes = boxes.float() / 255
        if recolour:
            gain, brightness = recolour * torch.randn(2, len(boxes), 1, 3, 1, 1).to(boxes)
            boxes = (boxes - 0.5) * gain.exp() + brightness + 0.5
        latents = encoder.embed(boxes, shift.float()).float().unflatten(0, pairs.shape)
        anchors = pairs[..., 0]
        apart = (anchors[:, :, None] - anchors[:, None, :]).abs()
        near = apart <= 2 * self.method.soon
        near &= ~torch.eye(anchors.shape[1], dtype=torch.bool, device=near.device)
        return info_nce(latents[:, :, 0], latents[:, :, 1], near, self.method.temperature)

    def _codes(self, features: Tensor) -> Tensor:
        """Return the code of every transition, int64 (frames − 1,)."""
        encoder, count = self.model.encoder, self.model.config.num_actions
        codes = encoder.code_of[encoder.scores(features).argmax(dim=1)]
        return self.model.quantizer.nearest(torch.nn.functional.one_hot(codes, count))

    def _read_actions(self, codes: Tensor) -> None:
        """Read the actions that the decoder learns from; the crops are not needed any more."""
        observed = torch.cat((codes[:, None].float(), self.crops[1].float()), dim=1)
        self.read_actions(observed)
        self.crops = None

    def _features(self, encoder: SpriteEncoder) -> Tensor:
        """Return the features of every transition, float32 (frames − 1, 96)."""
        parts = (part.split(8192) for part in self.crops)
        return torch.cat(
            [
                encoder.features(box.float() / 255, shift.float())
                for box, shift in zip(*parts, strict=True)
            ]
        )


@torch.no_grad()
def crop_all(frames: Frames, encoder: SpriteEncoder, device: torch.device) -> tuple[Tensor, Tensor]:
    """Take what the encoder reads out of every transition, across episode ends too.

    Returns:
        uint8 (frames − 1, 2, 3, height, width) boxes, and int8 (frames − 1, 2) shifts.
    """
    boxes, shifts = [], []
    count, size = frames.corpus.num_frames, frames_at_once(device)
    for first in track(range(0, count - 1, size), "crop the sprite"):
        batch = to_float(frames.between(first, min(first + size + 1, count)).to(device))
        box, shift = encoder.crop(batch[:-1], batch[1:])
        boxes.append((box * 255).round().to(torch.uint8))
        shifts.append(shift.to(torch.int8))
    return torch.cat(boxes), torch.cat(shifts)
