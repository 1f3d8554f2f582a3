"""The speed of a fit: operations that are counted, and rates."""

import csv
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from train.loop import clock, log, throughput, trainer
from train.loop.throughput import Throughput, counted_flops, products_per_second

CPU = torch.device("cpu")


def count(work):
    found = []
    with counted_flops(found.append):
        work()
    return found[0]


def test_a_product_and_its_two_gradients_are_three_products():
    layer, inputs = nn.Linear(16, 8, bias=False), torch.rand(4, 16, requires_grad=True)
    assert count(lambda: layer(inputs).sum().backward()) == 3 * 2 * 4 * 16 * 8


def test_a_convolution_counts_each_place_of_its_kernel():
    layer, frames = nn.Conv2d(3, 5, 3, padding=1), torch.rand(2, 3, 8, 8)
    with torch.no_grad():
        assert count(lambda: layer(frames)) == 2 * 2 * 8 * 8 * 5 * 3 * 9


def test_attention_counts_as_its_products_forwards_and_backwards():
    heads = [torch.rand(2, 4, 32, 16, requires_grad=True) for _ in range(3)]
    product = 2 * (2 * 4) * 32 * 32 * 16
    with torch.no_grad():
        assert count(lambda: F.scaled_dot_product_attention(*heads)) == 2 * product
    found = count(lambda: F.scaled_dot_product_attention(*heads).sum().backward())
    assert found == 7 * product


def test_only_the_first_step_is_counted():
    speed, layer = Throughput(6, CPU, "32-true"), nn.Linear(16, 8, bias=False)
    for rows in (4, 400):
        with speed.step():
            layer(torch.rand(rows, 16)).sum().backward()
    assert speed.flops == 2 * 2 * 4 * 16 * 8  # no gradient of the inputs


def test_steps_of_another_size_are_counted_anew_and_the_summary_is_of_all(monkeypatch):
    monkeypatch.setattr(throughput, "products_per_second", lambda *_: 1e6)
    speed, layer, rows = Throughput(1, CPU, "32-true"), nn.Linear(16, 8, bias=False), []
    for part, size in (("small", 4), ("large", 40)):
        for _ in range(2):
            with speed.step(part):
                layer(torch.rand(size, 16)).sum().backward()
        rows.append(speed.add(2, 1.0))
    assert rows[0]["teraflops"] == pytest.approx(2 * (2 * 2 * 4 * 16 * 8) / 1e12)
    assert rows[1]["teraflops"] == pytest.approx(10 * rows[0]["teraflops"])
    done = sum(row["teraflops"] for row in rows) / 2
    assert f"{1000 * done:.3g} GFLOP/s" in speed.summary()


@pytest.mark.parametrize("kind", ["tokenizer", "lam", "dynamics"])
def test_counting_changes_no_gradient(tiny, corpus, kind):
    gradients = []
    for counts in (False, True):
        torch.manual_seed(0)
        module = tiny.make_module(kind, corpus)
        with Throughput(1, CPU, "32-true", counts=counts).step():
            module.loss(*module.draw(0))[0].backward()
        gradients.append([w.grad for w in module.parameters() if w.grad is not None])
    assert gradients[0] and all(map(torch.equal, *gradients))


def test_rates_are_of_all_processes_and_the_share_is_of_one(monkeypatch):
    monkeypatch.setattr(throughput, "products_per_second", lambda *_: 1e9)
    speed = Throughput(96, CPU, "32-true", processes=2)
    speed.flops = 10**8
    row = speed.add(25, 5.0)
    assert row["frames_per_second"] == pytest.approx(2 * 96 * 5)
    assert row["teraflops"] == pytest.approx(2 * 5e8 / 1e12)
    assert row["of_products"] == pytest.approx(0.5)
    speed.add(25, 15.0)
    assert "480 frames/s" in speed.summary() and "25% of this machine" in speed.summary()


def test_a_sharded_fit_says_its_frames_alone():
    speed = Throughput(10, CPU, "32-true", counts=False)
    with speed.step():
        torch.rand(4, 4) @ torch.rand(4, 4)
    assert set(speed.add(1, 1.0)) == {"frames_per_second"}
    assert speed.summary() == "10 frames/s"


def test_nothing_is_said_of_a_slice_that_was_not_timed():
    speed = Throughput(10, CPU, "32-true")
    assert speed.add(0, 0.0) == {} and speed.summary() is None


def test_products_take_time():
    assert 1e8 < products_per_second(CPU, torch.float32) < 1e14


def test_a_fit_logs_its_speed(tiny, corpus, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(log, "LOSS_EVERY", 2)
    tiny.fit(tiny.make_module("tokenizer", corpus), tmp_path)
    with open(tmp_path / "logs" / "speed.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 2 and all(float(row["frames_per_second"]) > 0 for row in rows)
    assert all(0 < float(row["of_products"]) < 2 for row in rows)
    assert "of this machine's matrix products" in " ".join(capsys.readouterr().out.split())


def test_an_action_model_is_counted_anew_once_there_are_codes(tiny, corpus, tmp_path, monkeypatch):
    counted = []

    def take(speed, flops):
        speed.flops = flops
        counted.append(flops)

    monkeypatch.setattr(Throughput, "_take", take)
    stage = tiny.make_module("lam", corpus)
    switch = round(stage.method.quantize_at * tiny.STEPS)
    tiny.fit(tiny.interrupt_after(stage, switch + 2), tmp_path)
    assert len(counted) == 2
    assert 0 < counted[1] < counted[0]  # nothing goes back through the encoder
    tiny.fit(tiny.make_module("lam", corpus), tmp_path)  # goes on with codes
    assert counted[2:] == [counted[1]]


def test_whether_there_are_codes_is_asked_once_in_a_slice(tiny, corpus):
    """A GPU has to wait each time that it is."""
    stage, asked = tiny.make_module("lam", corpus), []

    class Flag:
        def __bool__(self):
            asked.append(stage.clock.step)
            return False

    del stage.model.quantized
    stage.model.quantized = Flag()
    for step in range(3):
        stage.clock.step = step
        stage.before_step()
        assert stage.part is False
    assert asked == [0]


@pytest.mark.parametrize("other", ["nothing", "check", "save", "uncounted", "products"])
def test_the_speed_is_that_of_steps_alone(tiny, corpus, tmp_path, monkeypatch, other):
    """A step takes a second, and something else a thousand."""
    now = [0.0]
    for module in (clock, log):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(log, "LOSS_EVERY", 2)
    monkeypatch.setattr(trainer, "CHECKPOINT_EVERY", 2.5)
    stage = tiny.make_module("tokenizer", corpus, checks=6)

    def costs(seconds, does):
        def wrapped(*arguments):
            now[0] += seconds
            return does(*arguments)

        return wrapped

    def read_for_long():
        with stage.clock.uncounted():
            now[0] += 1000.0

    stage.loss = costs(1.0, stage.loss)
    if other == "check":
        stage.check = costs(1000.0, stage.check)
    elif other == "save":
        saves = costs(1000.0, trainer.save_checkpoint)
        monkeypatch.setattr(trainer, "save_checkpoint", saves)
    elif other == "uncounted":
        stage.before_step = read_for_long
    times = costs(1000.0 if other == "products" else 0.0, lambda *_: 1e9)
    monkeypatch.setattr(throughput, "products_per_second", times)
    tiny.fit(stage, tmp_path)
    assert (now[0] > 900.0) == (other != "nothing")
    with open(tmp_path / "logs" / "speed.csv", newline="") as file:
        speeds = [float(row["frames_per_second"]) for row in csv.DictReader(file)]
    frames = stage.fit_config.batch * stage.fit_config.frames
    assert speeds == pytest.approx([frames] * 5)  # a row every second step, the first one aside
