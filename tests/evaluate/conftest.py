"""A toy world whose every figure is known: a square that steps over a 4 x 4 torus."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from genie.drift import TokenLayout, build_statistics
from genie.evaluate.context import EvalConfig, EvalContext
from genie.evaluate.run import evaluate_context
from genie.frames import to_models
from genie.settings import Settings

CELL, GRID = 4, 4
SIZE = CELL * GRID
MOVES = ((0, 0), (1, 0), (-1, 0), (0, 1))  # still, right, left, down
NAMES = ["none", "right", "left", "down"]


def move(ids, actions):
    return (ids + torch.tensor(MOVES)[actions]) % GRID


def draw(ids):
    """int64 (..., 2) -> uint8 (..., 16, 16, 3)."""
    place = np.arange(SIZE) // CELL
    ids = np.asarray(ids)
    hit = (place == ids[..., :1])[..., None, :] & (place == ids[..., 1:])[..., :, None]
    return np.where(hit, 200, 64).astype(np.uint8)[..., None].repeat(3, axis=-1)


class ToyTokenizer:
    num_codes, num_tokens = 8, 2

    def encode(self, frames):
        cells = torch.nn.functional.avg_pool2d(frames[..., 0, :, :], CELL)
        best = cells.flatten(-2).argmax(-1)
        return torch.stack([best % GRID, best // GRID], dim=-1)

    def decode(self, ids):
        return torch.from_numpy(draw(ids)).permute(0, 1, 4, 2, 3).float() / 255


class ToyLam:
    config = SimpleNamespace(num_actions=len(MOVES))

    def infer(self, frames):
        ids = ToyTokenizer().encode(frames)
        step = (ids[:, 1:] - ids[:, :-1]) % GRID  # (B, T-1, 2)
        same = (step[..., None, :] == torch.tensor(MOVES) % GRID).all(-1)
        return same.long().argmax(-1)

    def predict(self, frame, action):
        ids = move(ToyTokenizer().encode(frame[:, None])[:, 0], action)
        return ToyTokenizer().decode(ids[:, None])[:, 0]


class ConstantLam(ToyLam):
    def infer(self, frames):
        return torch.zeros(frames.shape[0], frames.shape[1] - 1, dtype=torch.long)


class ToyDynamics:
    config = SimpleNamespace(num_actions=len(MOVES))

    def forward(self, ids, actions, hidden, history_ids=None):
        logits = torch.zeros(*ids.shape, ToyTokenizer.num_codes)
        foretold = move(ids[:, :-1], actions)
        logits[:, 1:].scatter_(-1, foretold[..., None], 20.0)
        return logits


class PerfectRollout:
    """Draws exactly the frame that the key asks for."""

    def __init__(self, seeds):
        self.seeds = list(seeds)
        self.t = 0

    def reset(self, ids, actions):
        self.ids = ids[:, -1].clone()
        return draw(ids)

    def step(self, actions):
        assert actions.shape == (len(self.seeds),)
        self.t += 1
        self.ids = self.next(actions)
        return self.ids.clone(), draw(self.ids)

    def next(self, actions):
        return move(self.ids, actions)


class FrozenRollout(PerfectRollout):
    def next(self, actions):
        return self.ids


class DeafRollout(PerfectRollout):
    """Moves, but not by the key: another square each frame, whatever the arm."""

    def next(self, actions):
        rng = np.random.default_rng([self.seeds[0], self.t])
        return torch.from_numpy(rng.integers(0, GRID, (len(actions), 2)))


class BrokenLeftRollout(PerfectRollout):
    def next(self, actions):
        return move(self.ids, torch.where(actions == 2, 0, actions))


class NoisyFromRollout(PerfectRollout):
    """Obeys for 300 frames, then draws anything."""

    def next(self, actions):
        if self.t <= 300:
            return move(self.ids, actions)
        generator = torch.Generator().manual_seed(self.t)
        return torch.randint(4, 8, self.ids.shape, generator=generator) % 8


class ToyWorld:
    def __init__(self):
        self.steps = 0

    def reset(self, prompt, seed):
        return prompt

    def step(self, action):
        self.steps += 1
        return np.zeros((SIZE, SIZE, 3), np.uint8)


@dataclass
class ToyCorpus:
    frames: np.ndarray
    episode_ends: np.ndarray
    actions: np.ndarray
    path: str = "somewhere/toy"
    card: object = field(
        default_factory=lambda: SimpleNamespace(options={"levels": [0, 48]}, fingerprint="c0")
    )

    def read(self, start, stop):
        return self.frames[start:stop]

    def true_actions(self):
        return self.actions


def make_corpus(episodes=48, length=180, seed=0):
    rng = np.random.default_rng(seed)
    frames, actions = [], []
    for _ in range(episodes):
        keys = rng.integers(0, len(MOVES), length - 1)
        steps = np.cumsum(np.array(MOVES)[keys], axis=0)
        ids = (rng.integers(0, GRID, 2) + np.concatenate([[[0, 0]], steps])) % GRID
        noise = rng.integers(-4, 5, (length, SIZE, SIZE, 3))
        frames.append((draw(ids).astype(int) + noise).astype(np.uint8))
        actions.append(np.append(keys, -1))
    ends = np.arange(1, episodes + 1, dtype=np.int64) * length
    return ToyCorpus(np.concatenate(frames), ends, np.concatenate(actions))


def make_bundle(**changed):
    parts = {
        "device": torch.device("cpu"),
        "tokenizer": ToyTokenizer(),
        "lam": ToyLam(),
        "dynamics": ToyDynamics(),
        "settings": Settings(steps=1, unmask_order="random", temperature=1.0),
        "keymap": SimpleNamespace(name_of=lambda action: NAMES[action]),
        "statistics": {},
        "prompts": [],
        "name": "toy",
        "fps": 15.0,
        "height": SIZE,
        "width": SIZE,
        "fingerprint": "w0",
        "num_actions": len(MOVES),
        "info": {"commit": "abc"},
    }
    return SimpleNamespace(**{**parts, **changed})


CONFIG = EvalConfig(
    clips=24,
    long_frames=200,
    speed_frames=160,
    action_groups={"still": [0], "right": [1], "left": [2], "down": [3]},
)


def make_context(corpus, rollout=None, config=CONFIG, clips=None, **parts):
    config = config if clips is None else replace(config, clips=clips)
    bundle = make_bundle(**parts)
    return EvalContext(
        bundle=bundle, make_rollout=rollout or PerfectRollout, corpus=corpus, config=config
    )


def measure(context):
    return evaluate_context(context, ToyWorld())


@pytest.fixture(scope="session")
def toy_corpus():
    return make_corpus()


@pytest.fixture(scope="session")
def statistics(toy_corpus):
    ids = ToyTokenizer().encode(to_models(toy_corpus.frames[None]))[0]
    layout = TokenLayout(num_codes=8, num_actions=len(MOVES), grid=(1, ids.shape[1]))
    return build_statistics(ids.numpy(), toy_corpus.actions, toy_corpus.episode_ends, layout)


@pytest.fixture(scope="session")
def toy_report(toy_corpus, statistics):
    """The report on a perfect world; not to be changed."""
    return measure(make_context(toy_corpus, statistics=statistics))


@pytest.fixture(scope="session")
def toy():
    """Everything above by name: test modules import nothing from each other."""
    return SimpleNamespace(**{k: v for k, v in globals().items() if not k.startswith("_")})
