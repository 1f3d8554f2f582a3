"""Two processes fit what one does with the doubled batch, and one that is killed ends both."""

import json
import sys
from pathlib import Path

import pytest
import torch

from train.auto.dynamics_size import RECORD
from train.loop import log, optim, trainer
from train.loop.curves import read_series
from train.processes.launch import run_processes

sys.path.append(str(Path(__file__).parent))
import pair  # noqa: E402


@pytest.fixture(scope="module")
def two(tiny, tmp_path_factory):
    """What the two leave, and the error that ends them."""
    folder = tmp_path_factory.mktemp("pair")
    tiny.write_corpus(folder / "corpus")
    (folder / "sizes").mkdir()
    (folder / "sizes" / "run.json").write_text("{}")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(ValueError) as error:
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        run_processes(2, 1, [sys.executable, pair.__file__, str(folder)])
    return folder, str(error.value)


@pytest.fixture
def fit_alone(tiny, corpus, monkeypatch):
    """Fit in this process, with the batch of both; the loss of every step is logged."""
    for module, name in ((log, "LOSS_EVERY"), (trainer, "READ_EVERY_STEPS")):
        monkeypatch.setattr(module, name, 1)
    monkeypatch.setattr(optim, "has_fast_bfloat16", lambda device: False)

    def fit(kind, folder):
        torch.manual_seed(0)
        assert not tiny.fit(pair.make(tiny, kind, corpus, batch=8), folder)

    return fit


def assert_same(one, other, name, count):
    """A log has as many rows in two fits, and the same figures."""
    one, other = (read_series(folder / "logs" / f"{name}.csv") for folder in (one, other))
    assert one.keys() == other.keys() and max(map(len, one.values())) == count
    for figure, points in one.items():
        assert points == pytest.approx(other[figure], abs=1e-5, rel=1e-5), figure


@pytest.mark.parametrize("kind", pair.MEMBERS)
def test_two_processes_have_the_losses_of_one_with_the_doubled_batch(
    tiny, two, fit_alone, tmp_path, kind
):
    folder, _ = two
    fit_alone(kind, tmp_path)
    if kind == "tokenizer":  # one process goes on from the sharded checkpoint of two
        fit_alone(kind, folder / "sharded-tokenizer")
        assert (folder / "sharded-tokenizer" / "checkpoint.ckpt").exists()
        assert not list((folder / "sharded-tokenizer").glob("checkpoint*.json"))
    for together in (folder / kind, folder / f"sharded-{kind}"):
        assert_same(tmp_path, together, "loss", tiny.STEPS)
        assert_same(tmp_path, together, "held-out", 2)


def test_two_processes_time_the_sizes_of_a_dynamics_together_and_take_the_same(two):
    folder, _ = two
    assert [(folder / f"size of {number}").read_text() for number in (0, 1)] == ["{'dim': 2}"] * 2
    assert json.loads((folder / "sizes" / "run.json").read_text()) == {RECORD: {"dim": 2}}


def test_a_stop_of_one_process_stops_both_and_the_fit_goes_on_bit_for_bit(tiny, two):
    folder, _ = two
    for name in ("stopped", "sharded-tokenizer", "sharded-dynamics"):
        assert all((folder / f"{name} stopped by {number}").exists() for number in range(2))
    whole, resumed = tiny.checkpoint(folder / "lam"), tiny.checkpoint(folder / "stopped")
    for part in ("state_dict", "optimizer_states"):
        assert tiny.differences(whole[part], resumed[part], part) == []


def test_a_killed_process_is_named_and_one_process_goes_on_from_the_checkpoint(
    tiny, two, fit_alone
):
    folder, error = two
    assert "process 1 of 2" in error and "was killed by SIGKILL" in error and "--resume" in error
    assert tiny.checkpoint(folder / "killed")["clock"]["step"] == pair.KILLED_AT
    fit_alone("tokenizer", folder / "killed")
    assert_same(folder / "killed", folder / "tokenizer", "loss", tiny.STEPS)
