"""Gymnasium's games, Atari and ViZDoom among them. It is imported when one is opened."""

from __future__ import annotations

import dataclasses
import importlib

import numpy as np

from corpus.games.base import Observation

INSTALL = "python -m pip install gymnasium"
DEFAULT_FPS = 30.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """Games that a package of their own adds to Gymnasium, and how they are recorded.

    Attributes:
        prefix: how the ids of its environments begin.
        module: importing it registers them.
        install: the command that installs it.
        options: given to ``gymnasium.make``.
        fps: frames per second with these options.
        licence: what is known of the licence.
    """

    prefix: str
    module: str
    install: str
    options: dict
    fps: float
    licence: str


FAMILIES = (
    # Sticky actions would blur what a key does; one frame in four of a 60 Hz game is 15 a second.
    Family(
        prefix="ALE/",
        module="ale_py",
        install="python -m pip install gymnasium ale-py",
        options={"frameskip": 4, "repeat_action_probability": 0.0},
        fps=15.0,
        licence="the games belong to their makers; ale-py: GPL-2.0-only",
    ),
    # Every tic, as the view turns by 7 degrees in one; one button at a time: actions are discrete.
    Family(
        prefix="Vizdoom",
        module="vizdoom.gymnasium_wrapper",
        install="python -m pip install gymnasium vizdoom",
        options={"frame_skip": 1, "max_buttons_pressed": 1},
        fps=35.0,
        licence="ViZDoom: MIT; its art: Freedoom, BSD-3-Clause",
    ),
)


def family_of(env: str) -> Family | None:
    """Return the family that an environment's id belongs to; None: Gymnasium's own games."""
    return next((family for family in FAMILIES if env.startswith(family.prefix)), None)


class GymnasiumGames:
    """Copies of one Gymnasium environment with discrete actions; frames come from ``render``.

    The last frame of an episode is the one in which it ended; the reset that follows begins the
    next one. A level is the seed of a reset.

    Args:
        env: id of the environment, such as ``ALE/Pong-v5``.
        num_games: G, how many copies.
        levels: (A, B): each reset is seeded with a number of A to B - 1; without it, only the first
            reset of each copy is seeded.
        seed: of the draws.

    Raises:
        ValueError: Gymnasium or the environment is not installed, it has no ``rgb_array`` images,
            or its actions are not discrete.
    """

    def __init__(self, env: str, num_games: int, levels: tuple[int, int] | None, seed: int) -> None:
        """Open and reset every copy; see the class."""
        self._envs = [make_env(env) for _ in range(num_games)]
        space = self._envs[0].action_space
        if type(space).__name__ != "Discrete":
            raise ValueError(f"{env} has actions {space}; only Discrete actions can be recorded")
        self.num_games, self.num_actions = num_games, int(space.n)
        self._first_action = int(space.start)
        family = family_of(env)
        rate = self._envs[0].metadata.get("render_fps") or DEFAULT_FPS
        self.fps = float(rate) if family is None else family.fps
        self.licence = "unknown" if family is None else family.licence
        self._levels, self._rngs = levels, np.random.default_rng(seed).spawn(num_games)
        self._over = np.ones(num_games, bool)
        self._first = np.ones(num_games, bool)
        self._level: list[int | None] = [None] * num_games
        self._begun = np.zeros(num_games, bool)
        self.act(np.zeros(num_games, np.int64))

    def observe(self) -> Observation:
        """Render every copy."""
        frames = np.stack([_checked(env.render()) for env in self._envs])
        return Observation(frames=frames, first=self._first.copy(), levels=list(self._level))

    def act(self, actions: np.ndarray) -> None:
        """Step every copy, or reset it if its episode is over."""
        self._first = self._over.copy()
        for index, env in enumerate(self._envs):
            if self._over[index]:
                self._reset(index)
                self._over[index] = False
            else:
                _, _, terminated, truncated, _ = env.step(int(actions[index]) + self._first_action)
                self._over[index] = terminated or truncated

    def close(self) -> None:
        """Close every copy."""
        for env in self._envs:
            env.close()

    def _reset(self, index: int) -> None:
        """Begin an episode in one copy."""
        rng, seed = self._rngs[index], None
        if self._levels is not None:
            seed = self._level[index] = int(rng.integers(*self._levels))
        elif not self._begun[index]:
            seed = int(rng.integers(2**31))
        self._begun[index] = True
        self._envs[index].reset(seed=seed)


def make_env(env: str) -> object:
    """Make one Gymnasium environment that renders to arrays.

    Raises:
        ValueError: it cannot be made; the message says what to install or to give.
    """
    family = family_of(env)
    try:
        import gymnasium

        if family is not None:
            importlib.import_module(family.module)
    except ImportError as error:
        command = INSTALL if family is None else family.install
        raise ValueError(f"{env} needs {error.name}, which is not installed: {command}") from error
    options = {} if family is None else family.options
    try:
        made = gymnasium.make(env, render_mode="rgb_array", **options)
    except gymnasium.error.Error as error:
        raise ValueError(f"{env} cannot be opened: {' '.join(str(error).split())}") from error
    modes = made.metadata.get("render_modes") or []
    if "rgb_array" not in modes:
        made.close()
        raise ValueError(f"{env} offers {modes or 'no images'}; recording needs rgb_array")
    return made


def _checked(image: object) -> np.ndarray:
    """Refuse what is not an RGB frame."""
    if (
        not isinstance(image, np.ndarray)
        or image.dtype != np.uint8
        or image.ndim != 3
        or image.shape[2] != 3
    ):
        kind = f"{getattr(image, 'dtype', '')} {getattr(image, 'shape', type(image))}".strip()
        raise ValueError(f"the environment renders {kind}; recording needs uint8 (H, W, 3)")
    return image
