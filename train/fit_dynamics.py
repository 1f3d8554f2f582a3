"""Fitting the dynamics on token ids and inferred actions."""

import math

import numpy as np
import torch
from einops import rearrange, reduce
from torch import Tensor, nn

from corpus.clips import draw_clips
from dynamics.losses import masked_cross_entropy
from dynamics.masking import corrupt_history, draw_mask, drop_actions
from dynamics.model import Dynamics
from dynamics.sampler import draw_noise, sample_frame
from genie.settings import Settings
from spacetime.seeds import seed_of
from tokenizer.model import Tokenizer
from train.data.clips import split_starts, to_bytes
from train.data.encode import Encoded
from train.loop.clock import Clock
from train.loop.module import Stage
from train.recipe import FitConfig

FULL_SHARE = 0.1
"""Share of frames that are hidden whole, as the first draft of play sees them."""
CORRUPTION = 0.15
"""Largest share of history tokens replaced by random codes (field measurement: 0 to 15 %)."""
ACTIONS_DROPPED = 0.1
"""Share of actions withheld, so that play can be guided away from what happens without a key."""
AVATAR_WEIGHT = 4.0
"""Where no shift explains the picture most often, a token counts 1 + this times."""
HELD_OUT_CLIPS = 32
PICTURE_FRAMES = 8


def check_clip_length(frames: int, band: int) -> None:
    """Raise ValueError if clips of T = `frames` are shorter than twice the band W."""
    if frames < 2 * band:
        raise ValueError(
            f"clips of {frames} frames are too short for a band of {band}: play would meet full "
            f"bands that training never saw; use {2 * band} frames or more"
        )


def token_places(unexplained: Tensor, patch: int) -> Tensor:
    """Return for each token the most unexplained pixel of its patch, as a share of the highest.

    Args:
        unexplained: float (H, W), not negative.
        patch: side in pixels.

    Returns:
        float (N,), 0 to 1.
    """
    most = reduce(unexplained, "(h p) (w q) -> (h w)", "max", p=patch, q=patch)
    return most / most.max()


class DynamicsStage(Stage):
    """The dynamics on clips of token ids."""

    def __init__(
        self,
        model: Dynamics,
        fit: FitConfig,
        clock: Clock,
        seed: int,
        encoded: Encoded,
        tokenizer: Tokenizer,
        settings: Settings,
        unexplained: Tensor | None = None,
    ) -> None:
        """Keep the parts.

        Args:
            model: to be fitted.
            fit: how.
            clock: how far.
            seed: of every draw.
            encoded: the corpus as integers.
            tokenizer: draws the pictures of the log.
            settings: how those are sampled.
            unexplained: float (H, W), how often no shift of the picture explains a pixel; tokens
                of such places count more. None: all places are alike.

        Raises:
            ValueError: if clips are shorter than twice the band, or no episode holds a clip.
        """
        super().__init__(model, fit, clock, seed)
        check_clip_length(fit.frames, model.config.band)
        self.encoded, self.settings = encoded, settings
        # In a list, the tokenizer is neither fitted nor saved with this stage.
        self.tokenizer = [tokenizer]
        places = None if unexplained is None else token_places(unexplained, tokenizer.config.patch)
        self.register_buffer("places", places, persistent=False)
        self.starts, self.held_out_starts = split_starts(encoded.episode_ends, fit.frames, seed)

    def read(self, starts: np.ndarray) -> tuple[Tensor, Tensor]:
        """Return ids int64 (B, T, N) and actions int64 (B, T−1) of the clips at `starts`."""
        index = starts[:, None] + np.arange(self.fit_config.frames)
        ids = torch.from_numpy(self.encoded.ids[index])
        return ids, torch.from_numpy(self.encoded.actions[index[:, :-1]])

    def draw(self, step: int) -> tuple[Tensor, ...]:
        """Return ids, actions, hidden places and corrupted history of a step."""
        ids, actions = self.read(draw_clips(self.starts, self.fit_config.batch, self.seed, step))
        generator = torch.Generator().manual_seed(seed_of(self.seed, step))
        masked = draw_mask(tuple(ids.shape), FULL_SHARE, generator)
        history = corrupt_history(ids, self.encoded.num_codes, CORRUPTION, generator)
        actions = drop_actions(actions, self.encoded.num_actions, ACTIONS_DROPPED, generator)
        return ids, actions, masked, history

    def loss(
        self, ids: Tensor, actions: Tensor, masked: Tensor, history: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Cross-entropy of hidden tokens."""
        logits = self.model(ids, actions, masked, history)
        weights = None if self.places is None else 1 + AVATAR_WEIGHT * self.places
        loss = masked_cross_entropy(logits, ids, masked, weights)
        return loss, {"cross_entropy": loss.detach()}

    def parts_to_compile(self) -> tuple[nn.Module, ...]:
        """Return the whole model: block by block it is slower (a sixth, measured on a CPU)."""
        return (self.model,)

    @torch.no_grad()
    def check(self) -> tuple[dict[str, float], Tensor]:
        """Cross-entropies of held-out clips with true and with other actions, and rollouts."""
        ids, actions = self.read(draw_clips(self.held_out_starts, HELD_OUT_CLIPS, 0, 0))
        ids, actions = ids.to(self.device), actions.to(self.device)
        masked = torch.ones_like(ids, dtype=torch.bool)
        half = draw_mask(tuple(ids.shape), 0.0, torch.Generator().manual_seed(0)).to(self.device)
        other = actions[torch.arange(len(actions)).roll(1)]
        drafted = self.average(ids, actions, masked)
        first = masked_cross_entropy(drafted, ids, masked)
        swapped = masked_cross_entropy(self.average(ids, other, masked), ids, masked)
        partly = masked_cross_entropy(self.average(ids, actions, half), ids, half)
        at_avatar = {}
        if self.places is not None:
            avatar = (self.places > 0.5).float()
            at_avatar["cross_entropy_avatar"] = float(
                masked_cross_entropy(drafted, ids, masked, avatar)
            )
        return at_avatar | {
            "cross_entropy_first": float(first),
            "cross_entropy_mean": float(partly),
            # What knowing the action is worth: 0 for a model that ignores it.
            "action_gain_nats": float(swapped - first),
            "code_perplexity_first": math.exp(min(float(first), 50.0)),
        }, self._picture(ids[:4], actions[:4])

    def _picture(self, ids: Tensor, actions: Tensor) -> Tensor:
        """Show true clips and, below each, the rollout under the same actions."""
        cache = self.average.new_cache(len(ids))
        none = torch.full((len(ids),), self.model.config.num_actions, device=self.device)
        self.average.commit(ids[:, 0], none, cache)
        drawn = [ids[:, 0]]
        for t in range(1, min(PICTURE_FRAMES, ids.shape[1])):
            noise = draw_noise([0] * len(ids), t, self.settings.steps, ids.shape[2])
            frame = sample_frame(
                self.average, actions[:, t - 1], cache, noise=noise,
                unmask_order=self.settings.unmask_order, temperature=self.settings.temperature,
            )  # fmt: skip
            self.average.commit(frame, actions[:, t - 1], cache)
            drawn.append(frame)
        tokenizer = self.tokenizer[0].to(self.device)
        true = to_bytes(tokenizer.decode(ids[:, : len(drawn)]))
        played = to_bytes(tokenizer.decode(torch.stack(drawn, dim=1)))
        rows = torch.stack((true, played), dim=1)  # (4, 2, T, H, W, 3)
        return rearrange(rows, "clip row t h w c -> (clip row h) (t w) c").cpu()
