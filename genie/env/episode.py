"""One episode as tokens, and the states in an environment's `info`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from genie.session.state import State


class Episode:
    """The frames of one rollout, as tokens; it only grows."""

    def __init__(self, start: State) -> None:
        """Begin with the frames of a state: a prompt, or an episode that goes on."""
        self.start = start
        self._ids: list[np.ndarray] = list(start.ids.numpy().astype(np.uint16))
        self._prev_actions: list[int] = start.prev_actions.tolist()

    def __len__(self) -> int:
        """Return the number of frames, those of the start included."""
        return len(self._ids)

    def append(self, ids: np.ndarray, action: int) -> None:
        """Add a frame: its tokens, uint16 (N,), and the action that led to it."""
        self._ids.append(ids)
        self._prev_actions.append(action)

    def last(self, frames: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the tokens of the last frames, uint16 (T, N), and actions between them (T−1,)."""
        return np.stack(self._ids[-frames:]), np.array(self._prev_actions[-frames:][1:])

    def state(self, frames: int) -> State:
        """Return the state after so many frames."""
        start, added = self.start, frames - len(self.start.ids)
        return replace(
            start,
            ids=torch.from_numpy(np.stack(self._ids[:frames]).astype(np.int32)),
            prev_actions=torch.tensor(self._prev_actions[:frames], dtype=torch.int16),
            settings=start.settings + (start.next_settings,) * added,
        )


class EpisodeState:
    """The state after a step, for `reset(options={"state": ...})`; `load` makes a `State` of it.

    It costs nothing until it is used: the tokens stay with the episode. To send it to another
    process is to use it: Gymnasium's `AsyncVectorEnv` pickles the whole episode with each step.
    """

    def __init__(self, episode: Episode) -> None:
        """Note how long an episode is now."""
        self._episode, self._frames = episode, len(episode)

    def load(self) -> State:
        """Return the state, which can be saved to disk or loaded into a `World`."""
        return self._episode.state(self._frames)

    def __eq__(self, other: Any) -> bool:
        """Whether both continue in the same way."""
        if not isinstance(other, EpisodeState) or self._frames != other._frames:
            return False
        one, two = self.load(), other.load()
        same = torch.equal(one.ids, two.ids) and torch.equal(one.prev_actions, two.prev_actions)
        return same and one.seed == two.seed

    __hash__ = None

    def __deepcopy__(self, memo: dict) -> EpisodeState:
        """Return itself, which never changes: Stable-Baselines3 copies every `info`."""
        return self
