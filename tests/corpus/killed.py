"""Kill builds, recordings and joins at random moments, go on with --resume, compare the bytes.

Ten kills each, by hand: python tests/corpus/killed.py --kills 10
"""

import sys
import types
from pathlib import Path

import av  # noqa: F401 - loaded once, before the forks
import numpy as np

import corpus.build
import corpus.games.record
import corpus.join  # noqa: F401

sys.path.append(str(Path(__file__).parents[1]))
from killing import Killed, conftest_of, finish, fork, kill_all, quiet_main, tree  # noqa: E402

drawn = conftest_of("corpus")


class NoiseGame:
    """Frames that differ by seed, step and action; episodes of several lengths."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 15}
    action_space = type("Discrete", (), {"n": 4, "start": 0})()

    def reset(self, seed=None):
        self._rng = np.random.default_rng(seed) if seed is not None else self._rng
        self._left = int(self._rng.integers(3, 30))
        self._frame = self._rng.integers(0, 256, (16, 24, 3), np.uint8)
        return None, {}

    def step(self, action):
        self._left -= 1
        self._frame = np.roll(self._frame, 1 + action)
        return None, 0.0, self._left == 0, False, {}

    def render(self):
        return self._frame

    def close(self):
        pass


def prepare(folder):
    """Make what is built and joined, and the game that is recorded; return the commands."""

    def make():
        for seed in range(10):
            frames = drawn.noise(20 + 9 * seed, seed=seed)
            drawn.write_video(folder / "videos" / f"{seed}.mp4", frames)
        for seed in range(2):
            drawn.make_corpus(folder / f"part{seed}", [30, 5, 70] * 3, 16, 24, seed=100 * seed)

    assert finish(fork(make)) == 0
    gymnasium = types.ModuleType("gymnasium")
    gymnasium.error = types.SimpleNamespace(Error=type("Error", (Exception,), {}))
    gymnasium.make = lambda env, render_mode: NoiseGame()
    sys.modules["gymnasium"] = gymnasium
    return [
        killed("build", str(folder / "videos"), "--size", "16x24"),
        killed("record", "Noise-v0", "--frames", "500"),
        killed("join", str(folder / "part0"), str(folder / "part1")),
    ]


def killed(*words):
    """Return a `genie corpus` command that is killed and goes on with --resume."""

    def run(here):
        return quiet_main(["corpus", *words, "--out", str(here / "out"), "--resume"])

    kept = {}

    def check(here):
        lines = here / "out.partial" / "episodes.jsonl"
        count = lines.read_bytes().count(b"\n") if lines.exists() else 0
        # A line is written before its mark.
        assert count >= kept.get(here, 0) - 1, "committed episodes are lost"
        kept[here] = count
        return count

    def same(whole, here):
        assert tree(here) == tree(whole)

    return Killed(name=words[0], run=run, check=check, same=same, last=0.7)


if __name__ == "__main__":
    kill_all(prepare)
