"""A world as a Gymnasium environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from genie.env.batch import RENDER_MODES, Reward, WorldBatch, check_render_mode
from genie.inputs import check_action
from genie.library.bundle import Bundle


class WorldEnv(gymnasium.Env):
    """A world for an agent: the actions are the world's, the observations its frames.

    An episode begins at one of the world's prompts, and has no end of its own. `reset` takes the
    options "prompt" (the index of one of the world's, or uint8 pixels) and "state" (from `info`, or
    a `State`: the episode continues from it). `info` has the frame's "tokens", its "state" and,
    with `truncate_on_drift`, whether it has "drifted"; `metadata["action_names"]` are the actions.
    """

    metadata = {"render_modes": list(RENDER_MODES), "render_fps": 15}

    def __init__(
        self,
        world: str | Path | Bundle | None = None,
        *,
        observation: str = "pixels",
        reward: Reward | None = None,
        truncate_on_drift: bool = False,
        render_mode: str | None = None,
        device: str = "auto",
    ) -> None:
        """Load a world.

        Args:
            world: a name, a folder, a run, or a world that is loaded; None: the default.
            observation: "pixels", uint8 (H, W, 3), or "tokens", int32 (N,).
            reward: called with the new frame's tokens, its pixels and the action that led to it;
                None: 0.
            truncate_on_drift: whether an episode ends once play has left the corpus's statistics
                (three windows in a row above the drift meter's threshold).
            render_mode: "rgb_array" or None.
            device: "auto", "cpu", "cuda" or "mps".

        Raises:
            FileNotFoundError: if there is no such world.
            ValueError: for an observation, a render mode or a device that there is not, or drift
                in a world without a threshold.
        """
        check_render_mode(render_mode)
        self._batch = WorldBatch(1, world, observation, reward, truncate_on_drift, device)
        self.observation_space = self._batch.space
        self.action_space = spaces.Discrete(self._batch.bundle.num_actions)
        self.metadata = self._batch.metadata()
        self.render_mode = render_mode

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode; see the class for `options`."""
        super().reset(seed=seed)
        self._batch.start([0], [self._batch.choose(self.np_random, options)])
        return self._batch.observations()[0], self._info(np.zeros(1, bool))

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Sample the next frame; raises ValueError for an action that there is not."""
        actions = np.array([check_action(self._batch.bundle, action)])
        self._batch.step(actions)
        reward = float(self._batch.rewards(actions, [0])[0])
        drifted = self._batch.drifted()
        info = self._info(drifted)
        return self._batch.observations()[0], reward, False, bool(drifted[0]), info

    def render(self) -> np.ndarray | None:
        """Return the last frame, uint8 (H, W, 3), in the mode rgb_array."""
        return self._batch.frames[0].copy() if self.render_mode == "rgb_array" else None

    def _info(self, drifted: np.ndarray) -> dict[str, Any]:
        return {name: values[0] for name, values in self._batch.info(drifted).items()}
