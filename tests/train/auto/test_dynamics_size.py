"""How large a dynamics the minutes of its fit pay for."""

import json
import shutil

import pytest
import torch

from train.auto import dynamics_size
from train.auto.dynamics_size import ENOUGH_STEPS, RECORD, seconds_of_step
from train.pipeline import train
from train.recipe import load_recipe

MINUTES = 0.002


def weights_of(module):
    return sum(weight.numel() for weight in module.model.parameters())


@pytest.fixture
def begun(tiny, finished, tmp_path):
    """A run before its dynamics, and its recipe with two smaller sizes."""
    out, model = tmp_path / "run", {"dim": 16, "heads": 2, "layers": 1, "band": 2}
    shutil.copytree(finished.out, out, ignore=shutil.ignore_patterns("dynamics", "world"))
    smaller = [{"dim": 8}, {"dim": 4, "heads": 1}]
    recipe = tmp_path / "tiny.yaml"
    return out, tiny.write_recipe(recipe, dynamics__model=model, dynamics__smaller=smaller)


def fit(finished, begun, **options):
    """Fit its dynamics; return the recorded size, and that of what was fitted."""
    out, recipe = begun
    options = {"seed": 5, "allow_collapsed": True, "minutes": MINUTES} | options
    train("dynamics", finished.corpus.path, recipe, out, **options)
    record = json.loads((out / "run.json").read_text())
    return record.get(RECORD), json.loads((out / "dynamics" / "config.json").read_text())


@pytest.mark.parametrize("steps", [(1.0,), (0.9, 1.0), (0.1, 0.5, 1.0), (0.1, 0.5, 0.9)])
def test_the_largest_size_is_taken_that_gets_enough_steps(
    finished, begun, monkeypatch, capsys, steps
):
    recipe, left, seen = load_recipe(begun[1]).dynamics, list(steps), []
    sizes = [recipe.model, *(recipe.model | smaller for smaller in recipe.smaller)]

    def seconds(module):
        seen.append(weights_of(module))
        return MINUTES * 60 / (left.pop(0) * ENOUGH_STEPS)

    monkeypatch.setattr(dynamics_size, "seconds_of_step", seconds)
    recorded, config = fit(finished, begun)
    assert recorded == sizes[len(steps) - 1]
    assert config.items() >= recorded.items()
    assert not left and sorted(seen, reverse=True) == seen
    said = capsys.readouterr().out
    assert said.count(": too few") == sum(share < 1 for share in steps)
    assert ("the smallest one is taken" in said) == (max(steps) < 1)


def test_a_run_keeps_its_size_and_one_that_counts_steps_has_the_recipes(
    finished, begun, monkeypatch
):
    monkeypatch.setattr(dynamics_size, "seconds_of_step", lambda module: 1e9)
    smallest, config = fit(finished, begun)
    assert smallest["dim"] == 4 == config["dim"]
    monkeypatch.setattr(dynamics_size, "seconds_of_step", lambda module: 1e-9)
    assert fit(finished, begun, minutes=2 * MINUTES, resume=True) == (smallest, config)
    shutil.rmtree(begun[0] / "dynamics")
    (begun[0] / "run.json").write_bytes((finished.out / "run.json").read_bytes())
    recorded, config = fit(finished, begun, minutes=None)
    assert recorded is None and config.items() >= load_recipe(begun[1]).dynamics.model.items()


def test_timing_a_step_learns_nothing_and_takes_some_time(tiny, corpus):
    module = tiny.make_module("dynamics", corpus)
    before = {name: weight.clone() for name, weight in module.state_dict().items()}
    assert seconds_of_step(module) > 0
    after = module.state_dict()
    assert all(torch.equal(weight, after[name]) for name, weight in before.items())
    assert all(weight.grad is None for weight in module.parameters())


def test_only_the_dynamics_has_smaller_sizes_and_they_are_checked_at_once(tiny, finished, tmp_path):
    for stage in ("tokenizer", "lam"):
        recipe = tiny.write_recipe(tmp_path / "one.yaml", **{f"{stage}__smaller": [{"dim": 8}]})
        with pytest.raises(ValueError, match="another model than the dynamics"):
            train("all", finished.corpus.path, recipe, tmp_path / "out")
    recipe = tiny.write_recipe(tmp_path / "two.yaml", dynamics__smaller=[{"dim": 8}, {"dims": 4}])
    with pytest.raises(ValueError, match="dims"):
        train("all", finished.corpus.path, recipe, tmp_path / "out")
    assert not (tmp_path / "out").exists()
