"""`genie train`: the stages in order, and what is refused before anything is written."""

import itertools
import json
import shutil
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import zarr

from corpus.lock import Lock, LockedError
from corpus.store import Corpus
from genie.library.bundle import load_bundle
from genie.world import World
from spacetime.weights import read_weights, write_weights
from train import pipeline as run_module
from train.fit_lam import LatentActionModule

# Models of a few steps are collapsed; test_action_health.py shows that this is refused otherwise.
train = partial(run_module.train, allow_collapsed=True)


def test_a_run_never_opens_true_actions(finished):
    with pytest.raises(Exception, match="(?i)json|expecting|actions"):
        Corpus.open(finished.corpus.path).true_actions()  # no stage could have opened them
    assert (finished.out / "world" / "world.json").exists()


def test_a_run_leaves_the_corpus_as_it_was(tiny, finished, tmp_path):
    again = tiny.write_corpus(tmp_path / "c", actions=True)
    (again.path / "actions" / "zarr.json").write_text("not for training")
    assert tiny.tree(again.path) == tiny.tree(finished.corpus.path)


def test_a_run_folder_holds_what_the_house_says(finished):
    names = {path.name for path in finished.out.iterdir()}
    expected = {"tokenizer", "lam", "encoded.zarr", "dynamics", "world", "logs", "run.json"}
    assert names == expected
    for stage in ("tokenizer", "lam", "dynamics"):
        files = {path.name for path in (finished.out / stage).iterdir()}
        assert files == {"checkpoint.ckpt", "weights.safetensors", "config.json"}
        assert (finished.out / "logs" / stage / "held-out.csv").exists()
    record = json.loads((finished.out / "run.json").read_text())
    assert (record["seed"], record["recipe"]) == (5, "tiny")
    assert record["corpus"] == finished.corpus.fingerprint
    assert {"commit", "python", "torch", "lightning"} <= set(record)


def test_the_world_of_a_run_is_playable_and_knows_where_it_comes_from(finished):
    world = World.load(finished.out / "world")
    bundle = world.bundle
    assert len(bundle.keymap.actions) == bundle.num_actions == 4
    assert bundle.fps == 15.0 and bundle.name == "run" and bundle.settings.steps == 2
    assert bundle.info["corpus"]["fingerprint"] == finished.corpus.fingerprint
    assert bundle.info["made_with"]["seed"] == 5
    frames = [world.reset(bundle.prompts[0], seed=1)] + [world.step(a) for a in (0, 1, 2, 3)]
    assert all(f.shape == (16, 16, 3) and f.dtype == np.uint8 for f in frames)
    recorded = finished.corpus.read(0, finished.corpus.num_frames)
    assert all((recorded == prompt).all(axis=(1, 2, 3)).any() for prompt in bundle.prompts)


def test_encoded_ids_are_those_of_the_exported_models(finished):
    from train.data.clips import to_float

    bundle = load_bundle(finished.out / "world")
    frames = to_float(run_module.torch.from_numpy(finished.corpus.read(0, 30))[None])
    stored = zarr.open_group(finished.out / "encoded.zarr", mode="r")
    assert np.array_equal(stored["ids"][:30], bundle.tokenizer.encode(frames)[0].numpy())
    inferred = bundle.lam.infer(frames)[0].numpy()
    inside = [t for t in range(29) if t != 19]
    assert np.array_equal(stored["actions"][:29][inside], inferred[inside])


def test_resuming_a_finished_run_changes_nothing(tiny, finished, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(finished.out, out)
    before = tiny.tree(out)
    train("all", finished.corpus.path, finished.recipe, out, resume=True, seed=5)
    assert tiny.tree(out) == before


def test_stages_share_one_look_at_the_corpus(tiny, finished, tmp_path, monkeypatch):
    looks, out = [], tmp_path / "run"
    look = LatentActionModule.survey
    monkeypatch.setattr(LatentActionModule, "survey", lambda *a: looks.append(a) or look(*a))
    shutil.copytree(finished.out, out)
    shutil.rmtree(out / "dynamics")
    train("all", finished.corpus.path, finished.recipe, out, seed=5, resume=True)
    assert len(looks) == 1


def test_stages_one_by_one_are_the_same_as_all(tiny, finished, tmp_path):
    out = tmp_path / "run"
    for stage in ("tokenizer", "lam", "encode", "dynamics"):
        train(stage, finished.corpus.path, finished.recipe, out, seed=5)
    for name in ("tokenizer", "lam", "dynamics"):
        file = f"{name}/weights.safetensors"
        assert (out / file).read_bytes() == (finished.out / file).read_bytes()


def test_a_slice_of_all_ends_before_the_next_stage_and_goes_on(tiny, corpus, tmp_path, capsys):
    recipe, out = tiny.write_recipe(tmp_path / "r.yaml"), tmp_path / "run"
    train("all", corpus.path, recipe, out, stop_after=1e-9)
    assert "tokenizer is not at its end yet" in capsys.readouterr().out
    assert tiny.checkpoint(out / "tokenizer")["clock"]["step"] == 1
    assert (out / "tokenizer" / "weights.safetensors").exists()
    assert not (out / "lam").exists() and not (out / "world").exists()
    train("all", corpus.path, recipe, out, resume=True)
    train("all", corpus.path, recipe, tmp_path / "whole")
    for stage in ("tokenizer", "lam", "dynamics"):
        one, other = (tiny.checkpoint(folder / stage) for folder in (out, tmp_path / "whole"))
        assert one["clock"]["step"] == other["clock"]["step"] > 1
    world = World.load(out / "world")
    world.reset(world.bundle.prompts[0])


def test_a_slice_of_the_dynamics_leaves_a_world(tiny, finished, tmp_path):
    out = tmp_path / "run"
    keep = shutil.ignore_patterns("world", "dynamics")
    shutil.copytree(finished.out, out, ignore=keep)
    arguments = ("dynamics", finished.corpus.path, finished.recipe, out)
    train(*arguments, stop_after=1e-9, seed=5)
    first = load_bundle(out / "world").fingerprint
    train(*arguments, resume=True, seed=5)
    assert load_bundle(out / "world").fingerprint != first
    assert tiny.checkpoint(out / "dynamics")["clock"]["step"] == 3


def test_minutes_are_counted_over_slices_and_not_in_steps(tiny, corpus, tmp_path, monkeypatch):
    seconds = itertools.count()  # one second a step
    monkeypatch.setattr("train.loop.clock.time", SimpleNamespace(monotonic=lambda: next(seconds)))
    recipe, out = tiny.write_recipe(tmp_path / "r.yaml"), tmp_path / "run"
    train("tokenizer", corpus.path, recipe, out, minutes=10 / 60, stop_after=4 / 60)
    first = tiny.checkpoint(out / "tokenizer")["clock"]
    assert first["seconds"] == first["step"] <= 4
    train("tokenizer", corpus.path, recipe, out, minutes=10 / 60, resume=True)
    last = tiny.checkpoint(out / "tokenizer")["clock"]
    assert last == {"step": 10, "seconds": 10}  # the recipe says 3 steps


def test_a_slice_of_all_that_outlasts_the_first_stages_leaves_a_world(
    tiny, corpus, tmp_path, monkeypatch
):
    seconds = itertools.count()  # one each time the clock is read
    clock = SimpleNamespace(monotonic=lambda: next(seconds))
    for module in ("loop.clock", "pipeline", "run_directory"):
        monkeypatch.setattr(f"train.{module}.time", clock)
    recipe, out = tiny.write_recipe(tmp_path / "r.yaml"), tmp_path / "run"
    part = partial(train, "all", corpus.path, recipe, out, minutes=16 / 60)  # 4, 4 and 8 seconds
    part(stop_after=20 / 60)
    first = tiny.checkpoint(out / "dynamics")["clock"]
    assert tiny.checkpoint(out / "lam")["clock"]["seconds"] == 4
    assert 1 <= first["step"] < 8
    fingerprint = load_bundle(out / "world").fingerprint
    part(resume=True)
    assert tiny.checkpoint(out / "dynamics")["clock"] == {"step": 8, "seconds": 8}
    assert load_bundle(out / "world").fingerprint != fingerprint


@pytest.mark.parametrize("stage", ["all", "tokenizer"])
def test_an_existing_run_is_refused_and_left_alone(tiny, finished, stage):
    before = tiny.tree(finished.out)
    with pytest.raises(FileExistsError, match="--resume") as caught:
        train(stage, finished.corpus.path, finished.recipe, finished.out)
    assert "\n" not in str(caught.value)
    assert tiny.tree(finished.out) == before


def test_a_stage_that_another_program_fits_is_refused(tiny, corpus, tmp_path):
    """Two programs on one stage would write one checkpoint; another stage may go on beside it."""
    options = {"corpus": corpus.path, "recipe": tiny.write_recipe(tmp_path / "r.yaml"), "seed": 5}
    (tmp_path / "out").mkdir()
    with Lock(tmp_path / "out" / "tokenizer"):
        for stage in ("all", "tokenizer"):
            with pytest.raises(LockedError, match="tokenizer is being written by process"):
                train(stage, out=tmp_path / "out", resume=True, **options)
        train("lam", out=tmp_path / "out", **options)
    assert not (tmp_path / "out" / "tokenizer").exists()
    assert (tmp_path / "out" / "lam" / "weights.safetensors").exists()


@pytest.mark.parametrize("stage", ["encode", "dynamics"])
def test_a_stage_without_the_ones_before_says_which(tiny, corpus, tmp_path, stage):
    recipe = tiny.write_recipe(tmp_path / "r.yaml")
    with pytest.raises(FileNotFoundError, match="genie train tokenizer first"):
        train(stage, corpus.path, recipe, tmp_path / "run")


def test_another_corpus_seed_or_recipe_is_refused_on_resume(tiny, finished, corpus, tmp_path):
    other = tmp_path / "other.yaml"
    shutil.copy(finished.recipe, other)
    path = finished.corpus.path
    wrong = [
        ("corpus", (tiny.write_corpus(tmp_path / "c", (20, 20)).path, finished.recipe), 5),
        ("seed", (path, finished.recipe), 6),
        ("recipe", (path, str(other)), 5),
    ]
    for word, (where, recipe), seed in wrong:
        with pytest.raises(ValueError, match=f"begun with {word}") as caught:
            train("all", where, recipe, finished.out, resume=True, seed=seed)
        assert "\n" not in str(caught.value)


def test_a_dynamics_is_not_gone_on_with_in_the_tokens_of_another_tokenizer(
    tiny, finished, tmp_path
):
    out = tmp_path / "run"
    shutil.copytree(finished.out, out)
    file, options = out / "tokenizer" / "weights.safetensors", {"seed": 5, "resume": True}
    write_weights(file, {name: 0.9 * weight for name, weight in read_weights(file).items()})
    train("encode", finished.corpus.path, finished.recipe, out, **options)
    before = tiny.tree(out / "world")
    with pytest.raises(ValueError, match="fitted on another tokenizer: delete it") as caught:
        train("dynamics", finished.corpus.path, finished.recipe, out, **options)
    assert tiny.tree(out / "world") == before and "\n" not in str(caught.value)
    shutil.rmtree(out / "dynamics")
    train("dynamics", finished.corpus.path, finished.recipe, out, **options)
    assert tiny.tree(out / "world") != before


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"tokenizer__model__patch": 5}, "patch"),
        ({"tokenizer__model__heads": 3}, "heads"),
        ({"tokenizer__model__levels": [1, 3]}, "levels"),
        ({"tokenizer__model__levels": [300, 300]}, "90000 codes"),
        ({"tokenizer__model__depth": 3}, "depth"),
        ({"tokenizer__model__dim": "big"}, "Tokenizer"),
        ({"lam__model__num_actions": 1}, "num_actions"),
        ({"dynamics__model__band": 3}, "band of 3"),
        ({"dynamics__model__heads": 5}, "heads"),
        ({"dynamics__fit__frames": 21}, "21 frames"),
        ({"settings__steps": 0}, "steps"),
        ({"settings__order": "none"}, "order"),
        ({"settings__speed": 3}, "speed"),
    ],
)
def test_what_a_later_stage_would_refuse_is_refused_at_once(tiny, corpus, tmp_path, changed, words):
    recipe = tiny.write_recipe(tmp_path / "r.yaml", **changed)
    with pytest.raises(ValueError, match=words) as caught:
        train("all", corpus.path, recipe, tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_frames_that_the_patch_does_not_divide_are_refused_at_once(tiny, tmp_path):
    odd = tiny.write_corpus(tmp_path / "c", size=(20, 24))
    with pytest.raises(ValueError, match="patch") as caught:
        train("all", odd.path, tiny.write_recipe(tmp_path / "r.yaml"), tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"stage": "everything"}, "no stage 'everything'"),
        ({"recipe": "nope"}, "no recipe 'nope'"),
        ({"minutes": 0.0}, "--minutes must be above 0"),
        ({"minutes": float("nan")}, "--minutes must be above 0"),
        ({"stop_after": -1.0}, "--stop-after must be above 0"),
    ],
)
def test_a_wrong_argument_is_refused_at_once(tiny, corpus, tmp_path, changed, words):
    recipe = tiny.write_recipe(tmp_path / "r.yaml")
    given = {"stage": "all", "corpus": corpus.path, "recipe": recipe, "out": tmp_path / "run"}
    with pytest.raises(ValueError, match=words) as caught:
        train(**{**given, **changed})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_missing_corpus_is_one_line(tiny, tmp_path):
    with pytest.raises(FileNotFoundError, match="no corpus at"):
        train("all", tmp_path / "c", tiny.write_recipe(tmp_path / "r.yaml"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_frames_need_not_be_square(tiny, tmp_path):
    wide = tiny.write_corpus(tmp_path / "c", size=(16, 32))
    train("all", wide.path, tiny.write_recipe(tmp_path / "r.yaml"), tmp_path / "run")
    world = World.load(tmp_path / "run" / "world")
    assert world.reset(world.bundle.prompts[0]).shape == (16, 32, 3)


@pytest.mark.parametrize("content", [None, "[]", "{", "3"])
def test_without_its_record_a_run_is_not_gone_on_with(finished, tiny, tmp_path, content):
    shutil.copytree(finished.out, tmp_path / "run")
    record = tmp_path / "run" / "run.json"
    record.unlink() if content is None else record.write_text(content)
    before = tiny.tree(tmp_path / "run")
    with pytest.raises(ValueError, match=r"run\.json") as caught:
        train("all", finished.corpus.path, finished.recipe, tmp_path / "run", resume=True, seed=9)
    assert "\n" not in str(caught.value)
    assert tiny.tree(tmp_path / "run") == before
