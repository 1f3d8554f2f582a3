"""Fitting a policy: behaviour cloning, the cross-entropy of the actions that were read."""

import copy

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from corpus.clips import draw_clips
from genie.agents.policy import PolicyNetwork
from train.data.clips import split_starts, to_float
from train.data.frames import Frames
from train.loop.module import FitModule, FitPlan
from train.policy.method import PolicyMethod


class PolicyModule(FitModule):
    """Clones actions, and keeps the weights that do best on held-out episodes.

    Attributes:
        best: those weights.
    """

    METHOD = PolicyMethod

    def __init__(
        self, model: PolicyNetwork, plan: FitPlan, frames: Frames, actions: np.ndarray
    ) -> None:
        """Build the module.

        Args:
            model: what is fitted.
            plan: how.
            frames: of the corpus.
            actions: integers (N,), what leads from each frame to the next; −1: none.

        Raises:
            ValueError: no transition of the training episodes has an action.
        """
        super().__init__(model, plan)
        self.best = copy.deepcopy(self.average)
        self.frames, self.actions = frames, torch.from_numpy(np.asarray(actions, np.int64))
        ends = frames.corpus.episode_ends
        begins = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
        self._begin = np.repeat(begins, ends - begins)  # of the episode of each frame
        known = [starts[actions[starts] >= 0] for starts in split_starts(ends, 2, self.seed)]
        self.starts, held_out = known
        if not len(self.starts):
            raise ValueError(
                "the world reads no action but the idle one off this corpus: use footage of its "
                "game in which somebody plays, or a world whose actions are healthy"
            )
        held_out = held_out if len(held_out) else self.starts
        self.held_out = draw_clips(held_out, min(len(held_out), self.method.held_out), 0, 0)

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        """Return frames uint8 (B, 2, H, W, 3), the last one and the one before, and actions."""
        return self._see(draw_clips(self.starts, self.fit_config.batch, self.seed, step))

    def loss(self, frames: Tensor, actions: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the cross-entropy in nats, and how often the most probable action is the one."""
        logits = self.model(self._jitter(to_float(frames)))
        right = (logits.argmax(dim=1) == actions).float().mean()
        return F.cross_entropy(logits, actions), {"accuracy": right.detach()}

    @torch.inference_mode()
    def check(self) -> tuple[dict[str, float], None]:
        """Measure the averaged weights on held-out episodes, and keep them if none were better."""
        total, right = 0.0, 0
        for part in np.array_split(self.held_out, -(-len(self.held_out) // 256)):
            frames, actions = (each.to(self.device) for each in self._see(part))
            logits = self.average(to_float(frames)).float()
            total += F.cross_entropy(logits, actions, reduction="sum").item()
            right += (logits.argmax(dim=1) == actions).sum().item()
        loss = total / len(self.held_out)
        if loss < self.extra.get("best", float("inf")):
            self.extra["best"] = loss
            self.best.load_state_dict(self.average.state_dict())
        return {"loss": loss, "accuracy": right / len(self.held_out)}, None

    @property
    def chosen(self) -> PolicyNetwork:
        """The network to export: the best one, or where nothing is measured yet, the average."""
        return self.best if "best" in self.extra else self.average

    def _see(self, transitions: np.ndarray) -> tuple[Tensor, Tensor]:
        """Return what is seen before each transition, and the action that led through it."""
        # An episode's first frame has none before it: it is seen twice, as in play.
        first = np.maximum(transitions - 1, self._begin[transitions])
        clips = self.frames.clips(first, 2)
        index = torch.from_numpy(np.stack([np.zeros_like(first), transitions - first], axis=1))
        rows = torch.arange(len(clips), device=clips.device)[:, None]
        return clips[rows, index.to(clips.device)], self.actions[transitions]

    def _jitter(self, pixels: Tensor) -> Tensor:
        """Change the colours of each clip (B, 2, 3, H, W) a little, alike in both frames."""
        size = (len(pixels), 1, 3, 1, 1)
        scale, shift = (torch.rand(size, device=pixels.device) * 2 - 1 for _ in range(2))
        amount = self.method.jitter
        return (pixels * (1 + amount * scale) + amount / 2 * shift).clamp(0, 1)
