"""Procgen's games, if it is installed.

Procgen has wheels up to CPython 3.10. Its game engine is a shared library that is loaded by name,
so the last wheel also runs on later versions if it is unpacked by hand (tried on 3.11). It asks for
the retired package ``gym`` only to register names there; a stand-in with that one function will do.
"""

from __future__ import annotations

import os
import sys
import types

import numpy as np

from corpus.games.base import Observation

PREFIX = "procgen:"
FPS = 15.0
CELL_FPS = 8.0  # of a player who steps a whole cell in a frame; at 15 nobody can stop on one
CELL_GAMES = ("maze", "miner")
SIDE, LARGE_SIDE = 64, 512  # pixels: what agents are shown, and what people are
HALF_CELL = 4  # pixels of 64, in the mode memory: eight cells across, their middle in the player's
MODE = "hard"
MODES = {  # besides easy and hard, which every game has; the engine aborts the process on others
    "extreme": ("chaser", "dodgeball", "leaper", "starpilot"),
    "memory": ("caveflyer", "dodgeball", "heist", "jumper", "maze", "miner"),
}
PLAIN = "plain"  # Procgen's own other art: a colour for each kind of thing, in place of pictures
LICENCE = "Procgen: MIT (OpenAI); its art: CC0, CC-BY and OGA-BY, credits in its ASSET_LICENSES"
INSTALL = (
    "python -m pip install cffi && python -m pip install --no-deps --python-version 3.10 "
    "--only-binary=:all: --target procgen-wheels procgen==0.10.7 gym3==0.3.3 && "
    "export PYTHONPATH=$PWD/procgen-wheels"
)


class ProcgenGames:
    """Copies of one Procgen game; of its options the mode and the art can be chosen.

    The modes are the game's own: hard, easy, and for some games extreme, or memory, which shows a
    large level from near by.

    The frame of the step that ends an episode is never shown: the game has begun anew by then.
    Where the view follows a player from cell to cell, the half cells at its rim are cut off, so
    that a tokenizer's patch of 8 pixels is one cell: 56x56 pixels, the player in the middle one.

    Args:
        env: ``procgen:NAME``, such as ``procgen:coinrun``, or ``procgen:NAME:MODE``, such as
            ``procgen:miner:memory``; the mode is hard if none is given. A third word, as in
            ``procgen:miner:memory:plain``, asks for the same game in plain colours.
        num_games: G, how many copies.
        levels: (A, B): levels A to B - 1; without it, any level.
        seed: of the order of the levels.
        size: (H, W) that the frames are scaled to afterwards; above 64 pixels they are the game's
            pictures for people, 512x512, which takes ten times as long.

    Raises:
        ValueError: Procgen is not installed (the message holds the commands), or has no such game,
            or the game no such mode or art.
    """

    licence = LICENCE
    draws_larger = True

    def __init__(
        self, env: str, num_games: int, levels: tuple[int, int] | None, seed: int,
        size: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        """Open every copy; see the class."""
        module = load_procgen()
        name, mode, plain = _checked_game(env, list(module.env.ENV_NAMES))
        first, stop = levels or (0, 0)
        self._large = size is not None and max(size) > SIDE
        self._env = module.ProcgenGym3Env(
            num=num_games,
            env_name=name,
            distribution_mode=mode,
            use_monochrome_assets=plain,
            start_level=first,
            num_levels=stop - first,  # 0: without limit
            rand_seed=seed,
            render_mode="rgb_array" if self._large else None,
            num_threads=os.cpu_count() or 0,  # changes no frame: each copy draws for itself
        )
        self._levels: list[int | None] = []
        self.num_games, self.num_actions = num_games, len(self._env.combos)
        self.fps = CELL_FPS if name in CELL_GAMES else FPS
        self._rim = HALF_CELL if name in CELL_GAMES and mode == "memory" else 0
        if self._large:
            self._rim *= LARGE_SIDE // SIDE

    def observe(self) -> Observation:
        """Show the frames."""
        _, images, first = self._env.observe()
        if first.any():  # a level lasts as long as its episode
            self._levels = [int(info["level_seed"]) for info in self._env.get_info()]
        pictures = images["rgb"]
        if self._large:
            pictures = np.stack([info["rgb"] for info in self._env.get_info()])
        shown = slice(self._rim, pictures.shape[1] - self._rim)
        frames = np.array(pictures[:, shown, shown])
        return Observation(frames=frames, first=np.array(first, bool), levels=self._levels)

    def rewards(self) -> np.ndarray:
        """Return what the last step earned in each copy, float32 (G,)."""
        return np.array(self._env.observe()[0], np.float32)

    def act(self, actions: np.ndarray) -> None:
        """Take one step in every copy."""
        self._env.act(np.asarray(actions, np.int32))

    def close(self) -> None:
        """Nothing to do: the engine frees itself."""


def load_procgen() -> types.ModuleType:
    """Import Procgen; the error of a missing one holds the commands that install it."""
    lent = _lend_gym()
    try:
        import procgen
    except (ImportError, OSError) as error:
        raise ValueError(
            f"Procgen cannot be loaded ({' '.join(str(error).split())}); install it with: {INSTALL}"
        ) from error
    finally:
        for name in lent:
            sys.modules.pop(name, None)
    return procgen


def _checked_game(env: str, known: list[str]) -> tuple[str, str, bool]:
    """Name, mode and plainness of a game; refuses what the engine would abort the process on."""
    name, *words = env.removeprefix(PREFIX).split(":", 2)
    if name not in known:
        raise ValueError(f"Procgen has no game {name!r}; it has {', '.join(known)}")
    mode = words[0] if words else MODE
    modes = ["easy", "hard", *(mode for mode, names in MODES.items() if name in names)]
    if mode not in modes:
        raise ValueError(f"{PREFIX}{name} has no mode {mode!r}; it has {', '.join(modes)}")
    if words[1:] not in ([], [PLAIN]):
        raise ValueError(
            f"{PREFIX}{name} has no art {words[1]!r}: give {PLAIN}, or nothing for the game's own"
        )
    return name, mode, PLAIN in words


def _lend_gym() -> list[str]:
    """Put a stand-in for ``gym`` in place if it is absent; return the names to take away again."""
    try:
        import gym.envs.registration  # noqa: F401
    except ImportError:
        pass
    else:
        return []
    names = ["gym", "gym.envs", "gym.envs.registration"]
    for name in names:
        sys.modules[name] = types.ModuleType(name)
    sys.modules[names[-1]].register = lambda **_: None
    return names
