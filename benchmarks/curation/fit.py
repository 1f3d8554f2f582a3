"""Fits the small networks that judge transitions, on planted footage."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from benchmarks.curation.plant import Planted
from corpus.curation.cuts import SMALL
from corpus.curation.features import cut_features, gradual_features, shifted
from corpus.curation.measure import Measurements

HIDDEN = 16
STEPS = 1500
Example = tuple[Planted, Measurements]


def fit(examples: Iterable[Example], path: Path, seed: int = 0) -> None:
    """Fit both networks and write them."""
    cut, gradual = [], []
    for planted, measured in examples:
        cut.append(_cut_samples(planted, measured))
        gradual.append(_gradual_samples(planted, measured))
    networks = {
        name: _fit(np.concatenate([x for x, _ in part]), np.concatenate([y for _, y in part]), seed)
        for name, part in (("cut", cut), ("gradual", gradual))
    }
    path.write_text(json.dumps(networks) + "\n", encoding="utf-8")


def _cut_samples(planted: Planted, m: Measurements) -> tuple[np.ndarray, np.ndarray]:
    """Features of steps that may be cuts; the edges of other events teach nothing."""
    left = m.unexplained
    used = (left > SMALL) & (left >= shifted(left, 1)) & (left >= shifted(left, -1))
    for start, stop, _ in planted.gradual:
        used[max(0, start - 3) : stop + 4] = False
    for start, stop, _ in planted.static:
        used[max(0, start - 1) : stop + 2] = False
    labels = np.zeros(len(m), bool)
    labels[planted.cuts] = True
    used[:1] = False
    return cut_features(m)[used], labels[used]


def _gradual_samples(planted: Planted, m: Measurements) -> tuple[np.ndarray, np.ndarray]:
    labels, used = np.zeros(len(m), bool), np.ones(len(m), bool)
    for start, stop, _ in planted.gradual:
        used[max(0, start - 3) : stop + 3] = False
        used[start:stop] = True
        labels[start:stop] = True
    used &= m.contrast > 10
    return gradual_features(m)[used], labels[used]


def _fit(features: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, list]:
    torch.manual_seed(seed)
    mean, scale = features.mean(0).round(4), features.std(0).round(4) + 1e-3
    x = torch.tensor((features - mean) / scale, dtype=torch.float32)
    y = torch.tensor(labels, dtype=torch.float32)
    first, last = torch.nn.Linear(x.shape[1], HIDDEN), torch.nn.Linear(HIDDEN, 1)
    network = torch.nn.Sequential(first, torch.nn.Tanh(), last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(network(x)[:, 0], y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    tables = {
        "mean": mean,
        "scale": scale,
        "first": first.weight.T.detach().numpy(),
        "first_bias": first.bias.detach().numpy(),
        "last": last.weight[0].detach().numpy(),
        "last_bias": last.bias[0].detach().numpy(),
    }
    return {name: np.round(np.float64(table), 4).tolist() for name, table in tables.items()}
