"""Recipes: those that ship, and those with mistakes."""

import time

import pytest

from genie.settings import Settings
from train.auto.choice import AUTO
from train.auto.chosen import Choice, resolve
from train.moving_player.fit import MovingPlayerModule
from train.pipeline import train
from train.recipe import FOLDER, load_recipe

SHIPPED = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def test_these_recipes_ship():
    names = "auto avatar coinrun coinrun_large cpu crafter crafter_large gpu miner smoke"
    assert names.split() == SHIPPED


def test_the_shares_of_coinrun_leave_its_first_slice_time_for_the_dynamics():
    recipe = load_recipe("coinrun")
    before = [recipe.minutes_of(stage, 17.5) for stage in ("tokenizer", "lam")]
    assert sum(before) < 3.5  # of 8, recording, reading and encoding included
    assert recipe.minutes_of("dynamics", 17.5) < 2 * 7.25  # what the other two slices have


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_fits_a_corpus_of_64x64(tiny, tmp_path, name):
    from train.options import TrainOptions
    from train.sizes import check_sizes

    recipe = load_recipe(name)
    assert recipe.about
    corpus = tiny.write_corpus(tmp_path / "c", lengths=(40, 40), size=(64, 64))
    if recipe.lam.kind == AUTO:
        recipe = resolve(recipe, Choice(kind="moving_player", saw=(), figures={}))
        values = MovingPlayerModule.placeholder_values(recipe.lam.model)
        recipe.lam.model.update(values)
    check_sizes(recipe, corpus, TrainOptions(), None)
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
    known = f"choose one of {', '.join(SHIPPED)}"
    with pytest.raises(ValueError, match=known) as caught:
        load_recipe(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"tokenizer__fit__steps": 0}, "steps"),
        ({"tokenizer__fit__steps": "many"}, "steps"),
        ({"tokenizer__fit__checks": None}, "checks has no value"),
        ({"tokenizer__fit__stepz": 3}, "stepz"),
        ({"lam__fit__frames": 1}, "frames"),
        ({"lam__fit": {"share": 1}}, "steps"),
        ({"lam__fit__share": 0}, "share must be a number above 0"),
        ({"lam__fit__clip_norm": 0.0}, "clip_norm must be a number above 0"),
        ({"dynamics__fit__betas": [0.9, 1.5]}, "betas must be 0 or more and below 1, got 1.5"),
        ({"dynamics__smaller": None}, "dynamics: smaller has no value"),
        ({"lam": None}, "lam"),
        ({"lam": None, "avatar": True}, "lam has no values"),
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


BOMBS = {
    "aliases": "a: &a [x,x,x,x]\n"
    + "".join(f"b{n}: &b{n} [{','.join([f'*b{n - 1}' if n else '*a'] * 9)}]\n" for n in range(9)),
    "itself": "about: &a [*a]\n",
    "deep": "about: " + "[" * 20_000,
    "large": "about: " + "x" * 200_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_yaml_that_multiplies_is_refused_at_once(tmp_path, bomb):
    (tmp_path / "r.yaml").write_text(BOMBS[bomb])
    begun = time.monotonic()
    with pytest.raises(ValueError, match=r"r\.yaml is") as caught:
        load_recipe(str(tmp_path / "r.yaml"))
    assert "\n" not in str(caught.value) and time.monotonic() - begun < 10


@pytest.mark.parametrize(
    "changed",
    [
        {"dynamics__model__dim": 10**9},
        {"dynamics__model__dim": 8192, "dynamics__model__heads": 2, "dynamics__model__layers": 60},
        {"tokenizer__model__dim": 64.5},
        {"dynamics__model__layers": 10**9},
        {"lam__model__channels": 1 << 50},
        {"tokenizer__fit__batch": 10**12},
        {"lam__fit__frames": 10**12},
        {"dynamics__fit__steps": 1 << 80},
        {"dynamics__fit__ema": 2},
        {"dynamics__fit__warmup": float("nan")},
        {"lam__fit__lr": float("nan")},
        {"settings__steps": 2.5},
    ],
)
def test_sizes_beyond_any_machine_are_refused_before_the_run_folder_is_made(
    tiny, corpus, tmp_path, changed
):
    path = tiny.write_recipe(tmp_path / "r.yaml", **changed)
    with pytest.raises(ValueError) as caught:
        train("all", corpus.path, path, tmp_path / "run")
    assert "\n" not in str(caught.value) and not (tmp_path / "run").exists()
