"""B episodes of a world as one vector environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.utils.seeding import np_random
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from genie.env.batch import WorldBatch, check_render_mode


class WorldVectorEnv(VectorEnv):
    """As many episodes of one world, sampled in one forward pass a step.

    Seeds, frames and resets are those of a `SyncVectorEnv` of `WorldEnv`s, up to rounding. With
    `options`, "prompt" and "state" are one for all episodes, or a list of one for each.
    """

    def __init__(
        self,
        num_envs: int = 1,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        """Load a world.

        Args:
            num_envs: B.
            max_episode_steps: of each episode; None: no limit.
            render_mode: "rgb_array" or None.
            options: the other arguments of `WorldEnv`.

        Raises:
            FileNotFoundError: if there is no such world.
            ValueError: as `WorldEnv`, or for a world of which parts do not play in batches.
        """
        check_render_mode(render_mode)
        self._batch = WorldBatch(num_envs, **options)
        self.num_envs, self.render_mode = num_envs, render_mode
        self.metadata = self._batch.metadata() | {"autoreset_mode": AutoresetMode.NEXT_STEP}
        self.single_observation_space = self._batch.space
        self.single_action_space = spaces.Discrete(self._batch.bundle.num_actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._most_steps = max_episode_steps
        self._rngs = [np_random(None)[0] for _ in range(num_envs)]
        self._steps = np.zeros(num_envs, np.int64)
        self._ended = np.zeros(num_envs, bool)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin all episodes; a whole number as seed is that of the first, and 1 more for each."""
        if isinstance(seed, int | np.integer):
            seed = range(int(seed), int(seed) + self.num_envs)
        seeds = [None] * self.num_envs if seed is None else seed
        for row, one in enumerate(_one_each("seeds", seeds, self.num_envs)):
            if one is not None:
                self._rngs[row] = np_random(one)[0]
        self._begin(range(self.num_envs), options)
        self._ended[:] = False
        return self._batch.observations(), self._info(self._ended)

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Sample the next frames; an episode that ended with the last step begins again."""
        begun, played = np.flatnonzero(self._ended), np.flatnonzero(~self._ended)
        if len(played):
            self._batch.step(actions)  # the frames of those that ended are thrown away
            self._steps += 1
        if len(begun):
            self._begin(begun)
        rewards = self._batch.rewards(actions, played)
        drifted = self._batch.drifted() & ~self._ended
        self._ended = drifted.copy()
        if self._most_steps is not None:
            self._ended |= self._steps >= self._most_steps
        terminated = np.zeros(self.num_envs, bool)
        info = self._info(drifted)
        return self._batch.observations(), rewards, terminated, self._ended.copy(), info

    def render(self) -> tuple[np.ndarray, ...] | None:
        """Return the last frames, uint8 (H, W, 3) each, in the mode rgb_array."""
        return tuple(self._batch.frames.copy()) if self.render_mode == "rgb_array" else None

    def _begin(self, rows: Sequence[int], options: dict[str, Any] | None = None) -> None:
        each = _options_of_each(options or {}, self.num_envs)
        states = [self._batch.choose(self._rngs[row], each[row]) for row in rows]
        self._batch.start(rows, states)
        self._steps[rows] = 0

    def _info(self, drifted: np.ndarray) -> dict[str, Any]:
        info = self._batch.info(drifted.copy())
        return info | {f"_{name}": np.ones(self.num_envs, bool) for name in info}


def _options_of_each(options: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Return the options of each episode."""
    each = [dict(options) for _ in range(count)]
    for name, value in options.items():
        array = isinstance(value, np.ndarray) and value.dtype.hasobject  # as in `info`
        if isinstance(value, list | tuple) or array:
            for one, part in zip(each, _one_each(f"{name}s", value, count), strict=True):
                one[name] = part
    return each


def _one_each(what: str, values: Sequence[Any], count: int) -> Sequence[Any]:
    if len(values) != count:
        raise ValueError(f"{len(values)} {what} for {count} episodes: give one for each")
    return values
