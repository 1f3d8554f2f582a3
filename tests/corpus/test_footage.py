"""A folder of footage as people have it: what is good arrives, what is bad is named.

``footage.py`` makes it, and says what should become of it; by hand, with an hour of video.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from corpus.store import Corpus
from genie.cli import main


def _load(name):
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder as a corpus; return its path, and what was expected."""
    footage, place = _load("footage"), tmp_path_factory.mktemp("footage")
    expected = footage.make(place / "in", minutes=1, small=3)
    line = ["corpus", "build", str(place / "in"), "--out", str(place / "out"), "--fps", "15"]
    assert main([*line, "--size", "48x64", "--jobs", "2"]) == 0
    return place / "out", expected, footage


def test_what_is_good_arrives_and_what_is_bad_is_named_with_its_reason(built):
    out, expected, _ = built
    assert len(expected) >= 30
    wrong, figures = _load("footage_check").compare(out, expected)
    assert not [line for line in wrong if "cut at" not in line and "good footage" not in line]
    for kind, (precision, recall) in figures.items():
        assert precision >= 0.95, (kind, wrong)
        assert recall >= (0.9 if kind == "cut" else 0.95), (kind, wrong)


def test_pictures_arrive_as_they_were_drawn(built):
    """Frames of a recording at its own size: no shift, no other colours, the right order."""
    out, _, footage = built
    corpus = Corpus.open(out)
    index = next(i for i, r in enumerate(corpus.provenance) if r["file"] == "pictures")
    read = corpus.read(*corpus.episode(index)).astype(np.float64)
    drawn = footage.scene(40, 3).astype(np.float64)
    halved = drawn.reshape(len(drawn), 48, 2, 64, 2, 3).mean((2, 4))
    assert read.shape == halved.shape and np.abs(read - halved).max() <= 2
