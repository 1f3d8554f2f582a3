"""What holds for every test."""

import os
from pathlib import Path

import pytest

# Models of tests are tiny: a second thread costs them more than it computes, and when the other
# core is busy it costs a hundred times more. Set before torch is imported; subprocesses inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# These begin, so that the last thing that runs is short. In the order of their seconds.
SLOW_FILES = (
    "train/test_reproduce.py",
    "test_readme.py",
    "train/test_killed.py",
    "test_end_to_end.py",
    "examples/test_examples.py",
    "train/player_sprite/test_fit.py",
    "play/test_killed.py",
    "train/test_pipeline.py",
)


def pytest_collection_modifyitems(items):
    """Put the slowest files first; within a file, and between the others, the order stays."""
    tests = Path(__file__).parent
    rank = {tests / name: number for number, name in enumerate(SLOW_FILES)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


@pytest.fixture
def kinds(monkeypatch):
    """A registry of the test's own: what it registers is forgotten afterwards."""
    from genie import registry

    copy = {role: dict(known) for role, known in registry._KINDS.items()}
    monkeypatch.setattr(registry, "_KINDS", copy)
