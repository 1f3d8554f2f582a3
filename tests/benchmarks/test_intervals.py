from pathlib import Path

import numpy as np
import pytest

from benchmarks.intervals import coverage, read_errors, write_errors
from genie.evaluate.metrics.errors import ErrorTable

# Of the shipped CoinRun world on clips of unseen levels:
# python benchmarks/intervals.py coinrun coinrun-dev --clips 96 --frames 4 --json FILE
REAL = Path(__file__).with_name("clip_errors.json")


@pytest.mark.parametrize("t", [1, 4])
def test_intervals_hold_the_truth_in_93_to_97_of_100_samples_of_real_scores(t):
    errors = read_errors(REAL)
    assert errors.squared.shape[0] >= 64 and np.ptp(errors.of("inferred")[:, t - 1]) > 0
    for share in coverage(errors, t, simulations=2000):
        assert 0.93 <= share <= 0.97


def test_intervals_of_another_quantity_miss_the_truth(monkeypatch):
    errors = read_errors(REAL)
    wrong = ErrorTable.delta
    monkeypatch.setattr(ErrorTable, "delta", lambda self: wrong(self) + 0.5)
    assert coverage(errors, 4, simulations=50)[0] < 0.9


def test_errors_survive_the_file_to_four_digits(tmp_path):
    squared = np.random.default_rng(0).gamma(2, 0.01, (5, 3, 2))
    written = ErrorTable(squared=squared, arms=("inferred", "random0", "frozen"))
    write_errors(written, {"world": "w"}, tmp_path / "e.json")
    read = read_errors(tmp_path / "e.json")
    assert read.arms == written.arms
    assert read.squared == pytest.approx(squared, rel=1e-3)
