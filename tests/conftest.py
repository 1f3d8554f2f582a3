"""What holds for every test."""

import os

import pytest

# Models of tests are tiny: a second thread costs them more than it computes, and when the other
# core is busy it costs a hundred times more. Set before torch is imported; subprocesses inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def kinds(monkeypatch):
    """A registry of the test's own: what it registers is forgotten afterwards."""
    from genie import registry

    copy = {role: dict(known) for role, known in registry._KINDS.items()}
    monkeypatch.setattr(registry, "_KINDS", copy)
