"""A corpus of a painted square that walks, models of a few thousand weights, and their fits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml

from corpus.store import Corpus, CorpusCard
from corpus.writing.writer import CorpusWriter
from dynamics.model import Dynamics, DynamicsConfig
from genie.settings import Settings
from lam.config import LatentActionConfig
from lam.losses import LatentActionMethod
from lam.model import LatentActionModel
from tokenizer.model import Tokenizer, TokenizerConfig
from train.data.clips import FrameClips
from train.data.code_features import code_digits
from train.data.encode import Encoded
from train.fit_dynamics import DynamicsModule
from train.fit_lam import LatentActionModule
from train.fit_tokenizer import TokenizerModule
from train.loop.clock import Clock
from train.loop.module import FitPlan
from train.loop.trainer import fit as fit_module
from train.recipe import FitConfig

SIZE, EPISODES, LENGTH = 16, 6, 20
CODES, TOKENS, ACTIONS = 9, 4, 4
STEPS = 12


def draw_episode(seed, length=LENGTH, size=SIZE):
    """uint8 (T, H, W, 3): a square walks over speckled ground; and its keys, (T-1,)."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(30, 90, (size, size, 3), np.uint8)
    keys = rng.integers(0, 4, length - 1)
    moves = np.array([[0, 0], [0, 3], [0, -3], [3, 0]])[keys]
    corners = (rng.integers(0, size, 2) + np.cumsum(np.vstack([[0, 0], moves]), axis=0)) % size
    frames = np.repeat(ground[None], length, axis=0)
    for frame, (row, column) in zip(frames, corners, strict=True):
        rows, columns = (row + np.arange(5)) % size, (column + np.arange(5)) % size
        frame[np.ix_(rows, columns)] = (230, 120, 40)
    return frames, keys


def write_corpus(path, lengths=(LENGTH,) * EPISODES, size=(SIZE, SIZE), actions=False):
    card = CorpusCard(fps=15.0, source="drawn by a test", licence="none", options={})
    writer = CorpusWriter.create(path, size, card, actions)
    for seed, length in enumerate(lengths):
        frames, keys = draw_episode(seed, length, max(size))
        writer.add(frames[:, : size[0], : size[1]])
        writer.end_episode({"file": str(seed)}, keys if actions else None)
    writer.finish()
    return Corpus.open(path)


def fit_config(**changed):
    values = {"share": 1.0, "steps": STEPS, "batch": 4, "frames": 2, "checks": 2, "ema": 0.9}
    return FitConfig(**{**values, "warmup": 0.2, "decay": 0.3, **changed})


def make_tokenizer():
    sizes = {"height": SIZE, "width": SIZE, "patch": 8, "levels": (3, 3), "dim": 8, "heads": 2}
    return Tokenizer(TokenizerConfig(**sizes, encoder_layers=1, decoder_layers=1, band=2))


def make_lam():
    config = LatentActionConfig(height=SIZE, width=SIZE, num_actions=8, channels=4)
    return LatentActionModel(config)


def make_readers():
    """A tokenizer and an action model with every weight redrawn, so that codes differ."""
    torch.manual_seed(0)
    tokenizer, lam = make_tokenizer().eval(), make_lam().eval()
    for model in (tokenizer, lam):
        for weight in model.parameters():
            torch.nn.init.normal_(weight, std=0.3)
    lam.start_codes(torch.randn(64, lam.config.latent) * 0.3)
    return tokenizer, lam


def make_dynamics():
    sizes = {"num_tokens": TOKENS, "num_codes": CODES, "num_actions": ACTIONS}
    return Dynamics(DynamicsConfig(**sizes, dim=8, heads=2, layers=1, band=2))


def make_encoded(seed=0):
    rng = np.random.default_rng(seed)
    actions = rng.integers(0, ACTIONS, EPISODES * LENGTH)
    ends = np.arange(1, EPISODES + 1, dtype=np.int64) * LENGTH
    actions[ends - 1] = -1
    ids = rng.integers(0, CODES, (EPISODES * LENGTH, TOKENS))
    return Encoded(
        ids=ids, actions=actions, episode_ends=ends, num_codes=CODES, num_actions=ACTIONS
    )


def make_module(kind, corpus, clock=None, **fit):
    clock = clock or Clock(total_steps=STEPS)
    if kind == "dynamics":
        settings = Settings(steps=2, unmask_order="random", temperature=1.0)
        config = fit_config(frames=4, **fit)
        encoded = make_encoded()
        plan = FitPlan(fit=config, clock=clock, seed=3)
        tokenizer = make_tokenizer()
        features = code_digits(tokenizer.quantizer.levels)
        return DynamicsModule(
            make_dynamics(), plan, encoded, tokenizer, settings, features=features
        )
    config = fit_config(**fit)
    plan = FitPlan(fit=config, clock=clock, seed=3)
    clips = FrameClips(corpus, config.frames, 3)
    if kind == "tokenizer":
        return TokenizerModule(make_tokenizer(), plan, clips)
    # Dead codes are replaced within a few steps, not hundreds.
    method = LatentActionMethod(code_decay=0.5, dead_fraction=0.6, kmeans_batches=16)
    return LatentActionModule(make_lam(), replace(plan, method=method), clips)


def fit(stage, folder, export=lambda stage: None):
    """One slice in full precision; True if Ctrl-C ended it."""
    try:
        fit_module(stage, Path(folder), export=export, precision="32-true")
    except KeyboardInterrupt:
        return True
    return False


def interrupt_after(stage, step):
    """Press Ctrl-C during the step that makes the count `step`."""
    loss = stage.loss

    def last(*batch):
        if stage.clock.step == step - 1:
            stage.clock.interrupted = True
        return loss(*batch)

    stage.loss = last
    return stage


def checkpoint(folder):
    return torch.load(Path(folder) / "checkpoint.ckpt", map_location="cpu", weights_only=True)


def differences(one, other, where=""):
    """Names of all that is not equal bit for bit between two nested states."""
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return [f"{where}: keys"]
        return [d for key in one for d in differences(one[key], other[key], f"{where}.{key}")]
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other):
            return [f"{where}: length"]
        pairs = enumerate(zip(one, other, strict=True))
        return [d for i, (a, b) in pairs for d in differences(a, b, f"{where}.{i}")]
    if isinstance(one, torch.Tensor):
        return [] if torch.equal(one, other) else [where]
    return [] if one == other else [where]


TINY = {
    "about": "of a test",
    "tokenizer": {
        "fit": {"share": 1, "steps": 3, "batch": 4, "frames": 2, "checks": 1},
        "model": {"levels": [3, 3], "dim": 8, "heads": 2, "encoder_layers": 1, "decoder_layers": 1},
    },
    "lam": {
        "fit": {"share": 1, "steps": 4, "batch": 4, "frames": 2, "checks": 1},
        "model": {"num_actions": 4, "channels": 4},
        "method": {"kmeans_batches": 8},
    },
    "dynamics": {
        "fit": {"share": 2, "steps": 3, "batch": 2, "frames": 4, "checks": 1},
        "model": {"dim": 8, "heads": 2, "layers": 1, "band": 2},
        "method": {"prompt_candidates": 8, "prompts": 3, "compared_clips": 64},
    },
    "settings": {"steps": 2, "order": "random", "temperature": 1.0, "prompt_frames": 1},
}


def write_recipe(path, **changed):
    """Write the tiny recipe; `changed` maps "stage.part.name" with __ for . to values."""
    recipe = yaml.safe_load(yaml.safe_dump(TINY))
    for path_of, value in changed.items():
        *parents, last = path_of.split("__")
        part = recipe
        for parent in parents:
            part = part[parent]
        part[last] = value
    path.write_text(yaml.safe_dump(recipe))
    return str(path)


def tree(path):
    """Every file below a folder, with its bytes."""
    files = (file for file in Path(path).rglob("*") if file.is_file())
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}


@dataclass(frozen=True)
class FinishedRun:
    corpus: Corpus
    recipe: str
    out: Path


@pytest.fixture(scope="session", autouse=True)
def no_curves():
    """Curves cost a second a fit; the test of them puts them back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("train.loop.log.draw_curves", lambda folder: None)
        yield


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("corpus") / "c")


@pytest.fixture(scope="session")
def tiny():
    """Everything above by name: test modules import nothing from each other."""
    return SimpleNamespace(**{k: v for k, v in globals().items() if not k.startswith("_")})


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A whole run on a corpus whose true actions cannot be opened."""
    from train.pipeline import train

    folder = tmp_path_factory.mktemp("finished")
    written = write_corpus(folder / "c", actions=True)
    (written.path / "actions" / "zarr.json").write_text("not for training")
    recipe = write_recipe(folder / "tiny.yaml")
    train("all", written.path, recipe, folder / "run", seed=5, allow_collapsed=True)
    return FinishedRun(written, recipe, folder / "run")
