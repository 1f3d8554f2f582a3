"""Kill builds, recordings and joins at random moments, go on with --resume, compare the bytes.

Ten kills each, by hand: python tests/corpus/killed.py --kills 10
"""

import argparse
import importlib.util
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import types
from pathlib import Path

import av  # noqa: F401 - loaded once, before the forks
import numpy as np

import corpus.build
import corpus.games.record
import corpus.join  # noqa: F401
from genie.cli import main

spec = importlib.util.spec_from_file_location("drawn", Path(__file__).with_name("conftest.py"))
drawn = importlib.util.module_from_spec(spec)
spec.loader.exec_module(drawn)


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


def fork(work):
    """Run `work` in a process of its own; return its id. This process never opens a thread."""
    pid = os.fork()
    if pid == 0:
        try:
            code = work() or 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
            code = 1
        os._exit(code)
    return pid


def finish(pid):
    """Wait for a process; return its exit status, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


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
        ["build", str(folder / "videos"), "--size", "16x24"],
        ["record", "Noise-v0", "--frames", "500"],
        ["join", str(folder / "part0"), str(folder / "part1")],
    ]


def lines(path):
    """How many lines a file has; none if it is not there."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def kill(command, signals, folder, rng):
    """Kill one command by each of the signals in turn; return how many episodes each left."""
    out, whole = folder / "out", folder / f"{command[0]}-whole"

    def run(path):
        return fork(lambda: main(["corpus", *command, "--out", str(path), "--resume"]))

    begun = time.perf_counter()
    assert finish(run(whole)) == 0
    seconds = time.perf_counter() - begun
    kept = [0]
    while signals:
        pid = run(out)
        time.sleep(rng.uniform(0, seconds * 0.7))
        os.kill(pid, signals[-1])
        status = finish(pid)
        if status == 0:  # done before it was killed
            assert drawn.tree(out) == drawn.tree(whole)
            shutil.rmtree(out)
            kept.append(0)
            continue
        number = signals.pop()
        assert status == -number or (number, status) == (signal.SIGTERM, 130), status
        kept.append(lines(folder / "out.partial" / "episodes.jsonl"))
        assert kept[-1] >= kept[-2] - 1, "committed episodes are lost"  # a line precedes its mark
    assert finish(run(out)) == 0
    assert drawn.tree(out) == drawn.tree(whole)
    shutil.rmtree(out)
    left = [path.name for path in folder.glob("*out*")]
    assert not left, left
    return kept[1:]


def kill_all(kills, seed):
    """Kill every command as often by both signals."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        for command in prepare(Path(name)):
            signals = [signal.SIGKILL, signal.SIGTERM] * kills
            rng.shuffle(signals)
            kept = " ".join(map(str, kill(command, signals, Path(name), rng)))
            print(f"{command[0]}: {kills} of each signal, bytes equal; episodes kept: {kept}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    values = parser.parse_args()
    kill_all(values.kills, values.seed)
