"""A corpus of a square that walks, and a recipe of some steps, for worlds with foreign models."""

import numpy as np
import pytest
import yaml

from corpus.store import CorpusCard
from corpus.writing.writer import CorpusWriter

SMALL = {
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
        "fit": {"share": 1, "steps": 3, "batch": 2, "frames": 16, "checks": 1},
        "model": {"dim": 8, "heads": 2, "layers": 1, "band": 2},
        "method": {"prompt_candidates": 4, "prompts": 2},
    },
    "settings": {"steps": 2, "order": "random", "temperature": 1.0},
}


@pytest.fixture(autouse=True)
def forget_kinds(kinds):
    """What an example registers is unknown to the next test."""


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Four episodes of 60 frames of 16×16."""
    path = tmp_path_factory.mktemp("examples") / "corpus"
    card = CorpusCard(fps=15.0, source="drawn by a test", licence="none", options={})
    writer = CorpusWriter.create(path, (16, 16), card, False)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        frames = np.repeat(rng.integers(30, 90, (1, 16, 16, 3), np.uint8), 60, axis=0)
        for frame, (row, column) in zip(
            frames, rng.integers(-2, 3, (60, 2)).cumsum(0), strict=True
        ):
            frame[np.ix_((row + np.arange(5)) % 16, (column + np.arange(5)) % 16)] = (230, 120, 40)
        writer.add(frames)
        writer.end_episode({"file": str(seed)}, None)
    writer.finish()
    return path


@pytest.fixture
def write_recipe(tmp_path):
    """Write a small recipe in which one stage is of another kind."""

    def write(stage: str, kind: str) -> str:
        recipe = SMALL | {stage: {"kind": kind, "fit": SMALL[stage]["fit"]}}
        path = tmp_path / f"{kind}.yaml"
        path.write_text(yaml.safe_dump(recipe))
        return str(path)

    return write
