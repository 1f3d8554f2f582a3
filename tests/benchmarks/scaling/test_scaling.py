"""The law of scaling on losses that are made by one, and the plan of a fit."""

from dataclasses import replace

import numpy as np
import pytest
import yaml
from PIL import Image

from benchmarks.scaling import __main__ as command
from benchmarks.scaling.law import Law, Point, fit_law, relative_error, without_each
from benchmarks.scaling.report import (
    LEAST_STEPS,
    describe,
    draw,
    laws,
    loss_of,
    markdown,
    points_of,
)
from benchmarks.scaling.run import plan
from benchmarks.scaling.sizes import SIZES
from genie.library.bundle import load_bundle
from genie.library.catalog import find_world
from train.recipe import load_recipe

TRUE = Law(floor=0.8, size=0.1, data=0.3, alpha=0.4, beta=0.35, cost=400.0)


def make_points(noise=0.0):
    rng = np.random.default_rng(0)
    points = []
    for weights in (2e5, 6e5, 2e6, 6e6):
        for flops in (2e12, 6e12, 2e13):
            frames = flops / (TRUE.cost * weights)
            loss = float(TRUE.loss(weights, frames)) + noise * rng.normal()
            points.append(Point(weights=weights, frames=frames, flops=flops, loss=loss))
    return points


def test_a_law_is_found_again_from_its_losses():
    found = fit_law(make_points())
    for name, value in vars(TRUE).items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-6), name


def test_the_best_size_costs_what_the_budget_pays_and_no_neighbour_is_better():
    weights, frames, loss = TRUE.best(1e15)
    assert TRUE.cost * weights * frames == pytest.approx(1e15)
    for factor in (0.8, 1.25):
        assert TRUE.loss(weights * factor, frames / factor) > loss
    assert TRUE.best(1e17)[0] > weights and TRUE.best(1e17)[2] < loss


def test_with_noise_the_laws_without_each_point_differ():
    points = make_points(noise=0.003)
    others = without_each(points)
    losses = [law.best(1e15)[2] for law in others]
    assert len(others) == len(points) and max(losses) > min(losses)
    assert min(losses) < TRUE.best(1e15)[2] + 0.1 and max(losses) > TRUE.best(1e15)[2] - 0.1
    assert "1e+15" in describe(fit_law(points), others, points)


def test_a_law_is_fitted_to_what_it_misses_of_each_loss():
    """A point of a large loss that no law explains weighs no more than one of a small loss."""
    points = make_points()
    assert relative_error(TRUE, points) == pytest.approx(0)
    off = [replace(points[0], loss=points[0].loss * 1.2), *points[1:]]
    assert relative_error(TRUE, off) == pytest.approx(0.2 / 1.2 / len(points) ** 0.5)
    assert relative_error(fit_law(off), off) < relative_error(TRUE, off)


def test_fits_in_their_warm_up_make_no_law():
    records = make_records()
    assert len(points_of(records, "dynamics")) == len(records)
    brief = [record | {"steps": LEAST_STEPS - 1} for record in records]
    assert points_of(brief, "dynamics") == [] and len(markdown(brief).splitlines()) > len(brief)


def test_few_points_make_no_law():
    with pytest.raises(ValueError, match="six fits or more"):
        fit_law(make_points()[:5])
    with pytest.raises(ValueError, match="three sizes"):
        fit_law([point for point in make_points() if point.weights > 1e6])


@pytest.mark.parametrize("part", ["dynamics", "tokenizer"])
def test_a_plan_spends_its_budget_on_the_size_that_it_names(tmp_path, part):
    bundle, spent = load_bundle(find_world("miner")), []
    for budget in (2e12, 6e12):
        found = plan(SIZES[part, "s"], budget, bundle, tmp_path / "r.yaml")
        recipe = load_recipe(str(tmp_path / "r.yaml"))
        stage = getattr(recipe, part)
        assert stage.model["dim"] == SIZES[part, "s"].model["dim"]
        assert stage.fit.steps == found["steps"]
        assert found["frames"] == found["steps"] * stage.fit.batch * stage.fit.frames
        assert found["flops"] == pytest.approx(budget, rel=0.1)
        spent.append(found["flops"])
    assert spent[1] == pytest.approx(3 * spent[0], rel=0.1)
    with pytest.raises(ValueError, match="give more"):
        plan(SIZES[part, "s"], 1e9, bundle, tmp_path / "r.yaml")


def test_larger_sizes_have_more_weights_and_cost_more(tmp_path):
    bundle = load_bundle(find_world("miner"))
    for part in ("dynamics", "tokenizer"):
        sizes = [size for size in SIZES.values() if size.part == part]
        plans = [plan(size, 1e14, bundle, tmp_path / "r.yaml") for size in sizes]
        weights = [found["weights"] for found in plans]
        costs = [found["flops"] / found["frames"] for found in plans]
        assert weights == sorted(weights) and costs == sorted(costs)
        assert len(set(weights)) == len(weights) >= 3


def make_records():
    errors = {name: [1000, 1100, 900, 1050] for name in ("ceiling", "inferred", "random", "frozen")}
    return [
        {
            "part": "dynamics", "size": f"{point.weights:.0e}", "budget": point.flops, "seed": 0,
            "weights": point.weights, "frames": round(point.frames), "flops": point.flops,
            "steps": 100, "held_out": point.loss, "errors": errors,
        }
        for point in make_points()
    ]  # fmt: skip


def test_the_table_and_the_picture_hold_every_fit(tmp_path):
    records = make_records()
    of_frames = {"ceiling": [1000, 900], "frozen": [2000, 1900]}
    records += [{**records[0], "part": "tokenizer", "held_out": 28.0, "errors": of_frames}]
    assert len(markdown(records).splitlines()) == 2 + len(records)
    draw(records, tmp_path / "law.png")
    assert np.asarray(Image.open(tmp_path / "law.png")).std() > 5
    with pytest.raises(ValueError, match="six fits"):
        draw(records[:4], tmp_path / "none.png")
    assert loss_of({"part": "tokenizer", "held_out": 30.0}) == pytest.approx(1e-3)


def test_a_fit_that_the_file_has_is_not_made_again(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(command, "run_size", lambda size, *_: made.append(size.name) or {})
    arguments = ["run", "--data", str(tmp_path), "--out", str(tmp_path / "f.jsonl")]
    arguments += ["--parts", "tokenizer", "--budgets", "2e12"]
    assert command.main(arguments) == 0 and made == ["xs", "s", "m", "l"]
    assert command.main(arguments) == 0 and made == ["xs", "s", "m", "l"]


def test_a_recipe_is_kept_beside_its_run(tmp_path):
    bundle = load_bundle(find_world("miner"))
    plan(SIZES["dynamics", "xs"], 2e12, bundle, tmp_path / "deep" / "r.yaml")
    record = yaml.safe_load((tmp_path / "deep" / "r.yaml").read_text())
    assert record["dynamics"]["model"]["layers"] == 3 and "map" not in record["dynamics"]["method"]


def test_six_fits_make_a_law_without_a_range(tmp_path):
    records = make_records()
    six = records[:2] + records[3:5] + records[6:8]
    ((part, (law, others)),) = laws(six).items()
    assert part == "dynamics" and law == fit_law(points_of(six, part)) and others == []
    said = describe(law, others, points_of(six, part))
    assert "no range: without one of these fits" in said and " to " not in said.split("--- |")[-1]
    draw(six, tmp_path / "law.png")
    whole = laws(records)["dynamics"]
    assert len(whole[1]) == len(records) and "no range" not in describe(*whole, make_points())
