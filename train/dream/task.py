"""What an agent learns in: a world that is dreamt, or anything else that steps in batches."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from genie.frames import to_models
from genie.library.bundle import Bundle
from genie.rollouts.rollout import Rollout
from spacetime.seeds import seed_of

Reward = Callable[[Tensor, Tensor], Tensor]
"""Tokens int64 (B, N) and the actions (B,) chosen there, to rewards float32 (B,)."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a step led to.

    Attributes:
        frames: uint8 (B, H, W, 3); where an episode ended, the first frame of the next.
        rewards: float32 (B,).
        ended: bool (B,).
    """

    frames: np.ndarray
    rewards: np.ndarray
    ended: np.ndarray


class Task(Protocol):
    """B episodes, stepped together.

    Attributes:
        num_actions: actions are 0 to `num_actions` − 1.
    """

    num_actions: int

    def begin(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the frames before the rollouts of an update, and those before them.

        Both are uint8 (B, H, W, 3). Episodes may begin here, or go on from the update before.
        """
        ...

    def step(self, actions: np.ndarray) -> Outcome:
        """Take one step under integers (B,)."""
        ...


class Dream:
    """Rollouts of a world, each of which begins at a frame of real play.

    All begin anew with each update, so an agent is never further from real play than an update is
    long, and an update's draws depend on nothing but the seed and its number.

    Source: imagined rollouts from replayed states as in DreamerV3 (Hafner et al. 2023), section 3.
    """

    def __init__(
        self,
        bundle: Bundle,
        starts: np.ndarray,
        reward: Reward,
        count: int = 16,
        *,
        ends: bool = False,
        seed: int = 0,
    ) -> None:
        """Prepare the rollouts.

        Args:
            bundle: the world.
            starts: uint8 (S, H, W, 3), frames to begin at.
            reward: of each step.
            count: B.
            ends: whether a reward above one half ends its episode.
            seed: of the starts, and of what is sampled.

        Raises:
            ValueError: there are no starts, or they are of another size than the world's frames.
        """
        if starts.shape[1:] != (bundle.height, bundle.width, 3) or not len(starts):
            raise ValueError(
                f"a dream of {bundle.name} begins at frames uint8 (1 or more, {bundle.height}, "
                f"{bundle.width}, 3), got {starts.shape}"
            )
        self.num_actions, self.bundle = bundle.num_actions, bundle
        self._starts, self._reward, self._ends, self._seed = starts, reward, ends, seed
        self._count = count
        self._rng = np.random.default_rng(seed)
        self._rollout: Rollout | None = None
        self.tokens = torch.empty(0)

    def begin(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Begin all episodes anew."""
        self._rng = np.random.default_rng(seed_of(self._seed, number))
        frames = self._begin(self._draw_starts(self._count))
        return frames, frames

    def begin_at(self, starts: np.ndarray) -> np.ndarray:
        """Begin an episode at each of uint8 (B, H, W, 3); return them as the world draws them."""
        self._rng = np.random.default_rng(self._seed)
        return self._begin(starts)

    @torch.inference_mode()
    def step(self, actions: np.ndarray) -> Outcome:
        """Sample the next frames; an episode that ended begins at another frame."""
        chosen = torch.from_numpy(np.asarray(actions, np.int64)).to(self.bundle.device)
        rewards = self._reward(self.tokens, chosen)
        self.tokens, frames = self._rollout.step(chosen)
        frames, ended = frames.cpu().numpy(), np.zeros(len(frames), bool)
        if self._ends:
            ended = (rewards > 0.5).cpu().numpy()
        if ended.any():
            frames = frames.copy()
            frames[ended] = self._restart(np.flatnonzero(ended))
        return Outcome(frames=frames, rewards=rewards.cpu().numpy(), ended=ended)

    def _begin(self, starts: np.ndarray) -> np.ndarray:
        self.tokens = encode_frames(self.bundle, starts)
        self._rollout = Rollout(self.bundle, self._draw_seeds(len(starts)))
        none = self.tokens.new_empty((len(starts), 0))
        return self._rollout.reset(self.tokens[:, None], none)[:, 0].cpu().numpy()

    def _restart(self, rows: np.ndarray) -> np.ndarray:
        ids = encode_frames(self.bundle, self._draw_starts(len(rows)))
        none = torch.full((len(rows), 1), self.num_actions)
        self.tokens = self.tokens.index_copy(0, torch.from_numpy(rows).to(ids.device), ids)
        shown = self._rollout.replace(
            rows.tolist(), self._draw_seeds(len(rows)), ids[:, None], none.to(ids), [1] * len(rows)
        )
        return shown.cpu().numpy()

    def _draw_starts(self, count: int) -> np.ndarray:
        return self._starts[self._rng.integers(0, len(self._starts), count)]

    def _draw_seeds(self, count: int) -> list[int]:
        return self._rng.integers(0, 1 << 32, count).tolist()


@torch.inference_mode()
def encode_frames(bundle: Bundle, frames: np.ndarray) -> Tensor:
    """Return the tokens of single frames: uint8 (B, H, W, 3) to int64 (B, N)."""
    parts = np.array_split(frames, -(-len(frames) // 256))
    encode = bundle.tokenizer.encode
    return torch.cat([encode(to_models(part[:, None], bundle.device))[:, 0] for part in parts])
