"""Fitting the latent action model of a game whose avatar keeps to one place of the picture."""

import math

import numpy as np
import torch
from torch import Tensor

from corpus.clips import draw_clips, split_episodes
from corpus.progress import track
from lam.losses import prediction_loss
from lam.model import LatentActionModel, SpriteEncoder
from lam.player_sprite.airborne import find_flights, join_alike
from lam.player_sprite.location import find_sprite, unexplained
from lam.player_sprite.persistence import contrast, persistence
from train.data.clips import FrameClips, to_float
from train.data.encode import read_episodes
from train.data.frames import Frames
from train.fit_lam import LatentActionStage
from train.loop.clock import Clock
from train.loop.hardware import frames_at_once, pick_device
from train.player_sprite.pairs import LATER, SHORTEST, draw_moments, long_episodes
from train.recipe import FitConfig

MAP_PAIRS = 4096
"""Transitions that say where the avatar is."""
SOON = 3
"""Latents persist for this many frames: shorter than most keys are held."""
EPISODES, MOMENTS = 12, 32
"""Transitions a step, as episodes × moments."""
RECOLOUR = 1.0
"""Spread of the random brightness and contrast: ground and sky must not tell moments apart."""
CODE_STARTS, CODE_STEPS, CODE_PAIRS = 24, 500, 4096
"""Most starts end in codes that mix two keys; the one whose codes persist most mixes least."""


def unexplained_share(frames: Frames, starts: np.ndarray) -> Tensor:
    """Measure how often no shift of the picture explains a pixel.

    Args:
        frames: of the corpus.
        starts: int64 (P,), first frames of the transitions to look at.

    Returns:
        float32 (H, W), on the CPU.
    """
    device, total = pick_device(), 0
    for part in np.array_split(starts, max(1, len(starts) // 256)):
        pairs = to_float(frames.clips(part, 2).to(device))
        total = total + unexplained(pairs[:, 0], pairs[:, 1]).float().sum(dim=0)
    return (total / len(starts)).cpu()


def locate_sprite(share: Tensor) -> tuple[int, int, int, int]:
    """Return the avatar's box, as the configuration of the latent action model holds it.

    Args:
        share: float (H, W), from `unexplained_share`.

    Raises:
        ValueError: no avatar keeps to a place.
    """
    box = find_sprite(share)
    if box is None:
        raise ValueError(
            "no avatar was found: no part of the picture moves against the rest of it and keeps "
            "its place. Take a recipe without avatar: true, which reads actions off whole frames"
        )
    return box


class SpriteActionStage(LatentActionStage):
    """First what persists, without pixels; then codes of it; then the decoder, on frames."""

    quantize_at = 0.15
    """What persists is learnt in minutes; the decoder takes what time there is."""

    def __init__(
        self,
        model: LatentActionModel,
        fit: FitConfig,
        clock: Clock,
        seed: int,
        clips: FrameClips,
    ) -> None:
        """Keep the parts; `clips` are the frames to learn from, two or more at a time.

        Raises:
            ValueError: no episode is long enough to be told from itself.
        """
        super().__init__(model, fit, clock, seed, clips)
        ends = clips.source.corpus.episode_ends
        train, held_out = split_episodes(len(ends), seed)
        self.spans = long_episodes(ends, train)
        if not len(self.spans):
            raise ValueError(
                f"no episode to train on has {SHORTEST} frames: use longer videos, or a recipe "
                "without avatar: true"
            )
        self.held_out_spans = long_episodes(ends, held_out)
        self.looks: tuple[Tensor, Tensor] | None = None
        self.actions: Tensor | None = None
        self.reached: float | None = None

    def on_train_start(self) -> None:
        """Look at every transition before the clock runs."""
        self.looks = _look(self.clips.source, self.model.encoder, self.device)
        if self.model.quantized:
            self._read_actions(self._codes(self._features(self.model.encoder)))
        super().on_train_start()

    def draw(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return clips uint8 (B, T, H, W, 3), where they start, int64 (B,), and moments.

        Moments are int64 (E, M, 2): now and soon.
        """
        rng = np.random.default_rng([self.seed, step])
        starts = draw_clips(self.clips.starts, self.fit_config.batch, self.seed, step)
        moments = draw_moments(self.spans, rng, EPISODES, MOMENTS, (1, SOON))
        return self.clips.read(starts), torch.from_numpy(starts), moments

    def rate_progress(self) -> float:
        """Let the rate fall before codes are made, too: they are made of settled features."""
        progress = super().rate_progress()
        return progress if self.model.quantized else min(1.0, progress / self.quantize_at)

    def loss(
        self, frames: Tensor, starts: Tensor, moments: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What persists is told apart; once there are codes, the next frame is predicted."""
        if self.model.quantized:
            before, after = self._pairs(frames)
            each = starts[:, None] + torch.arange(frames.shape[1] - 1, device=starts.device)
            codes = self.model.quantizer.lookup(self.actions[each.flatten()])
            loss = prediction_loss(before, after, self.model.decoder(before, codes))
            return loss, {"prediction": loss.detach()}
        loss = self._contrast(self.model.encoder, moments, RECOLOUR)
        return loss, {"contrast": loss.detach()}

    @torch.no_grad()
    def start_codes(self) -> None:
        """Make codes of the averaged encoder's features, and keep that encoder."""
        encoder = self.average.encoder
        spans, rng = self.spans, np.random.default_rng([self.seed, self.clock.step])
        features = self._features(encoder)
        moving = torch.from_numpy(np.concatenate([np.arange(*span) for span in spans]))
        encoder.mean.copy_(features[moving].mean(dim=0))
        encoder.scale.copy_(features[moving].std(dim=0) + 1e-4)
        best, kept = -math.inf, {}
        # Its length does not depend on the fit's: a short one would have no time for the decoder.
        with self.clock.uncounted():
            for _ in track(range(CODE_STARTS), "codes", unit="starts"):
                reached = _fit_codes(encoder, features, spans, rng)
                if reached > best:
                    best, kept = reached, {k: v.clone() for k, v in encoder.state_dict().items()}
        self.reached = best
        encoder.load_state_dict(kept)
        count, shift = self.model.config.num_actions, self.looks[1].cpu()
        states = encoder.scores(features).argmax(dim=1).cpu()
        among = torch.zeros(len(states), dtype=torch.bool).index_fill_(0, moving, True)
        encoder.code_of.copy_(join_alike(states, shift, among, (encoder.code_of.numel(), count)))
        self.model.encoder.load_state_dict(encoder.state_dict())
        self.model.start_codes(torch.eye(count, device=self.device))
        codes = self._codes(features)
        landing = find_flights(codes.cpu(), shift, torch.from_numpy(spans), count)
        for model in (self.model, self.average):
            model.encoder.landing.copy_(landing)
        self._read_actions(codes)

    @torch.no_grad()
    def check(self) -> tuple[dict[str, float], Tensor | None]:
        """How well held-out moments are told apart; once there are codes, what they are worth."""
        if self.average.quantized:
            return super().check()
        spans = self.held_out_spans if len(self.held_out_spans) else self.spans
        moments = draw_moments(spans, np.random.default_rng(0), 4 * EPISODES, MOMENTS, (1, SOON))
        return {"contrast": float(self._contrast(self.average.encoder, moments, 0.0))}, None

    def notice(self) -> str | None:
        """Say once how well the codes persist: fits of several seeds are compared by it."""
        said = [super().notice()]
        if self.reached is not None:
            said.append(
                f"the codes persist by {self.reached:.3f} nats: of several seeds, keep the highest"
            )
            self.reached = None
        return "\n".join(filter(None, said)) or None

    def _contrast(self, encoder: SpriteEncoder, moments: Tensor, recolour: float) -> Tensor:
        """Tell apart moments (E, M, 2), their boxes recoloured."""
        moments = moments.to(self.device)
        boxes, shift = (look[moments.flatten()] for look in self.looks)
        boxes = boxes.float() / 255
        if recolour:
            gain, brightness = recolour * torch.randn(2, len(boxes), 1, 3, 1, 1).to(boxes)
            boxes = (boxes - 0.5) * gain.exp() + brightness + 0.5
        latents = encoder.embed(boxes, shift.float()).float().unflatten(0, moments.shape)
        now = moments[..., 0]
        near = (now[:, :, None] - now[:, None, :]).abs() <= 2 * SOON
        near &= ~torch.eye(now.shape[1], dtype=torch.bool, device=near.device)
        return contrast(latents[:, :, 0], latents[:, :, 1], near)

    def _codes(self, features: Tensor) -> Tensor:
        """Return the code of every transition, int64 (frames − 1,)."""
        encoder, count = self.model.encoder, self.model.config.num_actions
        codes = encoder.code_of[encoder.scores(features).argmax(dim=1)]
        return self.model.quantizer.nearest(torch.nn.functional.one_hot(codes, count))

    def _read_actions(self, codes: Tensor) -> None:
        """Read what the decoder learns from; the looks have served."""
        ends = self.clips.source.corpus.episode_ends
        read = read_episodes(self.model, codes, self.looks[1].float(), ends, let_go=False)
        self.actions = torch.from_numpy(read).long().to(self.device)
        self.looks = None

    def _features(self, encoder: SpriteEncoder) -> Tensor:
        """Return the features of every transition, float32 (frames − 1, 96)."""
        boxes, shift = self.looks
        return torch.cat(
            [
                encoder.features(box.float() / 255, way.float())
                for box, way in zip(boxes.split(8192), shift.split(8192), strict=True)
            ]
        )


@torch.enable_grad()
def _fit_codes(
    encoder: SpriteEncoder, features: Tensor, spans: np.ndarray, rng: np.random.Generator
) -> float:
    """Draw `to_code` anew, fit it to codes that persist, and return how much they do, in nats."""
    head = encoder.to_code.requires_grad_(True)
    for layer in head:
        if isinstance(layer, torch.nn.Linear):
            layer.reset_parameters()
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-2, weight_decay=1e-3)
    moments_each = 16
    late = []
    for step in range(CODE_STEPS):
        optimizer.param_groups[0]["lr"] = 1e-2 * min(1, 2 * (1 - step / CODE_STEPS) + 0.01)
        episodes = CODE_PAIRS // moments_each
        moments = draw_moments(spans, rng, episodes, moments_each, LATER, any_other=True)
        scores = encoder.scores(features[moments.flatten().to(features.device)])
        now, soon, other = scores.softmax(dim=1).unflatten(0, (-1, 3)).unbind(dim=1)
        gained = persistence(now, soon, other)
        optimizer.zero_grad()
        (-gained).backward()
        optimizer.step()
        if step >= CODE_STEPS * 3 // 4:
            late.append(gained.detach())
    head.requires_grad_(False)
    return float(torch.stack(late).mean())


@torch.no_grad()
def _look(frames: Frames, encoder: SpriteEncoder, device: torch.device) -> tuple[Tensor, Tensor]:
    """Take what the encoder reads out of every transition, across episode ends too.

    Returns:
        uint8 (frames − 1, 2, 3, height, width) boxes, and int8 (frames − 1, 2) shifts.
    """
    boxes, shifts = [], []
    count, size = frames.corpus.num_frames, frames_at_once(device)
    for first in track(range(0, count - 1, size), "look at the player sprite"):
        batch = to_float(frames.between(first, min(first + size + 1, count)).to(device))
        box, shift = encoder.look(batch[:-1], batch[1:])
        boxes.append((box * 255).round().to(torch.uint8))
        shifts.append(shift.to(torch.int8))
    return torch.cat(boxes), torch.cat(shifts)
