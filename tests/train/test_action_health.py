"""A dynamics is not fitted on collapsed latent actions, unless they are allowed."""

import json
import shutil

import numpy as np
import pytest
import torch

from genie.library.bundle import load_bundle
from train.action_health import health_record, measure_action_health, require_healthy_actions
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
        before, after = frames[:, 0], frames[:, 1]
        if self.constant:
            return torch.zeros(len(frames), 1, dtype=torch.long)
        errors = [
            (self.predict(before, torch.full((len(before),), code)) - after)
            .square()
            .mean((1, 2, 3))
            for code in range(4)
        ]
        return torch.stack(errors).argmin(0)[:, None]

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
