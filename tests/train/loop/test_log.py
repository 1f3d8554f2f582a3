"""Checkpoints, logs, exports, and a loss that is not a number."""

import csv
import re
import resource
import signal
from types import SimpleNamespace

import imageio.v3 as iio
import pytest
import torch

from train.loop import clock, log, trainer
from train.loop.curves import draw_curves, read_series


def spoil_loss(stage, step):
    """From this step on the loss is not a number."""
    loss = stage.loss

    def spoiled(*batch):
        value, logs = loss(*batch)
        return (value * float("nan") if stage.clock.step >= step else value), logs

    stage.loss = spoiled
    return stage


def test_a_loss_that_is_no_number_is_one_line_and_the_checkpoint_before_stays(
    tiny, corpus, tmp_path, monkeypatch
):
    monkeypatch.setattr(trainer, "CHECKPOINT_EVERY", -1.0)  # saves at every step
    stage = spoil_loss(tiny.make_module("tokenizer", corpus), 3)
    with pytest.raises(ValueError, match="not a number at step 4.*--resume") as caught:
        tiny.fit(stage, tmp_path)
    assert "\n" not in str(caught.value)
    kept = tiny.checkpoint(tmp_path)
    assert kept["clock"]["step"] == 3
    assert all(weight.isfinite().all() for weight in kept["state_dict"].values())
    assert not list(tmp_path.glob("*.partial"))


def test_a_loss_that_is_no_number_is_seen_long_before_a_checkpoint_is_due(tiny, corpus, tmp_path):
    stage = spoil_loss(tiny.make_module("tokenizer", corpus, tiny.Clock(total_steps=60)), 3)
    with pytest.raises(ValueError, match="the loss is not a number at step 25"):
        tiny.fit(stage, tmp_path)


@pytest.mark.parametrize("step", [5, 11])  # before a check of held-out episodes, and at the end
def test_nothing_is_exported_of_a_broken_fit(tiny, corpus, tmp_path, step):
    exported = []
    stage = spoil_loss(tiny.make_module("tokenizer", corpus), step)
    with pytest.raises(ValueError, match="not a number"):
        tiny.fit(stage, tmp_path, exported.append)
    assert exported == []


def test_a_slice_ends_with_one_checkpoint_and_one_export(tiny, corpus, tmp_path):
    exported = []
    stage = tiny.interrupt_after(tiny.make_module("tokenizer", corpus), 4)
    assert tiny.fit(stage, tmp_path, lambda s: exported.append(s.clock.step))
    assert exported == [4]
    assert tiny.checkpoint(tmp_path)["clock"]["step"] == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_slice_after_its_step(tiny, corpus, tmp_path, number):
    stage = tiny.make_module("tokenizer", corpus)
    loss, handler = stage.loss, signal.getsignal(number)

    def raised(*batch):
        if stage.clock.step == 3:
            signal.raise_signal(number)
        return loss(*batch)

    stage.loss = raised
    assert tiny.fit(stage, tmp_path)
    assert tiny.checkpoint(tmp_path)["clock"]["step"] == 4
    assert signal.getsignal(number) == handler


def test_nohup_is_respected(tiny, corpus, tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stage = tiny.make_module("tokenizer", corpus)
        loss = stage.loss
        stage.loss = lambda *batch: (signal.raise_signal(signal.SIGHUP), loss(*batch))[1]
        assert not tiny.fit(stage, tmp_path)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert tiny.checkpoint(tmp_path)["clock"]["step"] == tiny.STEPS


def test_a_full_disk_is_an_os_error_and_the_checkpoint_before_stays(tiny, corpus, tmp_path):
    tiny.fit(tiny.interrupt_after(tiny.make_module("tokenizer", corpus), 4), tmp_path)
    before = (tmp_path / "checkpoint.ckpt").read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    assert signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN  # the write fails, not the process
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))
    try:
        with pytest.raises(OSError) as caught:
            tiny.fit(tiny.make_module("tokenizer", corpus), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert (tmp_path / "checkpoint.ckpt").read_bytes() == before
    assert not list(tmp_path.glob("*.partial"))


def test_a_checkpoint_loads_without_running_code(tiny, corpus, tmp_path):
    tiny.fit(tiny.interrupt_after(tiny.make_module("dynamics", corpus), 1), tmp_path)
    saved = torch.load(tmp_path / "checkpoint.ckpt", weights_only=True)
    assert set(saved["clock"]) == {"step", "seconds"}


def test_losses_figures_and_pictures_are_logged(tiny, corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(log, "draw_curves", draw_curves)
    stage = tiny.make_module("tokenizer", corpus, tiny.Clock(total_steps=50))
    tiny.fit(stage, tmp_path)
    with open(tmp_path / "logs" / "loss.csv", newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["25", "50"]
    with open(tmp_path / "logs" / "held-out.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["25", "50"]
    assert {"held_out_psnr", "codes_used_share", "perplexity"} <= set(rows[0])
    picture = iio.imread(tmp_path / "logs" / "step-0000050.png")
    assert picture.shape == (2 * tiny.SIZE, 8 * tiny.SIZE, 3)
    curves = iio.imread(tmp_path / "logs" / "curves.png")
    assert curves.shape == (4 * 400, 2 * 640, 3)  # loss, squared error, six held-out figures


@pytest.mark.parametrize(("fraction", "checks"), [(0.1, 3), (1.0, 19)])
def test_slow_checks_leave_a_fit_its_time(tiny, corpus, tmp_path, monkeypatch, fraction, checks):
    """A step takes a second, a check ten, and twenty checks are asked for in 200 seconds."""
    now = [0.0]
    for module in (clock, log):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(log, "CHECKS_FRACTION", fraction)
    timed = tiny.Clock(total_steps=1, total_seconds=200.0)
    stage = tiny.make_module("tokenizer", corpus, timed, checks=20)
    loss, check = stage.loss, stage.check

    def costs(seconds, does):
        def wrapped(*batch):
            now[0] += seconds
            return does(*batch)

        return wrapped

    stage.loss, stage.check = costs(1.0, loss), costs(10.0, check)
    tiny.fit(stage, tmp_path)
    rows = (tmp_path / "logs" / "held-out.csv").read_text().splitlines()[1:]
    assert len(rows) == checks
    assert int(rows[-1].split(",")[0]) == stage.clock.step  # the last one is never left out


def test_new_columns_get_a_header_of_their_own(tiny, corpus, tmp_path):
    tiny.fit(tiny.make_module("lam", corpus, checks=4), tmp_path)
    lines = (tmp_path / "logs" / "held-out.csv").read_text().splitlines()
    headers = [line for line in lines if line.startswith("step,")]
    assert len(headers) == 2  # continuous figures, then those of codes
    assert "rarest_code_share" in headers[1] and "continuous_psnr" in headers[0]


def test_a_fit_that_falls_back_behind_new_columns_is_logged_on(tiny, corpus, tmp_path):
    """Killed after the first figures of codes, it resumes from before there were codes."""
    tiny.fit(tiny.make_module("lam", corpus, checks=4), tmp_path / "whole")
    (tmp_path / "logs").mkdir()
    lines = (tmp_path / "whole" / "logs" / "held-out.csv").read_text()
    cut = lines[: lines.rindex(",")]  # within the last row, which has no end of line
    (tmp_path / "logs" / "held-out.csv").write_text(cut)
    tiny.fit(tiny.make_module("lam", corpus, checks=4), tmp_path)
    figures = read_series(tmp_path / "logs" / "held-out.csv")
    once = read_series(tmp_path / "whole" / "logs" / "held-out.csv")
    assert figures.keys() == once.keys()
    for name, points in figures.items():
        assert points[-len(once[name]) :].tolist() == once[name].tolist()


def test_dead_codes_are_reported_while_the_fit_runs(tiny, corpus, tmp_path, capsys):
    stage = tiny.make_module("lam", corpus, checks=tiny.STEPS)
    tiny.fit(stage, tmp_path)
    output = capsys.readouterr().out
    reported = [
        int(n) for n in re.findall(r"(\d+) dead codes were replaced by live latents", output)
    ]
    assert stage.model.quantizer.revived > 0
    assert 0 < sum(reported) <= stage.model.quantizer.revived  # each is reported once
    assert "latent actions: " in output  # and their health at the end, with what to try


def test_a_fit_without_dead_codes_reports_none(tiny, corpus, tmp_path, capsys):
    stage = tiny.make_module("lam", corpus, checks=tiny.STEPS)
    stage.model.quantizer._revive = lambda latents, ids: None
    tiny.fit(stage, tmp_path)
    assert "dead codes" not in capsys.readouterr().out


def test_replaced_codes_are_counted_on_after_a_resume(tiny, corpus, tmp_path, capsys):
    counts, reported = [], []
    for name, breaks in (("whole", ()), ("resumed", (10, 11))):
        torch.manual_seed(0)
        for step in (*breaks, None):
            stage = tiny.make_module("lam", corpus, checks=tiny.STEPS)
            if step is not None:
                tiny.interrupt_after(stage, step)
            tiny.fit(stage, tmp_path / name)
        counts.append(read_series(tmp_path / name / "logs" / "held-out.csv")["codes_revived"])
        said = re.findall(r"(\d+) dead codes were replaced", capsys.readouterr().out)
        reported.append([int(count) for count in said])
    assert counts[1].tolist() == counts[0].tolist()
    assert counts[0][-1, 1] > counts[0][0, 1] > 0
    assert reported[1] == reported[0]  # each once, whichever slice it was replaced in
