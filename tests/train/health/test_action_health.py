"""A dynamics is not fitted on collapsed latent actions, unless they are allowed."""

import json
import shutil

import numpy as np
import pytest
import torch

from corpus.store import Corpus, CorpusCard
from corpus.writing.writer import CorpusWriter
from genie.library.bundle import load_bundle
from train.health.action_health import (
    health_record,
    measure_action_health,
    read_around,
    require_healthy_actions,
)
from train.loop.forecast import too_few_steps
from train.pipeline import train


class Square(torch.nn.Module):
    """Reads how the drawn square walks, and draws the step; or knows one code only."""

    MOVES = ((0, 0), (0, 3), (0, -3), (3, 0))

    def __init__(self, constant=False):
        super().__init__()
        self.constant = constant
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.config = type("Config", (), {"num_actions": 4})

    def infer(self, frames):
        if self.constant:
            return torch.zeros(len(frames), frames.shape[1] - 1, dtype=torch.long)
        before, after = frames[:, :-1].flatten(0, 1), frames[:, 1:].flatten(0, 1)
        errors = [
            (self.predict(before, torch.full((len(before),), code)) - after)
            .square()
            .mean((1, 2, 3))
            for code in range(4)
        ]
        return torch.stack(errors).argmin(0).unflatten(0, (len(frames), -1))

    def predict(self, frame, action):
        return torch.stack(
            [
                picture.roll(self.MOVES[int(code)], dims=(1, 2))
                for picture, code in zip(frame, action, strict=True)
            ]
        )


@pytest.fixture
def walking(tiny, tmp_path, monkeypatch):
    """The corpus of squares, on ground without speckles, which rolls as a whole."""
    draw = tiny.draw_episode

    def on_plain_ground(seed, length=tiny.LENGTH, size=tiny.SIZE):
        frames, keys = draw(seed, length, size)
        square = (frames == (230, 120, 40)).all(axis=-1, keepdims=True)
        return np.where(square, frames, np.uint8(60)), keys

    monkeypatch.setitem(tiny.write_corpus.__globals__, "draw_episode", on_plain_ground)
    return tiny.write_corpus(tmp_path / "walking")


def test_a_model_that_knows_the_steps_is_healthy_and_a_constant_one_collapsed(walking):
    assert measure_action_health(Square(), walking, seed=0).state == "healthy"
    health = measure_action_health(Square(constant=True), walking, seed=0)
    assert health.state == "collapsed"
    with pytest.raises(ValueError, match="--allow-collapsed") as caught:
        require_healthy_actions(health, allow_collapsed=False)
    line = str(caught.value)
    assert "\n" not in line and health.reasons[0] in line and health.remedies[0] in line
    require_healthy_actions(health, allow_collapsed=True)
    assert health_record(health, allow_collapsed=True)["verdict"] == "collapsed"


class Remembering(Square):
    """Reads the number of the frame two before the last one of a transition; −1 without one."""

    def infer(self, frames):
        numbers = (255 * frames[:, :-2, 0, 0, 0]).round().long()
        return torch.nn.functional.pad(numbers, (1, 0), value=-1)


def test_an_action_is_read_with_those_around_it_but_not_across_episodes(tiny, tmp_path):
    path, lengths = tmp_path / "c", (4, 30, 3)
    card = CorpusCard(fps=15.0, source="drawn by a test", licence="none", options={})
    writer, count = CorpusWriter.create(path, (16, 16), card, False), 0
    for length in lengths:
        numbers = count + np.arange(length, dtype=np.uint8)
        writer.add(np.broadcast_to(numbers[:, None, None, None], (length, 16, 16, 3)))
        writer.end_episode({"file": str(length)}, None)
        count += length
    writer.finish()
    starts = np.array([0, 2, 4, 5, 20, 32, 34, 35])
    read = read_around(Remembering(), Corpus.open(path), starts)
    assert read.tolist() == [-1, 1, -1, 4, 19, 31, -1, 34]


def test_collapsed_latent_actions_are_refused_before_the_dynamics_begins(finished, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(finished.out, out, ignore=shutil.ignore_patterns("world", "dynamics"))
    with pytest.raises(ValueError, match="collapsed"):
        train("dynamics", finished.corpus.path, finished.recipe, out, seed=5)
    assert not (out / "dynamics").exists() and not (out / "world").exists()


def test_collapsed_latent_actions_are_refused_before_encoding(finished, tmp_path):
    out = tmp_path / "run"
    later = shutil.ignore_patterns("world", "dynamics", "encoded.zarr")
    shutil.copytree(finished.out, out, ignore=later)
    for stage in ("encode", "all"):
        allowed = {"resume": stage == "all", "seed": 5}
        with pytest.raises(ValueError, match="collapsed"):
            train(stage, finished.corpus.path, finished.recipe, out, **allowed)
    assert not list(out.glob("encoded.zarr*")) and not (out / "dynamics").exists()


def test_a_refusal_says_first_that_there_were_too_few_steps(walking):
    health = measure_action_health(Square(constant=True), walking, seed=0)
    few = too_few_steps(18, 6000, 120.0)
    with pytest.raises(ValueError, match="^after 18 of 6,000 steps: too few to judge"):
        require_healthy_actions(health, allow_collapsed=False, few=few)


def test_the_record_of_a_world_says_what_was_allowed(finished):
    record = load_bundle(finished.out / "world").info["latent_actions"]
    assert record["verdict"] == "collapsed" and record["allow_collapsed"] and record["reasons"]
    assert json.loads((finished.out / "world" / "world.json").read_text())["latent_actions"]
