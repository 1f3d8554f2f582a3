"""Fitting the dynamics on token ids and inferred actions."""

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange, reduce
from torch import Tensor, nn

from corpus.clips import draw_batch, draw_clips
from dynamics.history import corrupt_history, paste_blocks, redraw_history
from dynamics.losses import masked_cross_entropy
from dynamics.masking import draw_mask, drop_actions
from dynamics.model import Dynamics
from dynamics.sampler import draw_noise, sample_frame
from genie.settings import Settings
from spacetime.ranks import rank_and_count
from spacetime.seeds import seed_of
from train.data.clips import split_starts, to_bytes
from train.data.code_features import share_by_features, without_features
from train.data.encode import Encoded
from train.data.moves import recalled_tokens
from train.loop.module import FitModule, FitPlan

HELD_OUT_CLIPS = 32
PICTURE_FRAMES = 8
TOGETHER = 8
"""Clips whose draws share a generator: one by one takes twice as long."""


@dataclass(frozen=True, kw_only=True)
class DynamicsMethod:
    """What training masks, corrupts and weighs, and what the exported world shows.

    Attributes:
        fully_masked: fraction of frames that are masked whole, as in the first draft of play; the
            others are masked by the cosine schedule.
        corruption: largest fraction of history tokens replaced by random codes (measured: 0 to
            0.15 works best), so that the model copes with its own mistakes.
        own_draws: fraction of clips whose history the averaged model draws itself, in place of
            random codes: these are the mistakes that it makes in play.
        pasted: fraction of clips into whose history blocks of other clips are pasted, so that the
            model brings back what is lost; needs a tokenizer with a grid.
        actions_dropped: fraction of actions withheld, so that the model also learns what happens
            without a key.
        map: whether to keep a map of what was seen, if actions move the picture by whole tokens.
        sprite_weight: where a player sprite was found, a token counts up to 1 + this.
        compared_clips: clips on which a dynamics is translated into the ids of other models.
        compared_frames: frames of each.
        keymap_pairs: transitions that the keys are named by, as many for each action.
        keymap_onset: frames of a pressed key that name it: a jump rises before it falls.
        prompt_candidates: frames of held-out episodes that the prompts are chosen from; twice or
            three times as many where too few of them are good.
        prompts: how many are chosen.
    """

    fully_masked: float = 0.1
    corruption: float = 0.15
    own_draws: float = 0.0
    pasted: float = 0.0
    actions_dropped: float = 0.1
    map: bool = False
    sprite_weight: float = 4.0
    compared_clips: int = 256
    compared_frames: int = 16
    keymap_pairs: int = 4000
    keymap_onset: int = 5
    prompt_candidates: int = 32
    prompts: int = 8


def check_clip_length(frames: int, band: int | None) -> None:
    """Raise ValueError if clips of T = `frames` are shorter than twice the band W."""
    if band is not None and frames < 2 * band:
        raise ValueError(
            f"clips of {frames} frames are too short for a band of {band}: play would meet full "
            f"bands that training never saw; use {2 * band} frames or more"
        )


def token_residual(residual: Tensor, grid: tuple[int, int]) -> Tensor:
    """Return the highest residual of each token's pixels, as a fraction of the highest of all.

    Args:
        residual: float (H, W), not negative.
        grid: rows and columns of tokens.

    Returns:
        float (N,), 0 to 1.
    """
    height, width = residual.shape[0] // grid[0], residual.shape[1] // grid[1]
    most = reduce(residual, "(h p) (w q) -> (h w)", "max", p=height, q=width)
    return most / most.max()


class DynamicsModule(FitModule):
    """A dynamics on clips of token ids."""

    METHOD = DynamicsMethod
    SHARDED = True

    def __init__(
        self,
        model: nn.Module,
        plan: FitPlan,
        encoded: Encoded,
        tokenizer: nn.Module,
        settings: Settings,
        residual: Tensor | None = None,
        features: Tensor | None = None,
    ) -> None:
        """Build the module.

        Args:
            model: a `TokenDynamics` to be fitted.
            plan: how, and how far.
            encoded: the corpus as integers.
            tokenizer: decodes the rollouts of the log.
            settings: how these are sampled.
            residual: float (H, W), how often a pixel is a motion residual; such tokens count more,
                if the tokenizer has a grid. None: all count alike.
            features: float (K, F), of each code; None: each is learned by itself.

        Raises:
            ValueError: if clips are shorter than twice the band, or no episode holds a clip.
        """
        shares = features is not None and type(model) is Dynamics  # others have tables of their own
        if shares:
            share_by_features(model, features)
        super().__init__(model, plan)
        self.shares_features = shares
        check_clip_length(plan.fit.frames, getattr(model.config, "band", None))
        self.encoded, self.settings = encoded, settings
        # In a list, the tokenizer is neither fitted nor saved with this module.
        self.tokenizer = [tokenizer]
        self.grid = getattr(tokenizer, "grid", None)
        known = residual is not None and self.grid is not None
        self.register_buffer(
            "residual", token_residual(residual, self.grid) if known else None, persistent=False
        )
        starts = split_starts(encoded.episode_ends, plan.fit.frames, plan.seed)
        self.starts, self.held_out_starts = starts
        layout = getattr(model, "map_layout", None)
        self.recalled = None
        if layout is not None:
            ends = encoded.episode_ends
            self.recalled = recalled_tokens(encoded.ids, encoded.actions, ends, layout)

    def before_resume(self, names: Collection[str]) -> None:
        """Go on without features where a fit was begun without."""
        if self.shares_features and not any(name.endswith(".shared") for name in names):
            self.model = without_features(self.model).train()
            self.average = without_features(self.average).requires_grad_(False)
            self.shares_features = False

    def exported(self) -> nn.Module:
        """Return the averaged model, each code's weights its own."""
        return without_features(self.average) if self.shares_features else self.average

    def read(self, starts: np.ndarray) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return the clips at `starts`.

        Returns:
            Ids int64 (B, T, N), actions int64 (B, T−1), and what a map recalls, int64 (B, T, N), or
            None.
        """
        index = starts[:, None] + np.arange(self.fit_config.frames)
        ids = torch.from_numpy(self.encoded.ids[index])
        actions = torch.from_numpy(self.encoded.actions[index[:, :-1]])
        if self.recalled is None:
            return ids, actions, None
        return ids, actions, torch.from_numpy(self.recalled[index].astype(np.int64))

    def draw(self, step: int) -> tuple[Tensor, ...]:
        """Return ids, actions, mask and corrupted history of a step.

        After them, with own draws, which clips have such a history, which of their tokens are
        redrawn, and by which numbers; with a map, what it recalls. The draws of a clip depend on
        its row in the batch of all processes that train together, not on how many they are.
        """
        batch, (rank, ranks) = self.fit_config.batch, rank_and_count()
        first = rank * batch // TOGETHER * TOGETHER
        last = min(-(-(rank + 1) * batch // TOGETHER) * TOGETHER, ranks * batch)
        starts = draw_batch(self.starts, ranks * batch, self.seed, step)[first:last]
        ids, actions, recalled = self.read(starts)
        parts = zip(ids.split(TOGETHER), actions.split(TOGETHER), strict=True)
        draws = [self._draw_some(*part, step, first + i * TOGETHER) for i, part in enumerate(parts)]
        mine = slice(rank * batch - first, (rank + 1) * batch - first)
        whole = (ids, *map(torch.cat, zip(*draws, strict=True)))
        ids, actions, masked, history, redrawn, uniform = (part[mine] for part in whole)
        drawn = (ids, actions, masked, history)
        if self.method.own_draws:
            own = self.own_clips(ranks * batch)
            own = own[own // batch == rank] % batch
            drawn = (*drawn, own, redrawn[own], uniform[own])
        return drawn if recalled is None else (*drawn, recalled[mine])

    def _draw_some(self, ids: Tensor, actions: Tensor, step: int, row: int) -> tuple[Tensor, ...]:
        """Draw what some neighbouring clips of a batch train on, the first of them at `row`.

        Returns:
            Actions (n, T−1), of which some are withheld; masked tokens and a corrupted history, (n,
            T, N); tokens to redraw, and by which numbers, likewise, empty without own draws.
        """
        generator = torch.Generator().manual_seed(seed_of(seed_of(self.seed, step), row) % 2**63)
        masked = draw_mask(tuple(ids.shape), self.method.fully_masked, generator)
        history = corrupt_history(ids, self.encoded.num_codes, self.method.corruption, generator)
        dropped = self.method.actions_dropped
        actions = drop_actions(actions, self.encoded.num_actions, dropped, generator)
        shape = tuple(ids.shape) if self.method.own_draws else (0, *ids.shape[1:])
        redrawn = draw_mask(shape, self.method.fully_masked, generator)
        uniform = torch.rand(shape, generator=generator)
        if self.method.pasted and self.grid is not None:
            history = paste_blocks(history, ids, self.grid, self.method.pasted, generator)
        return actions, masked, history, redrawn, uniform

    def own_clips(self, batch: int) -> Tensor:
        """Return which of `batch` clips have a history that the model draws, int64, spread out."""
        # Clips stand in the order of the corpus: the first ones would be of its beginning only.
        before = (torch.arange(batch + 1) * self.method.own_draws + 1e-6).long()
        return before.diff().nonzero()[:, 0]

    def loss(
        self, ids: Tensor, actions: Tensor, masked: Tensor, history: Tensor, *more: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Cross-entropy of masked tokens; arguments as `draw` returns them."""
        if self.method.own_draws:
            own, redrawn, uniform, *more = more
            recalled = more[0][own] if more else None
            clips, temperature = (ids[own], actions[own]), self.settings.temperature
            if len(own):
                drawn = redraw_history(self.average, clips, redrawn, uniform, temperature, recalled)
                history = history.index_copy(0, own, drawn)
        logits = self.model(ids, actions, masked, history, *more)
        weights = None
        if self.residual is not None:
            weights = 1 + self.method.sprite_weight * self.residual
        loss = masked_cross_entropy(logits, ids, masked, weights)
        return loss, {"cross_entropy": loss.detach()}

    @torch.no_grad()
    def check(self) -> tuple[dict[str, float], Tensor]:
        """Measure held-out clips with true and with other actions, and show rollouts."""
        clips = self.read(draw_clips(self.held_out_starts, HELD_OUT_CLIPS, 0, 0))
        ids, actions = (part.to(self.device) for part in clips[:2])
        known = {} if clips[2] is None else {"recalled": clips[2].to(self.device)}
        masked = torch.ones_like(ids, dtype=torch.bool)
        half = draw_mask(tuple(ids.shape), 0.0, torch.Generator().manual_seed(0)).to(self.device)
        other = actions[torch.arange(len(actions)).roll(1)]
        drafted = self.average(ids, actions, masked, **known)
        first = masked_cross_entropy(drafted, ids, masked)
        swapped = masked_cross_entropy(self.average(ids, other, masked, **known), ids, masked)
        partly = masked_cross_entropy(self.average(ids, actions, half, **known), ids, half)
        figures = {}
        if self.residual is not None:
            sprite = (self.residual > 0.5).float()
            value = masked_cross_entropy(drafted, ids, masked, sprite)
            figures["cross_entropy_sprite"] = float(value)
        return figures | {
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
        sampled = [ids[:, 0]]
        for t in range(1, min(PICTURE_FRAMES, ids.shape[1])):
            noise = draw_noise([0] * len(ids), t, self.settings.steps, ids.shape[2])
            frame = sample_frame(
                self.average, actions[:, t - 1], cache, noise=noise,
                unmask_order=self.settings.unmask_order, temperature=self.settings.temperature,
            )  # fmt: skip
            self.average.commit(frame, actions[:, t - 1], cache)
            sampled.append(frame)
        tokenizer = self.tokenizer[0].to(self.device)
        true = to_bytes(tokenizer.decode(ids[:, : len(sampled)]))
        played = to_bytes(tokenizer.decode(torch.stack(sampled, dim=1)))
        rows = torch.stack((true, played), dim=1)  # (4, 2, T, H, W, 3)
        return rearrange(rows, "clip row t h w c -> (clip row h) (t w) c").cpu()
