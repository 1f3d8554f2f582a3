"""Recipes: those that ship, and those with mistakes."""

import pytest

from genie.settings import Settings
from train.recipe import FOLDER, load_recipe

SHIPPED = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def test_these_recipes_ship():
    assert SHIPPED == ["avatar", "coinrun", "cpu", "crafter", "gpu", "miner", "smoke"]


def test_the_shares_of_coinrun_leave_its_first_slice_time_for_the_dynamics():
    recipe = load_recipe("coinrun")
    before = [recipe.minutes_of(stage, 17.5) for stage in ("tokenizer", "lam")]
    assert sum(before) < 3.5  # of 8, recording, reading and encoding included
    assert recipe.minutes_of("dynamics", 17.5) < 2 * 7.25  # what the other two slices have


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_fits_a_corpus_of_64x64(tiny, tmp_path, name):
    from train.options import TrainOptions
    from train.pipeline import _check_sizes

    recipe = load_recipe(name)
    assert recipe.about
    corpus = tiny.write_corpus(tmp_path / "c", lengths=(40, 40), size=(64, 64))
    _check_sizes(recipe, corpus, TrainOptions(), None)
    assert recipe.dynamics.fit.frames >= 2 * recipe.dynamics.model["band"]
    assert 4 <= recipe.lam.model["num_actions"] <= 16
    Settings.from_json(recipe.settings)


def test_the_larger_recipe_is_larger():
    def size(name):
        recipe = load_recipe(name)
        return [recipe.tokenizer.model["dim"], recipe.dynamics.model["dim"]]

    assert size("smoke") < size("cpu") < size("gpu")


def test_minutes_of_the_whole_are_shared_out(tiny, tmp_path):
    recipe = load_recipe(tiny.write_recipe(tmp_path / "r.yaml"))  # shares 1, 1 and 2
    stages = ("tokenizer", "lam", "dynamics")
    assert [recipe.minutes_of(stage, 60.0) for stage in stages] == [15.0, 15.0, 30.0]


@pytest.mark.parametrize("name", ["nope", "", "missing.yaml"])
def test_an_unknown_recipe_lists_the_known_ones(name):
    known = "choose one of avatar, coinrun, cpu, crafter, gpu, miner, smoke"
    with pytest.raises(ValueError, match=known) as caught:
        load_recipe(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"tokenizer__fit__steps": 0}, "steps"),
        ({"tokenizer__fit__steps": "many"}, "steps"),
        ({"tokenizer__fit__stepz": 3}, "stepz"),
        ({"lam__fit__frames": 1}, "frames"),
        ({"lam__fit": {"share": 1}}, "steps"),
        ({"lam": None}, "lam"),
        ({"dynamics__fit__warmup": 0.9, "dynamics__fit__decay": 0.2}, "warmup 0.9 and decay 0.2"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(tiny, tmp_path, changed, words):
    path = tiny.write_recipe(tmp_path / "r.yaml", **changed)
    with pytest.raises(ValueError, match=words) as caught:
        load_recipe(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "- 1\n- 2\n", "a: [1\nb: {", "just words", "\t- x"])
def test_a_file_that_is_no_recipe_is_one_line(tmp_path, text):
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(ValueError, match=r"r\.yaml is not a recipe") as caught:
        load_recipe(str(tmp_path / "r.yaml"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["lam", "lam__model", "settings", "about"])
def test_a_recipe_never_names_code(tiny, tmp_path, name, monkeypatch):
    (tmp_path / "planted.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.syspath_prepend(tmp_path)
    named = {"class_path": "planted.Thing", "init_args": {}}
    path = tiny.write_recipe(tmp_path / "r.yaml", **{name: named})
    with pytest.raises(ValueError, match="class_path is not allowed"):
        load_recipe(path)
    assert not (tmp_path / "ran").exists()
