"""What loggers have of a fit that breaks off."""

import csv
from types import SimpleNamespace

import pytest
from lightning.fabric.loggers import Logger

from train.loop.loggers import make_loggers


class Told(Logger):
    """Notes how a fit ended."""

    name = version = "told"

    def __init__(self):
        self.ended = []

    def log_metrics(self, metrics, step=None):
        pass

    def log_hyperparams(self, params):
        pass

    def finalize(self, status):
        self.ended.append(status)


def rows_of(folder):
    (path,) = folder.rglob("metrics.csv")
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_is_in_the_csv_file_as_soon_as_it_is_logged(tmp_path):
    (logger,) = make_loggers("csv", tmp_path, "lam")
    for step in (25, 50):  # a kill leaves no time to write
        logger.log_metrics({"loss/loss": step / 100}, step)
        assert rows_of(tmp_path)[-1] == {"loss/loss": str(step / 100), "step": str(step)}
    logger.log_metrics({"held-out/psnr": 9.0}, 50)  # a new column
    assert [row["step"] for row in rows_of(tmp_path)] == ["25", "50", "50"]


def breaks_at(stage, step, error):
    loss = stage.loss

    def broken(*batch):
        if stage.clock.step == step:
            raise error
        return loss(*batch)

    stage.loss = broken
    return stage


@pytest.mark.parametrize(
    ("change", "error", "status"),
    [
        (lambda tiny, stage: stage, None, "success"),
        (lambda tiny, stage: tiny.interrupt_after(stage, 3), KeyboardInterrupt, "success"),
        (lambda tiny, stage: breaks_at(stage, 3, RuntimeError("broke")), RuntimeError, "failed"),
        (lambda tiny, stage: breaks_at(stage, 3, SystemExit(2)), SystemExit, "failed"),
    ],
    ids=["finished", "stopped", "broken", "ended"],
)
def test_loggers_are_told_how_a_fit_ended(tiny, corpus, tmp_path, change, error, status):
    stage, loggers = change(tiny, tiny.make_module("tokenizer", corpus)), [Told(), Told()]
    try:
        tiny.fit_module(stage, tmp_path, logger=loggers, precision="32-true")
    except BaseException as raised:
        assert error is not None and isinstance(raised, error)
    else:
        assert error is None
    assert [logger.ended for logger in loggers] == [[status]] * 2


def test_a_fit_that_breaks_off_is_a_failed_run_of_wandb(tmp_path, monkeypatch):
    class Fake:
        _experiment = None

        def __init__(self, **_):
            pass

        def finalize(self, status):
            pass

    monkeypatch.setattr("lightning.pytorch.loggers.WandbLogger", Fake)
    (logger,) = make_loggers("wandb", tmp_path / "run", "lam")
    codes = []
    logger._experiment = SimpleNamespace(finish=lambda exit_code=0: codes.append(exit_code))
    for status in ("success", "failed"):
        logger.finalize(status)
    assert codes == [0, 1]
