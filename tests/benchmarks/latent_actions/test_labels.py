"""The curve of agreement over labels."""

import torch

from benchmarks.latent_actions import labels as labels_module
from benchmarks.latent_actions.labels import label_curve
from genie.evaluate.metrics.probe import Ceiling
from lam.config import LatentActionConfig
from lam.model import LatentActionModel


def test_agreement_rises_with_labels(square, data, monkeypatch):
    ceiling = Ceiling(balanced_accuracy=1.0, labelled=1, weak=True)
    monkeypatch.setattr(labels_module, "ceiling_of", lambda *_: ceiling)
    torch.manual_seed(0)
    config = LatentActionConfig(height=16, width=16, num_actions=3, channels=8)
    base = LatentActionModel(config).eval()
    base.start_codes(0.01 * torch.randn(64, 8))
    curve = list(label_curve(base, square, data, (12, 200), draws=1, progress=False))
    assert [row["labels"] for row in curve] == [0, 12, 200]
    few, many = (row["named_right"][0] for row in curve[1:])
    assert curve[0]["named_right"] is None and many > max(few, 0.5)
