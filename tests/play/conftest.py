"""A world whose frames say which action drew them, and its folder without weights."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from genie.catalog import read_card
from genie.settings import Settings
from lam.keymap import KeyAction, Keymap

HEIGHT, WIDTH, FPS = 12, 16, 15.0
KEYMAP = Keymap(
    idle=0,
    actions=(
        KeyAction(id=0, name="none", keys=(), effect={}),
        KeyAction(id=1, name="left", keys=("left", "a"), effect={}),
        KeyAction(id=2, name="right", keys=("right", "d"), effect={}),
        KeyAction(id=3, name="jump", keys=("up", "space"), effect={}),
    ),
)


class FakeWorld:
    """Each frame: red is the action, green counts frames, blue the seed; each pixel differs."""

    def __init__(self):
        prompts = [np.full((HEIGHT, WIDTH, 3), shade, np.uint8) for shade in (50, 90)]
        self.bundle = SimpleNamespace(
            keymap=KEYMAP,
            prompts=prompts,
            fps=FPS,
            height=HEIGHT,
            width=WIDTH,
            num_actions=len(KEYMAP.actions),
            demo_keys="right*4 jump none*2",
            name="toy",
            title="Toy",
            fingerprint="f" * 64,
            settings=Settings(steps=2, order="confidence", temperature=1.0),
        )
        self.settings = self.bundle.settings
        self.actions = []
        self.resets = []

    def reset(self, prompt, seed=0):
        self.resets.append((int(prompt[0, 0, 0]), seed))
        self.actions = []
        return prompt

    def step(self, action):
        self.actions.append(action)
        frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        frame[..., 0] = 60 * action
        frame[..., 1] = len(self.actions) * 7 % 256
        frame[..., 2] = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
        return frame


def write_world(path, name="toy"):
    """What a card is read from."""
    path.mkdir(parents=True)
    config = {"height": HEIGHT, "width": WIDTH}
    info = {
        "format": 1,
        "name": name,
        "title": name.title(),
        "fps": FPS,
        "demo_keys": "right*4",
        "models": {"tokenizer": {"config": config}},
    }
    (path / "world.json").write_text(json.dumps(info))
    (path / "keymap.json").write_text(json.dumps(KEYMAP.to_json()))
    return path


@pytest.fixture
def keymap():
    return KEYMAP


@pytest.fixture
def world():
    return FakeWorld()


@pytest.fixture
def folder(tmp_path):
    return write_world(tmp_path / "worlds" / "toy")


@pytest.fixture
def card(folder):
    return read_card(folder)


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """An empty current folder."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place
