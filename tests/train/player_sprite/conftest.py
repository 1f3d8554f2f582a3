"""Drawn games where a held key shows in the sprite alone, and the quick fit of a model of it."""

from types import SimpleNamespace

import numpy as np
import pytest

from corpus.store import Corpus, CorpusCard
from corpus.writing.writer import CorpusWriter
from lam.player_sprite.config import SpriteActionConfig
from lam.player_sprite.model import SpriteActionModel
from train.data.clips import FrameClips
from train.loop.clock import Clock
from train.loop.module import FitPlan
from train.player_sprite.fit import SpriteActionModule
from train.player_sprite.method import SpriteMethod

SIDE, KEYS, BOX = 24, 3, (9, 9, 6, 5)
STEPS = 90

METHOD = SpriteMethod(
    episodes=8, pairs=24, code_starts=3, code_steps=80, code_pairs=512, quantize_at=0.6
)
"""Quick: few steps in all."""


def draw_episode(seed: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """A scenery that scrolls at random under a sprite whose shape shows which key is held.

    uint8 (T, H, W, 3), and the keys (T − 1,). The colours of scenery and sprite are the episode's.
    """
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 200, (24, 24, 3))
    scenery = np.kron(coarse, np.ones((8, 8, 1))).astype(np.uint8)
    keys = np.concatenate([np.full(rng.integers(8, 16), rng.integers(KEYS)) for _ in range(length)])
    keys = keys[: length - 1]
    shapes = np.random.default_rng(99).random((KEYS, 2, 4, 3)) > 0.5  # per key two poses
    colour = rng.integers(205, 256, 3)
    corner, frames = np.array([80, 80]), []
    for time in range(length):
        corner = np.clip(corner + rng.integers(-2, 3, 2), 0, 160)
        frame = scenery[corner[0] : corner[0] + SIDE, corner[1] : corner[1] + SIDE].copy()
        pose = shapes[keys[max(time - 1, 0)], rng.integers(2)]
        frame[10:14, 10:13] = np.where(pose[..., None], colour, 0)
        frames.append(frame)
    return np.stack(frames), keys


def draw_jumper(seed: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """A sprite under a camera that follows: it stands, goes left or right, or jumps.

    A key is held for 8 to 15 frames; in the air left and right still steer. The sprite has a shape
    for each key on the ground, and one for the air.

    Returns:
        uint8 (T, H, W, 3), and the shape in each transition (T − 1,): 0 still, 1 left, 2 right,
        3 in the air.
    """
    rng = np.random.default_rng(seed)
    scenery = np.kron(rng.integers(0, 200, (60, 60, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    keys = np.concatenate([np.full(rng.integers(8, 16), rng.integers(4)) for _ in range(length)])
    shapes = np.random.default_rng(98).random((4, 2, 4, 3)) > 0.5  # for each, two poses
    colour = rng.integers(205, 256, 3)
    corner, speed, shown, frames = np.array([150, 110]), 0, [], []
    for time in range(length):
        aside = (0, -2, 2, 0)[keys[time]]
        grounded = corner[0] == 150
        if grounded:
            speed = 5 if keys[time] == 3 else 0
        corner = np.array([min(150, corner[0] - speed), np.clip(corner[1] + aside, 0, 200)])
        speed -= speed > -4 and not (grounded and speed == 0)
        shape = keys[time] if corner[0] == 150 else 3
        frame = scenery[corner[0] : corner[0] + SIDE, corner[1] : corner[1] + SIDE].copy()
        pose = shapes[shape if shape < 3 or corner[0] < 150 else 0, rng.integers(2)]
        frame[10:14, 10:13] = np.where(pose[..., None], colour, 0)
        frames.append(frame)
        shown.append(shape)
    return np.stack(frames), np.array(shown[1:])


def write_drawn(path, draw, episodes: int, side: int = SIDE) -> Corpus:
    """Write a corpus of episodes that `draw` draws, with what it says of them as true actions."""
    card = CorpusCard(fps=15.0, source="drawn by a test", licence="none", options={})
    writer = CorpusWriter.create(path, (side, side), card, True)
    for seed in range(episodes):
        frames, actions = draw(seed, 120)
        writer.add(frames)
        writer.end_episode({"file": str(seed)}, actions)
    writer.finish()
    return Corpus.open(path)


def make_module(
    tiny, corpus: Corpus, steps: int = STEPS, num_actions: int = KEYS, method=METHOD
) -> SpriteActionModule:
    config = SpriteActionConfig(
        height=SIDE, width=SIDE, num_actions=num_actions, channels=8, box=BOX
    )
    fit = tiny.fit_config(steps=steps, ema=0.9, lr=3e-3)
    plan = FitPlan(fit=fit, clock=Clock(total_steps=steps), seed=3, method=method)
    return SpriteActionModule(SpriteActionModel(config), plan, FrameClips(corpus, 2, 3))


@pytest.fixture(scope="session")
def sprite():
    """Everything above by name: test modules import nothing from each other."""
    return SimpleNamespace(**{k: v for k, v in globals().items() if not k.startswith("_")})


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Corpus:
    return write_drawn(tmp_path_factory.mktemp("sprite") / "c", draw_episode, 12)


@pytest.fixture(scope="session")
def jumper(tmp_path_factory) -> Corpus:
    return write_drawn(tmp_path_factory.mktemp("jumper") / "c", draw_jumper, 16)
