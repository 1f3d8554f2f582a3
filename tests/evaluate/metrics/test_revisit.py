"""Ways out and back, in worlds that remember and in ones that do not."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dynamics.model import Dynamics, DynamicsConfig
from dynamics.token_map import MapLayout
from genie.evaluate.context import EvalConfig, EvalContext
from genie.evaluate.metrics import revisit
from genie.evaluate.metrics.revisit import revisit_frames, score_revisit
from genie.settings import Settings

SIDE, CODES = 5, 200
MOVES = ((0, 1), (0, -1), (1, 0), (-1, 0), (0, 0))
PLAYER = 12


def window(row, column, ground):
    """The tokens of the picture at a position; `ground` names a token by its position."""
    tokens = [ground(row + y, column + x) for y in range(SIDE) for x in range(SIDE)]
    tokens[PLAYER] = CODES - 1
    return tokens


def hashed(row, column):
    return hash((row, column)) % (CODES - 1)


BEGINS = [(1000 * n, 0) for n in range(24)]


class Faithful:
    """The same ground wherever one goes; something blocks some of the ways."""

    def __init__(self, seeds):
        self.seeds = seeds

    def reset(self, ids, actions):
        known = {tuple(window(*at, hashed)): at for at in BEGINS}
        self.at = [known[tuple(row.tolist())] for row in ids[:, 0]]
        return np.zeros((len(ids), 1, SIDE, SIDE, 3), np.uint8)

    def step(self, actions):
        for n, action in enumerate(actions.tolist()):
            down, right = MOVES[action]
            to = self.at[n][0] + down, self.at[n][1] + right
            if (hashed(*to) + hashed(*self.at[n])) % 23:  # between two positions, both ways
                self.at[n] = to
        return torch.tensor([self.tokens(n) for n in range(len(actions))]), actions

    def tokens(self, n):
        return window(*self.at[n], hashed)


class FallingIn(Faithful):
    """Nothing is in the way, and the fourth place that is entered can never be entered again."""

    def reset(self, ids, actions):
        shown = super().reset(ids, actions)
        self.entered = [[] for _ in self.at]
        return shown

    def step(self, actions):
        for n, action in enumerate(actions.tolist()):
            down, right = MOVES[action]
            to = self.at[n][0] + down, self.at[n][1] + right
            if (down or right) and to not in self.entered[n][3:4]:
                self.entered[n].append(to)
                self.at[n] = to
        return torch.tensor([self.tokens(n) for n in range(len(actions))]), actions


class Forgetful(Faithful):
    """Ground is drawn anew when it comes into the picture."""

    def reset(self, ids, actions):
        shown = super().reset(ids, actions)
        self.rng = np.random.default_rng(self.seeds[0])
        self.shown = [{} for _ in self.at]
        for n in range(len(self.at)):
            self.tokens(n, hashed)
        return shown

    def tokens(self, n, ground=None):
        ground = ground or (lambda y, x: int(self.rng.integers(CODES - 1)))
        row, column = self.at[n]
        places = [(row + y, column + x) for y in range(SIDE) for x in range(SIDE)]
        self.shown[n] = {at: self.shown[n].get(at) or ground(*at) for at in places}
        return window(row, column, lambda y, x: self.shown[n][y, x])


class Pixels(torch.nn.Module):
    """A tokenizer of which every pixel is a token."""

    num_tokens, num_codes = SIDE * SIDE, CODES
    config = SimpleNamespace(height=SIDE, width=SIDE)

    def encode(self, frames):
        return (frames[:, :, 0] * 255).round().long().flatten(2)

    def decode(self, ids):
        return (ids / 255).view(*ids.shape[:2], 1, SIDE, SIDE).expand(-1, -1, 3, -1, -1)


class Corpus:
    """An episode of 40 still frames at each position."""

    episode_ends = np.arange(1, len(BEGINS) + 1) * 40

    def read(self, start, stop):
        rows = [window(*BEGINS[t // 40], hashed) for t in range(start, stop)]
        frames = np.array(rows, np.uint8).reshape(-1, SIDE, SIDE, 1)
        return frames.repeat(3, axis=-1)


@dataclass(frozen=True)
class World:
    """What is read of a bundle."""

    dynamics: Dynamics
    tokenizer: Pixels = field(default_factory=Pixels)
    settings: Settings = Settings(steps=1, unmask_order="random", temperature=1.0)
    device: torch.device = torch.device("cpu")
    height: int = SIDE
    width: int = SIDE


@pytest.fixture(scope="module")
def dynamics():
    torch.manual_seed(0)
    sizes = {"dim": 8, "heads": 2, "layers": 1, "band": 2, "num_codes": CODES, "num_actions": 5}
    config = DynamicsConfig(
        num_tokens=SIDE * SIDE, grid=(SIDE, SIDE), moves=MOVES, fixed=(PLAYER,), **sizes
    )
    return Dynamics(config).eval()


@pytest.fixture
def scored(dynamics, monkeypatch):
    monkeypatch.setattr(revisit, "STEPS", (12,))
    monkeypatch.setattr(revisit, "ROLLOUTS", {12: 24})

    def score(make_rollout, tick=lambda done: None):
        context = EvalContext(
            bundle=World(dynamics=dynamics), make_rollout=make_rollout, corpus=Corpus(),
            config=EvalConfig(clips=32),
        )  # fmt: skip
        return context, score_revisit(context, tick)

    return score


def test_a_world_that_remembers_looks_the_same_after_an_absence(scored):
    _, found = scored(Faithful)
    there = found.with_map["12"]
    assert there.rollouts > 12 and there.returned == 1.0 and there.same_tokens == 1.0
    assert there.by_chance < 0.1
    assert there.psnr == 100.0 and there.psnr_by_chance < 20


def test_what_fell_into_the_way_is_walked_round(scored):
    _, found = scored(FallingIn)
    there = found.with_map["12"]
    assert there.rollouts > 12 and there.returned == 1.0 and there.same_tokens == 1.0


def test_a_world_that_draws_anew_does_not(scored):
    _, found = scored(Forgetful)
    there = found.with_map["12"]
    assert there.rollouts > 12 and there.same_tokens < 0.1


def test_the_same_world_is_measured_without_its_map(scored):
    _, found = scored(Faithful)
    # The real engine draws noise here, and nobody finds back through noise.
    assert found.without_map["12"].same_tokens in (None, pytest.approx(0, abs=0.1))


def test_progress_counts_every_sampled_frame(scored):
    done = []
    context, _ = scored(Faithful, done.append)
    assert sum(done) == revisit_frames(context)


def test_a_world_without_a_map_is_not_measured(toy, toy_corpus):
    context = toy.make_context(toy_corpus)
    assert revisit_frames(context) == 0 and score_revisit(context) is None


def test_where_one_key_alone_moves_the_picture_a_blocked_step_is_tried_again():
    layout = MapLayout((SIDE, SIDE), ((0, 1), (0, 0)), (), CODES)
    first = window(*BEGINS[0], hashed)
    walk = revisit._Walk(layout, first, 4, np.random.default_rng(0))
    for _ in range(4):
        assert walk.next_action() == 0
        walk.see(first, 0)  # blocked
    assert not walk.went_away
