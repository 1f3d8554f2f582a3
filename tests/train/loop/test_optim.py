"""The combined optimizer, the schedule and the averaged weights."""

import copy

import pytest
import torch
from torch import nn

from train.loop.optim import Muon, MuonAdamW, lr_factor, orthogonalize, update_ema


def take_steps(model, optimizer, count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        for weight in model.parameters():
            weight.grad = torch.randn(weight.shape, generator=generator)
        optimizer.step()


def names_of(model, part):
    chosen = {id(weight) for group in part.param_groups for weight in group["params"]}
    return {name for name, weight in model.named_parameters() if id(weight) in chosen}


@pytest.mark.parametrize("make", ["make_tokenizer", "make_dynamics"])
def test_matrices_of_blocks_go_to_muon_and_the_rest_to_adamw(tiny, make):
    model = getattr(tiny, make)()
    muon, adam = MuonAdamW(model, tiny.fit_config()).parts
    assert isinstance(muon, torch.optim.Muon) and isinstance(adam, torch.optim.AdamW)
    expected = {n for n, p in model.named_parameters() if "blocks." in n and p.ndim == 2}
    assert expected and names_of(model, muon) == expected
    assert names_of(model, adam) == {n for n, _ in model.named_parameters()} - expected


def test_embeddings_and_the_head_never_meet_muon(tiny):
    model = tiny.make_dynamics()
    muon, _ = MuonAdamW(model, tiny.fit_config()).parts
    for name in ("tokens.weight", "actions.weight", "head.weight", "places"):
        assert name not in names_of(model, muon)


def test_a_model_without_blocks_has_adamw_only(tiny):
    (part,) = MuonAdamW(tiny.make_lam(), tiny.fit_config()).parts
    assert isinstance(part, torch.optim.AdamW)


def test_each_part_has_its_own_rate_and_both_are_scaled(tiny):
    optimizer = MuonAdamW(tiny.make_dynamics(), tiny.fit_config(lr=0.002, matrix_lr=0.01))
    assert [group["lr"] for group in optimizer.param_groups] == [0.01, 0.002]
    optimizer.scale_lr(0.5)
    optimizer.scale_lr(0.5)  # of the full rate, not of the last one
    assert [group["lr"] for group in optimizer.param_groups] == [0.005, 0.001]


def test_weights_that_are_apart_have_a_rate_of_their_own(tiny):
    model = tiny.make_tokenizer()
    optimizer = MuonAdamW(model, tiny.fit_config(), model.ENCODER)
    before = copy.deepcopy(model.state_dict())
    optimizer.scale_lr(1.0, apart=0.0)
    take_steps(model, optimizer, 1)
    moved = {name.removeprefix(".") for name in tiny.differences(before, model.state_dict())}
    assert moved == {name for name in before if not name.startswith(model.ENCODER)}
    optimizer.scale_lr(0.5, apart=0.1)
    full = {(group["full_lr"], group["apart"]): group["lr"] for group in optimizer.param_groups}
    assert len(full) == 4
    assert all(lr == rate * (0.05 if apart else 0.5) for (rate, apart), lr in full.items())
    state = copy.deepcopy(optimizer.state_dict())
    other = MuonAdamW(model, tiny.fit_config(), model.ENCODER)
    other.load_state_dict(state)
    other.scale_lr(1.0, apart=0.0)
    assert sorted(group["lr"] == 0 for group in other.param_groups) == [False, False, True, True]


def test_a_rate_of_zero_moves_nothing(tiny):
    model = tiny.make_dynamics()
    before = copy.deepcopy(model.state_dict())
    optimizer = MuonAdamW(model, tiny.fit_config())
    optimizer.scale_lr(0.0)
    take_steps(model, optimizer, 1)
    assert tiny.differences(before, model.state_dict()) == []
    optimizer.scale_lr(1.0)
    take_steps(model, optimizer, 1)
    assert len(tiny.differences(before, model.state_dict())) == len(before)


@pytest.mark.parametrize("through_disk", [False, True])
def test_its_state_comes_back_so_that_the_next_steps_are_the_same(tiny, tmp_path, through_disk):
    model = tiny.make_dynamics()
    optimizer = MuonAdamW(model, tiny.fit_config())
    take_steps(model, optimizer, 3)
    state, twin = copy.deepcopy(optimizer.state_dict()), copy.deepcopy(model)
    if through_disk:
        torch.save(state, tmp_path / "s.pt")
        state = torch.load(tmp_path / "s.pt", weights_only=True)
    other = MuonAdamW(twin, tiny.fit_config())
    other.load_state_dict(state)
    take_steps(model, optimizer, 2, seed=1)
    take_steps(twin, other, 2, seed=1)
    assert tiny.differences(model.state_dict(), twin.state_dict()) == []
    assert tiny.differences(optimizer.state_dict(), other.state_dict()) == []


def test_after_its_state_came_back_rates_are_still_scaled(tiny):
    optimizer = MuonAdamW(tiny.make_dynamics(), tiny.fit_config(lr=0.002, matrix_lr=0.01))
    optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    optimizer.scale_lr(0.1)
    rates = [group["lr"] for part in optimizer.parts for group in part.param_groups]
    assert rates == pytest.approx([0.001, 0.0002])


def test_the_rate_warms_up_stays_and_decays(tiny):
    fit = tiny.fit_config(warmup=0.1, decay=0.4)
    shares = {0.0: 0.0, 0.05: 0.5, 0.1: 1.0, 0.35: 1.0, 0.6: 1.0, 0.8: 0.5, 0.9: 0.25, 1.0: 0.0}
    for progress, share in shares.items():
        assert lr_factor(progress, fit) == pytest.approx(share), progress


def test_the_rate_is_a_pure_function_of_progress(tiny):
    fit = tiny.fit_config()
    points = [i / 50 for i in range(51)]
    forward = [lr_factor(point, fit) for point in points]
    backward = [lr_factor(point, fit) for point in reversed(points)]
    assert forward == backward[::-1]
    assert min(forward) == 0.0 and max(forward) == 1.0


def test_without_warm_up_and_decay_the_rate_is_full_all_along(tiny):
    fit = tiny.fit_config(warmup=0.0, decay=0.0)
    assert [lr_factor(point, fit) for point in (0.0, 0.5, 1.0)] == [1.0, 1.0, 1.0]


def make_counted(value):
    model = nn.Linear(2, 1, bias=False)
    model.register_buffer("count", torch.tensor(value))
    nn.init.constant_(model.weight, value)
    return model


def test_averaged_weights_move_by_the_decay_once_warm():
    average, model = make_counted(0.0), make_counted(1.0)
    update_ema(average, model, 0.9, step=10_000)
    assert average.weight.tolist()[0] == pytest.approx([0.1, 0.1])
    update_ema(average, model, 0.9, step=10_001)
    assert average.weight.tolist()[0] == pytest.approx([0.19, 0.19])
    assert model.weight.tolist()[0] == [1.0, 1.0]


def test_averaged_weights_forget_their_start_faster_at_first():
    average, model = make_counted(0.0), make_counted(1.0)
    update_ema(average, model, 0.999, step=1)
    assert average.weight[0, 0].item() == pytest.approx(1 - 2 / 11)


def test_buffers_are_copied_and_not_averaged():
    average, model = make_counted(0.0), make_counted(1.0)
    update_ema(average, model, 0.9, step=10_000)
    assert average.count.item() == 1.0


def test_muon_takes_the_steps_of_pytorchs_own():
    generator = torch.Generator().manual_seed(0)
    shapes = [(8, 8), (32, 8), (8, 32), (8, 8), (24, 8)]
    start = [torch.randn(shape, generator=generator) for shape in shapes]
    ours, theirs = ([nn.Parameter(weight.clone()) for weight in start] for _ in range(2))
    rates = {"lr": 0.02, "weight_decay": 0.1}
    pair = Muon(ours, **rates), torch.optim.Muon(theirs, **rates)
    for _ in range(3):
        for one, other in zip(ours, theirs, strict=True):
            one.grad = torch.randn(one.shape, generator=generator)
            other.grad = one.grad.clone()
        for optimizer in pair:
            optimizer.step()
    for one, other, weight in zip(ours, theirs, start, strict=True):
        moved = (one - weight).norm()
        assert (one - other).norm() < 0.03 * moved  # theirs computes in bfloat16


@pytest.mark.parametrize("shape", [(16, 16), (48, 16), (16, 64)])
def test_orthogonalized_matrices_have_singular_values_near_one(shape):
    matrices = torch.randn(3, *shape, generator=torch.Generator().manual_seed(1))
    values = torch.linalg.svdvals(orthogonalize(matrices))
    assert values.min() > 0.3 and values.max() < 1.3
    left, right = torch.linalg.svd(matrices, full_matrices=False)[::2]
    cosine = (orthogonalize(matrices) * (left @ right)).sum((1, 2)) / (
        orthogonalize(matrices).norm(dim=(1, 2)) * (left @ right).norm(dim=(1, 2))
    )
    assert cosine.min() > 0.95
