"""Which stages each way fits, and what the tables and curves say."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.going_on import __main__ as command
from benchmarks.going_on import ways
from benchmarks.going_on.measure import measure_actions, measure_tokenizer
from benchmarks.going_on.report import differences, draw_curves, errors_of, markdown
from benchmarks.going_on.ways import WAYS, Steps, fit_until, write_recipe
from train.recipe import load_recipe

STEPS = Steps(tokenizer=3, lam=4, dynamics=5)


@pytest.fixture
def fitted(monkeypatch):
    """Stages in the order of their fits: (stage, from, decoder only, fresh)."""
    calls = []

    def train(stage, start=None, decoder_only=False, fresh=False, **_):
        calls.append((stage, start, decoder_only, fresh))

    monkeypatch.setattr(ways, "train", train)
    return calls


@pytest.mark.parametrize(
    ("way", "stages"),
    [
        ("nothing", [("tokenizer", None, False), ("lam", None, False)]),
        ("kept", []),
        ("decoder", [("tokenizer", "w", True)]),
        ("tokenizer", [("tokenizer", "w", False)]),
        ("all", [("tokenizer", "w", False), ("lam", None, False)]),
        ("dynamics", [("tokenizer", "w", False)]),
    ],
)
def test_a_way_fits_what_it_does_not_keep(fitted, way, stages):
    world = None if way == "nothing" else "w"
    last = [("encode", world, False, False), ("dynamics", world, False, way == "dynamics")]
    fit_until("dynamics", WAYS[way], Path("c"), "w", Path("r"), Path("o"), 0)
    assert fitted == [(*stage, False) for stage in stages] + last
    fitted.clear()
    fit_until("tokenizer", WAYS[way], Path("c"), "w", Path("r"), Path("o"), 0)
    assert fitted == [(*stage, False) for stage in stages if stage[0] == "tokenizer"]


def test_a_recipe_of_other_lengths_can_be_loaded(tmp_path):
    recipe = load_recipe(str(write_recipe("miner", STEPS, tmp_path / "r.yaml")))
    lengths = {stage: getattr(recipe, stage).fit.steps for stage in vars(STEPS)}
    assert lengths == vars(STEPS) and recipe.dynamics.method["map"]


def test_a_fit_that_the_file_has_is_not_made_again(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(command, "run_way", lambda *given: made.append(given[1].name) or ("", 60))
    monkeypatch.setattr(command, "dev_corpus", lambda *_: None)
    monkeypatch.setattr(command.Corpus, "open", lambda _: None)
    monkeypatch.setattr(command, "measure", lambda *_: {"agreement": 0.5})
    given = ["run", "plain", "--data", str(tmp_path), "--out", str(tmp_path / "out.jsonl")]
    given += ["--stage", "lam", "--minutes", "1", "--ways", "nothing", "kept"]
    assert command.main(given[:-1]) == 0
    assert command.main(given) == 0 and made == ["nothing", "kept"]
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["way"] for line in lines] == ["nothing", "kept"]


def record(way, inferred, random=40_000, seed=0, stage="dynamics"):
    clips = np.random.default_rng(0).integers(900, 1100, 32) / 1000
    arms = {"inferred": inferred, "random0": random, "frozen": 50_000, "ceiling": 1_000}
    return {
        "game": "plain", "stage": stage, "way": way, "minutes": 5.0, "seed": seed,
        "seconds": 90, "errors": {arm: (clips * error).tolist() for arm, error in arms.items()},
    }  # fmt: skip


def test_figures_are_those_of_the_errors():
    from_nothing, kept = record("nothing", 20_000), record("kept", 10_000)
    assert errors_of(kept).delta()[0] == pytest.approx(10 * np.log10(4))
    table = markdown([kept, from_nothing]).splitlines()
    assert [line.split(" | ")[2] for line in table[2:]] == [
        "from nothing", "tokenizer and actions kept",
    ]  # fmt: skip
    assert "6.02 (6.02 to 6.02)" in table[3] and table[3].endswith("| 1.5 |")
    apart = differences([kept, from_nothing], "nothing")
    assert apart.count("\n") == 0 and "kept less nothing: Δ₄ 3.01 (3.01 to 3.01)" in apart
    assert not differences([kept, record("nothing", 20_000, seed=1)], "nothing")


def test_tokenizers_are_compared_by_what_they_draw():
    worse, better = (record(way, 1, stage="tokenizer") for way in ("nothing", "decoder"))
    worse["errors"] = {"ceiling": [400, 800], "frozen": [900, 900]}
    better["errors"] = {"ceiling": [40, 80], "frozen": [900, 900]}
    told = "decoder less nothing: PSNR 10.00 (10.00 to 10.00)"
    assert differences([worse, better, record("nothing", 20_000)], "nothing").endswith(told)
    assert "| 42.22 (" in markdown([better])


def test_a_curve_has_a_point_for_each_length_of_footage(tmp_path):
    later = record("kept", 10_000) | {"minutes": 10.0}
    with pytest.raises(ValueError, match="nothing to draw"):
        draw_curves([later], tmp_path / "curves.png", "plain")
    draw_curves([later, record("kept", 20_000)], tmp_path / "curves.png", "plain")
    assert Image.open(tmp_path / "curves.png").width == 640


class Squares:
    """A corpus of four episodes whose frames are one colour, and whose actions are known."""

    episode_ends = np.array([30, 60, 90, 120])

    def read(self, start, stop):
        shade = np.arange(start, stop) % 30 * 8
        return np.broadcast_to(shade[:, None, None, None], (stop - start, 8, 8, 3)).astype("uint8")

    def true_actions(self):
        return np.arange(120) % 5 + 2


class Exact:
    """A tokenizer that loses nothing, and an action model that is always right."""

    def encode(self, frames):
        return frames

    decode = encode

    def infer(self, frames):
        number = (frames[:, :-1, 0, 0, 0] * 255 / 8).round().long()
        return (number + 3) % 5  # any names for the same five actions


def test_what_loses_nothing_has_no_error_and_what_is_right_agrees():
    errors = measure_tokenizer(Exact(), Squares(), clips=8)["errors"]
    assert not any(errors["ceiling"])
    assert errors["frozen"] == [round((8 / 255) ** 2 * 1e6)] * 8
    assert measure_actions(Exact(), Squares(), clips=4)["agreement"] == 1
