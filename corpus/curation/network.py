"""Small networks that judge features; benchmarks/curation fits them on planted footage."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

WEIGHTS = Path(__file__).with_name("networks.json")


@cache
def _weights() -> dict[str, dict[str, np.ndarray]]:
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return {
        name: {key: np.array(value) for key, value in layers.items()}
        for name, layers in stored.items()
    }


def judge(name: str, features: np.ndarray) -> np.ndarray:
    """Probability that a frame is what a network looks for, float (N,).

    Args:
        name: "cut" or "gradual".
        features: float (N, F), those of ``features.py``.
    """
    w = _weights()[name]
    hidden = np.tanh((features - w["mean"]) / w["scale"] @ w["first"] + w["first_bias"])
    return 1 / (1 + np.exp(-(hidden @ w["last"] + w["last_bias"])))
