"""A world of a few thousand weights, each of which matters: none is left at its start."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dynamics.model import Dynamics, DynamicsConfig
from genie.library.bundle import load_bundle
from genie.library.writer import write_bundle
from genie.settings import Settings
from genie.world import World
from lam.keymap.keymap import KeyAction, Keymap
from lam.model import LatentActionConfig, LatentActionModel
from tokenizer.model import Tokenizer, TokenizerConfig

HEIGHT, WIDTH = 16, 24
ACTIONS, LAYERS, BAND = 4, 2, 3
LONG = (LAYERS + 2) * BAND + 4
"""Frames after which every band has long been full."""
SETTINGS = Settings(steps=2, unmask_order="confidence", temperature=1.0)
OTHER = Settings(steps=3, unmask_order="random", temperature=0.5)
KEYMAP = Keymap(
    idle=0,
    actions=tuple(
        KeyAction(id=i, name=name, keys=(name,), effect={})
        for i, name in enumerate(("none", "left", "right", "up"))
    ),
)


def make_models(seed=0, **dynamics):
    torch.manual_seed(seed)
    size = {"height": HEIGHT, "width": WIDTH}
    small = {"dim": 16, "heads": 2}
    tokenizer = Tokenizer(
        TokenizerConfig(
            **size, **small, patch=8, levels=(4, 4), encoder_layers=1, decoder_layers=2, band=BAND
        )
    )
    lam = LatentActionModel(LatentActionConfig(**size, num_actions=ACTIONS, channels=4))
    sizes = {"num_tokens": 6, "num_codes": 16, "num_actions": ACTIONS, "layers": LAYERS}
    model = Dynamics(DynamicsConfig(**{**sizes, **small, "band": BAND, **dynamics}))
    for part in (tokenizer, lam, model):
        for weight in part.parameters():
            torch.nn.init.normal_(weight, std=0.3)
    lam.start_codes(torch.randn(64, 8) * 0.3)
    return {"tokenizer": tokenizer, "lam": lam, "dynamics": model}


def draw_prompts(count=2, seed=0):
    rng = np.random.default_rng(seed)
    return list(rng.integers(0, 256, (count, HEIGHT, WIDTH, 3), dtype=np.uint8))


def write_world(path, models=None, **changed):
    parts = {
        "settings": SETTINGS,
        "keymap": KEYMAP,
        "statistics": {"format": 1},
        "prompts": draw_prompts(),
        "info": {"name": "small", "title": "Small", "fps": 15.0, "demo_keys": "right*6"},
    }
    write_bundle(path, models or make_models(), **{**parts, **changed})
    return path


def actions_of(count, seed=0):
    return np.random.default_rng(seed).integers(0, ACTIONS, count).tolist()


def play(world, actions):
    return [world.step(action) for action in actions]


def same(one, other):
    """Whether two plays drew the same frames."""
    return len(one) == len(other) and all(map(np.array_equal, one, other))


def need(thing, there):
    """Skip a test of what is not installed here."""
    if not there:
        pytest.skip(f"optional extra web: {thing} is not installed")


def tree(path):
    """Every file below a folder, with its bytes."""
    files = (file for file in path.rglob("*") if file.is_file())
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}


@pytest.fixture(scope="session")
def small():
    """Everything above by name: test modules import nothing from each other."""
    return SimpleNamespace(**{k: v for k, v in globals().items() if not k.startswith("_")})


@pytest.fixture(scope="session")
def world_folder(tmp_path_factory):
    """A world on disk; read only."""
    return write_world(tmp_path_factory.mktemp("small") / "w")


@pytest.fixture
def folder(world_folder, tmp_path):
    """A copy of that world, to be spoilt."""
    shutil.copytree(world_folder, tmp_path / "w")
    return tmp_path / "w"


@pytest.fixture(scope="session")
def bundle(world_folder):
    """That world, loaded."""
    return load_bundle(world_folder)


@pytest.fixture
def world(bundle):
    """That world, to be played."""
    return World(bundle)


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium."""
    need("chromium", shutil.which("chromium"))
    path = Path(__file__).parent / "web" / "driver.py"
    spec = importlib.util.spec_from_file_location("driver", path)
    driver = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(driver)
    started = driver.Browser()
    started.served = driver.served
    yield started
    started.close()
