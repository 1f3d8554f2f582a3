"""A fit that is interrupted and resumed is the fit that was not, bit for bit."""

import csv
import math
from dataclasses import replace

import pytest
import torch

from lam.losses import LatentActionMethod
from spacetime.quantize import VectorQuantizer
from train.loop import trainer
from train.loop.clock import Clock
from train.loop.optim import MuonAdamW, lr_factor

PARTS = ("state_dict", "optimizer_states")
SWITCH = math.ceil(LatentActionMethod.quantize_at * 12)  # the step before which codes are made


@pytest.fixture(scope="module")
def whole(tiny, corpus, tmp_path_factory):
    """The checkpoint of an uninterrupted fit of each kind."""
    known = {}

    def fit_once(kind):
        if kind not in known:
            folder = tmp_path_factory.mktemp(kind)
            torch.manual_seed(0)
            assert not tiny.fit(tiny.make_module(kind, corpus), folder)
            known[kind] = tiny.checkpoint(folder)
        return known[kind]

    return fit_once


def fit_with_breaks(tiny, corpus, kind, folder, breaks):
    """Press Ctrl-C after each of the steps in `breaks`; every slice starts from other weights."""
    for number, step in enumerate((*breaks, None)):
        torch.manual_seed(number)
        stage = tiny.make_module(kind, corpus)
        if step is not None:
            tiny.interrupt_after(stage, step)
        assert tiny.fit(stage, folder) == (step is not None)
    return tiny.checkpoint(folder)


@pytest.mark.parametrize(
    ("kind", "breaks"),
    [
        ("tokenizer", (5,)),
        ("tokenizer", (1, 11)),
        ("lam", (SWITCH - 1,)),
        ("lam", (SWITCH,)),
        ("lam", (SWITCH + 1, SWITCH + 2)),
        ("dynamics", (3, 8)),
    ],
)
def test_resumed_equals_uninterrupted_bit_for_bit(tiny, corpus, whole, tmp_path, kind, breaks):
    resumed = fit_with_breaks(tiny, corpus, kind, tmp_path, breaks)
    assert resumed["clock"]["step"] == whole(kind)["clock"]["step"] == tiny.STEPS
    found = [d for part in PARTS for d in tiny.differences(whole(kind)[part], resumed[part], part)]
    assert found == []


def test_what_is_compared_holds_weights_averages_and_both_optimizers(whole):
    names = whole("tokenizer")["state_dict"]
    assert any(name.startswith("model.") for name in names)
    assert any(name.startswith("average.") for name in names)
    muon, adam = whole("tokenizer")["optimizer_states"][0]["parts"]
    assert any("momentum_buffer" in state for state in muon["state"].values())
    assert any("exp_avg_sq" in state for state in adam["state"].values())


def test_slices_that_end_by_time_equal_one_long_slice(tiny, corpus, whole, tmp_path):
    for number in range(tiny.STEPS):
        torch.manual_seed(number)
        clock = Clock(total_steps=tiny.STEPS, slice_seconds=0.0)  # over after one step
        stage = tiny.make_module("dynamics", corpus, clock)
        assert not tiny.fit(stage, tmp_path)
        assert stage.clock.step == number + 1
    found = tiny.checkpoint(tmp_path)
    for part in PARTS:
        assert tiny.differences(whole("dynamics")[part], found[part], part) == []


def count_revivals(monkeypatch, quantizer_class):
    """Steps at which a dead code was replaced."""
    revivals, revive = [], quantizer_class._revive

    def counted(self, latents, ids):
        before = self.codes.clone()
        revive(self, latents, ids)
        revivals.append(not torch.equal(before, self.codes))

    monkeypatch.setattr(quantizer_class, "_revive", counted)
    return revivals


def test_dead_codes_are_replaced_on_both_sides_of_an_interruption(
    tiny, corpus, whole, tmp_path, monkeypatch
):
    revivals = count_revivals(monkeypatch, VectorQuantizer)
    resumed = fit_with_breaks(tiny, corpus, "lam", tmp_path, (SWITCH + 2,))
    assert len(revivals) == tiny.STEPS - SWITCH
    assert any(revivals[:2]) and any(revivals[2:])
    for part in PARTS:
        assert tiny.differences(whole("lam")[part], resumed[part], part) == []


def test_draws_that_are_not_seeded_each_step_would_be_seen(
    tiny, corpus, whole, tmp_path, monkeypatch
):
    def unseeded(module, optimizer):
        optimizer.scale_lr(lr_factor(module.clock.progress, module.fit_config))
        module.before_step()

    monkeypatch.setattr(trainer, "_prepare", unseeded)
    resumed = fit_with_breaks(tiny, corpus, "lam", tmp_path, (SWITCH + 1,))
    assert tiny.differences(whole("lam")["state_dict"], resumed["state_dict"])


@pytest.fixture
def watch(monkeypatch):
    """Write down step, learning rate and batch of every step."""
    made = []

    def kept(*arguments):
        made.append(MuonAdamW(*arguments))
        return made[-1]

    monkeypatch.setattr(trainer, "MuonAdamW", kept)

    def start(stage, seen):
        loss = stage.loss

        def spied(*batch):
            groups = made[-1].param_groups
            seen.append((stage.clock.step, [g["lr"] for g in groups], batch[0].clone()))
            return loss(*batch)

        stage.loss = spied
        return stage

    return start


@pytest.mark.parametrize("kind", ["tokenizer", "dynamics"])
def test_step_counter_schedule_and_data_order_go_on(tiny, corpus, tmp_path, watch, kind):
    once, sliced = [], []
    tiny.fit(watch(tiny.make_module(kind, corpus), once), tmp_path / "once")
    first = tiny.interrupt_after(tiny.make_module(kind, corpus), 7)
    assert tiny.fit(watch(first, sliced), tmp_path / "sliced")
    tiny.fit(watch(tiny.make_module(kind, corpus), sliced), tmp_path / "sliced")
    assert [step for step, _, _ in sliced] == list(range(tiny.STEPS))
    assert [rate for _, rate, _ in sliced] == [rate for _, rate, _ in once]
    assert all(torch.equal(a[2], b[2]) for a, b in zip(once, sliced, strict=True))
    assert not torch.equal(once[0][2], once[7][2])  # a restarted stream would differ


def test_a_finished_fit_is_exported_again_and_not_fitted_further(tiny, corpus, tmp_path):
    exported = []
    tiny.fit(tiny.make_module("tokenizer", corpus), tmp_path, lambda s: exported.append(s))
    before = tiny.checkpoint(tmp_path)
    again = tiny.make_module("tokenizer", corpus)
    tiny.fit(again, tmp_path, lambda s: exported.append(s))
    assert tiny.differences(before, tiny.checkpoint(tmp_path)) == []
    first, second = (stage.average.state_dict() for stage in exported)
    assert tiny.differences(first, second) == []


def test_the_averaged_copy_stays_in_evaluation_mode(tiny, corpus, tmp_path):
    stage = tiny.make_module("lam", corpus)
    tiny.fit(stage, tmp_path)
    assert stage.model.training
    assert not any(part.training for part in stage.average.modules())


def test_a_fit_that_ends_before_the_point_where_codes_are_made_has_codes(tiny, corpus, tmp_path):
    stage = tiny.make_module("lam", corpus, Clock(total_steps=1))
    tiny.fit(stage, tmp_path)
    assert stage.clock.finished and stage.clock.step == 1
    frames = torch.rand(1, 5, 3, 16, 16)
    assert stage.average.infer(frames).shape == (1, 4)
    assert tiny.checkpoint(tmp_path)["state_dict"]["average.quantized"]


def test_a_longer_fit_goes_on_from_a_finished_one(tiny, corpus, tmp_path):
    tiny.fit(tiny.make_module("tokenizer", corpus), tmp_path)
    stage = tiny.make_module("tokenizer", corpus, Clock(total_steps=tiny.STEPS + 2))
    tiny.fit(stage, tmp_path)
    assert stage.clock.step == tiny.STEPS + 2


def test_a_checkpoint_of_other_sizes_is_one_clear_line(tiny, corpus, tmp_path):
    tiny.fit(tiny.interrupt_after(tiny.make_module("tokenizer", corpus), 1), tmp_path)
    other = tiny.make_module("lam", corpus)
    with pytest.raises(ValueError, match="other sizes") as caught:
        tiny.fit(other, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_finished_fit_is_not_written_as_a_model_that_it_is_not(tiny, corpus, tmp_path):
    tiny.fit(tiny.make_module("tokenizer", corpus), tmp_path)
    other = tiny.make_module("tokenizer", corpus)
    other.model.config = replace(other.model.config, local=True)  # of the same sizes
    with pytest.raises(ValueError, match="whose local is False, not True: resume with the recipe"):
        tiny.fit(other, tmp_path, export=lambda module: pytest.fail("it was written"))


def test_lower_rates_in_the_recipe_count_after_a_resume(tiny, corpus, tmp_path, watch):
    tiny.fit(tiny.interrupt_after(tiny.make_module("tokenizer", corpus), 6), tmp_path)
    seen = []
    stage = tiny.make_module("tokenizer", corpus, lr=1e-5, matrix_lr=1e-4)
    tiny.fit(watch(stage, seen), tmp_path)
    assert seen[0][1] == pytest.approx([1e-4, 1e-5])  # step 6 of 12 is in the stable part


def test_held_out_checks_are_not_repeated_by_a_resume(tiny, corpus, tmp_path):
    tiny.fit(tiny.interrupt_after(tiny.make_module("tokenizer", corpus), 8), tmp_path)
    tiny.fit(tiny.make_module("tokenizer", corpus), tmp_path)
    with open(tmp_path / "logs" / "held-out.csv", newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["6", "12"]
