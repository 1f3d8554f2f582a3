from types import SimpleNamespace

import pytest
import torch

from train.loop import forecast as forecast_module
from train.loop.clock import Clock
from train.loop.forecast import Forecast, forecast, too_few_steps
from train.run_directory import RunDirectory

LOSS = torch.zeros(())


@pytest.fixture
def watch(monkeypatch):
    """A clock that a test moves by hand."""
    now = [100.0]
    monkeypatch.setattr(forecast_module.time, "monotonic", lambda: now[0])
    return now


def lines(watch, clock, seconds, steps=30):
    """What is said after each step that takes so many seconds."""
    told, found = Forecast("lam"), {}
    for _ in range(steps):
        watch[0] += seconds
        clock.step += 1
        if line := told.line(clock, LOSS):
            found[clock.step] = line
    return found


def test_the_steps_of_a_timed_fit_are_told_once_after_a_few(watch):
    found = lines(watch, Clock(total_steps=20_000, total_seconds=360), 0.4)
    line = "lam: 6 minutes, about 910 steps here; the recipe's schedule is 20,000"
    assert found == {11: line}


def test_slow_steps_are_not_waited_for(watch):
    found = lines(watch, Clock(total_steps=6_000, total_seconds=120), 6.7)
    assert list(found) == [3] and "about 21 steps" in found[3]


def test_a_fit_in_steps_is_told_in_minutes():
    line = forecast("dynamics", Clock(total_steps=6_000, step=0), 1.5)
    assert line == "dynamics: 6,000 steps, about 150 minutes here"


@pytest.mark.parametrize(
    ("step", "total", "seconds", "minutes"),
    [(18, 6_000, 120.0, 167), (299, 6_000, 420.0, 36), (300, 6_000, 420.0, None), (0, 10, 1, None)],
)
def test_few_steps_are_too_few_to_judge(step, total, seconds, minutes):
    line = too_few_steps(step, total, seconds)
    if minutes is None:
        assert line is None
    else:
        assert line.startswith(f"after {step} of {total:,} steps: too few to judge; train longer")
        assert f"--minutes {minutes} " in line


def test_the_last_whole_row_of_a_log_tells_the_steps(tmp_path):
    log = tmp_path / "logs" / "lam" / "held-out.csv"
    log.parent.mkdir(parents=True)
    fit = SimpleNamespace(fit=SimpleNamespace(steps=6_000))
    run = SimpleNamespace(out=tmp_path, recipe=SimpleNamespace(lam=fit))
    for text in ("", "step,seconds,loss\n", "step,seconds,loss\n18,12"):
        log.write_text(text)
        assert RunDirectory.too_few_steps(run, "lam") is None
    log.write_text("step,seconds,loss\n18,120.0,0.5\n6000,40000")
    assert RunDirectory.too_few_steps(run, "lam") == too_few_steps(18, 6_000, 120.0)
