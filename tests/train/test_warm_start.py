"""Warm starts: runs that begin from a world."""

import json
import shutil
from dataclasses import replace
from functools import partial

import pytest
import torch

from dynamics.model import Dynamics
from genie.library.bundle import load_bundle
from spacetime.weights import read_weights
from tokenizer.health import TokenizerHealth
from train import pipeline as run
from train.data.frames import Frames
from train.export import fingerprint
from train.fit_lam import Survey
from train.health import tokenizer_health
from train.loop.checkpoint import CHECKPOINT
from train.recipe import load_recipe
from train.warm_start import copy_models, load_start_world, translate_dynamics, warm_start

# Models of a few steps are collapsed; test_action_health.py shows that this is refused otherwise.
train = partial(run.train, allow_collapsed=True)


@pytest.fixture(scope="module")
def more_video(tiny, tmp_path_factory):
    return tiny.write_corpus(tmp_path_factory.mktemp("more") / "c", lengths=(20, 24, 20))


@pytest.fixture(scope="module")
def tuned(tiny, finished, more_video, tmp_path_factory):
    out = tmp_path_factory.mktemp("tuned") / "run"
    world = str(finished.out / "world")
    train("all", more_video.path, finished.recipe, out, start=world)
    return out


def test_tokenizer_and_action_model_are_copied_as_they_are(finished, tuned):
    before, after = (load_bundle(path / "world").info["models"] for path in (finished.out, tuned))
    assert after["tokenizer"] == before["tokenizer"] and after["lam"] == before["lam"]
    assert after["dynamics"]["fingerprint"] != before["dynamics"]["fingerprint"]
    assert not (tuned / "logs" / "tokenizer").exists()


def test_a_copy_that_was_cut_off_is_made_anew_and_a_fit_of_the_run_stays(finished, tmp_path):
    world = load_bundle(finished.out / "world")
    for name in ("tokenizer", "lam"):
        (tmp_path / name).mkdir()
    (tmp_path / "tokenizer" / "weights.safetensors").write_bytes(b"half of it")
    (tmp_path / "lam" / CHECKPOINT).write_bytes(b"a fit")
    copy_models(world, tmp_path, ("tokenizer", "lam"))
    assert fingerprint(tmp_path / "tokenizer") == fingerprint(finished.out / "tokenizer")
    assert [path.name for path in (tmp_path / "lam").iterdir()] == [CHECKPOINT]


@pytest.mark.parametrize("state", ["healthy", "weak", "collapsed"])
def test_a_kept_tokenizer_that_cannot_draw_the_new_video_is_told_to_learn_on(
    finished, more_video, tmp_path, monkeypatch, capsys, state
):
    reasons = () if state == "healthy" else ("its pictures are others",)
    found = TokenizerHealth(state=state, reasons=reasons, remedies=("another",) if reasons else ())
    monkeypatch.setattr(tokenizer_health, "measure_tokenizer_health", lambda *_: found)
    world, out = str(finished.out / "world"), tmp_path / "run"
    advice = f"tokenizer --from {world} --decoder-only, then this command with --resume"
    if state == "collapsed":
        with pytest.raises(ValueError, match="is collapsed: its pictures are others") as caught:
            run.train("encode", more_video.path, finished.recipe, out, start=world)
        assert advice in str(caught.value) and not out.exists()
        return
    train("encode", more_video.path, finished.recipe, out, start=world)
    said = " ".join(capsys.readouterr().out.split())
    assert (advice in said) == (f"tokenizer: {state}" in said) == (state == "weak")


def test_a_tokenizer_of_the_runs_own_is_not_judged_as_a_kept_one(
    finished, more_video, tmp_path, monkeypatch
):
    world = str(finished.out / "world")
    train("tokenizer", more_video.path, finished.recipe, tmp_path / "run", start=world)
    monkeypatch.setattr(tokenizer_health, "measure_tokenizer_health", None)
    train("encode", more_video.path, finished.recipe, tmp_path / "run", start=world)


def test_the_dynamics_begins_with_the_worlds_weights(tiny, finished):
    bundle = load_bundle(finished.out / "world")
    fit = tiny.fit_config(lr=0.002, matrix_lr=0.01)
    model, slower = warm_start(bundle.dynamics, fit)
    assert tiny.differences(dict(model.state_dict()), dict(bundle.dynamics.state_dict())) == []
    assert all(weight.requires_grad for weight in model.parameters())
    assert (slower.lr, slower.matrix_lr) == (0.002 * fit.warm_start, 0.01 * fit.warm_start)


def test_it_ends_nearer_to_the_world_than_a_run_from_nothing(finished, tuned, more_video, tmp_path):
    train("all", more_video.path, finished.recipe, tmp_path / "run")
    world = load_bundle(finished.out / "world").dynamics.state_dict()

    def distance(run):
        weights = read_weights(run / "dynamics" / "weights.safetensors")
        return sum(float((weights[n] - world[n]).square().sum()) for n in world) ** 0.5

    assert distance(tuned) < 0.5 * distance(tmp_path / "run")


def test_a_world_without_offsets_learns_them_from_here_on(finished, more_video, monkeypatch):
    world = load_bundle(finished.out / "world")
    config = replace(world.dynamics.config, grid=None)
    older = Dynamics(config)
    older.load_state_dict(world.dynamics.state_dict(), strict=False)
    monkeypatch.setattr("train.warm_start.load_bundle", lambda path: replace(world, dynamics=older))
    begun = load_start_world(str(finished.out / "world"), more_video).dynamics
    assert begun.config.grid == world.tokenizer.grid
    weights = begun.state_dict()
    kept = older.state_dict()
    assert all(torch.equal(weights[name], kept[name]) for name in kept)
    assert all((weights[name] == 0).all() for name in set(weights) - set(kept))


def test_the_record_says_where_it_began(finished, tuned):
    record = json.loads((tuned / "run.json").read_text())
    assert record["from"] == load_bundle(finished.out / "world").fingerprint
    assert json.loads((finished.out / "run.json").read_text())["from"] is None


def test_a_resumed_run_goes_on_from_the_same_world(finished, tuned, more_video):
    with pytest.raises(ValueError, match="was begun with from"):
        train("all", more_video.path, finished.recipe, tuned, resume=True)


def test_clips_are_measured_by_the_band_of_the_world_and_not_of_the_recipe(
    tiny, finished, more_video, tmp_path
):
    start = str(finished.out / "world")  # its band is 2
    wider = tiny.write_recipe(tmp_path / "wider.yaml", dynamics__model__band=8)
    train("all", more_video.path, wider, tmp_path / "run", start=start)
    assert load_bundle(tmp_path / "run" / "world").dynamics.config.band == 2
    shorter = tiny.write_recipe(tmp_path / "shorter.yaml", dynamics__fit__frames=3)
    with pytest.raises(ValueError, match="3 frames are too short for a band of 2"):
        train("all", more_video.path, shorter, tmp_path / "other", start=start)
    assert not (tmp_path / "other").exists()


def test_latent_actions_that_are_copied_are_not_fitted(finished, more_video, tmp_path):
    with pytest.raises(ValueError, match="copies the lam"):
        train(
            "lam", more_video.path, finished.recipe, tmp_path / "run",
            start=str(finished.out / "world"),
        )  # fmt: skip
    assert not (tmp_path / "run").exists()


def test_a_tokenizer_learns_on_from_the_worlds(tiny, finished, more_video, tmp_path):
    """Beside latent actions that begin from nothing, and a dynamics that is translated."""
    world = str(finished.out / "world")
    short = tiny.write_recipe(tmp_path / "short.yaml", tokenizer__fit__steps=2)
    train("tokenizer", more_video.path, short, tmp_path / "run", start=world)
    before = read_weights(finished.out / "tokenizer" / "weights.safetensors")
    after = read_weights(tmp_path / "run" / "tokenizer" / "weights.safetensors")
    moved = {name: float((after[name] - before[name]).abs().max()) for name in before}
    assert 0 < max(moved.values()) < 0.1
    train("lam", more_video.path, short, tmp_path / "run")
    with pytest.raises(ValueError, match="was begun with from"):
        train("dynamics", more_video.path, short, tmp_path / "run")
    for stage in ("encode", "dynamics"):
        train(stage, more_video.path, short, tmp_path / "run", start=world)
    begun, made = (load_bundle(run / "world") for run in (finished.out, tmp_path / "run"))
    assert made.info["made_with"]["from"] == begun.fingerprint
    assert made.info["models"]["tokenizer"] != begun.info["models"]["tokenizer"]


def test_the_worlds_action_model_is_copied_to_a_run_that_has_a_tokenizer_only(
    finished, more_video, tmp_path
):
    world = str(finished.out / "world")
    for stage in ("tokenizer", "encode", "dynamics"):
        train(stage, more_video.path, finished.recipe, tmp_path / "run", start=world)
    begun, made = (load_bundle(run / "world").info for run in (finished.out, tmp_path / "run"))
    assert made["models"]["lam"] == begun["models"]["lam"]
    own = fingerprint(tmp_path / "run" / "tokenizer")
    assert made["models"]["tokenizer"]["fingerprint"] == own
    assert own != begun["models"]["tokenizer"]["fingerprint"]


def test_a_world_of_another_size_is_refused(tiny, finished, tmp_path):
    wide = tiny.write_corpus(tmp_path / "c", lengths=(20, 20), size=(16, 24))
    with pytest.raises(ValueError, match="16x16, the corpus has 16x24"):
        train(
            "all", wide.path, finished.recipe, tmp_path / "run",
            start=str(finished.out / "world"),
        )  # fmt: skip


@pytest.fixture(scope="module")
def own_ids(finished, more_video, tmp_path_factory):
    """A run that has a tokenizer and an action model of its own, and no dynamics yet."""
    out = tmp_path_factory.mktemp("own") / "run"
    for stage in ("tokenizer", "lam", "encode"):
        train(stage, more_video.path, finished.recipe, out, seed=1)
    return out


def test_a_dynamics_is_translated_into_the_ids_of_the_run(
    tiny, finished, more_video, own_ids, tmp_path
):
    start = str(finished.out / "world")
    shutil.copytree(own_ids, tmp_path / "run")
    train("dynamics", more_video.path, finished.recipe, tmp_path / "run", seed=1, start=start)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["from"] == load_bundle(start).fingerprint
    models = load_bundle(tmp_path / "run" / "world").info["models"]
    assert models["tokenizer"]["fingerprint"] == fingerprint(own_ids / "tokenizer")
    shutil.copytree(own_ids, tmp_path / "nothing")
    train("dynamics", more_video.path, finished.recipe, tmp_path / "nothing", seed=1)
    world = load_bundle(start).dynamics.state_dict()

    def distance(run):
        weights = read_weights(run / "dynamics" / "weights.safetensors")
        body = [name for name in world if name.startswith("stack.")]
        return sum(float((weights[n] - world[n]).square().sum()) for n in body) ** 0.5

    assert distance(tmp_path / "run") < 0.5 * distance(tmp_path / "nothing")
    with pytest.raises(ValueError, match="was begun with from"):
        train("dynamics", more_video.path, finished.recipe, tmp_path / "run", seed=1, resume=True)


def test_a_run_whose_own_models_are_not_all_fitted_is_not_begun_from_a_world(
    finished, more_video, tmp_path
):
    out = tmp_path / "run"
    train("tokenizer", more_video.path, finished.recipe, out)
    with pytest.raises(ValueError, match="was begun with from None"):
        train("all", more_video.path, finished.recipe, out, resume=True,
              start=str(finished.out / "world"))  # fmt: skip


def test_ids_of_other_places_are_not_translated(tiny, finished, more_video):
    encoded = tiny.make_encoded()
    wider = replace(encoded, ids=encoded.ids.repeat(4, axis=1))
    with pytest.raises(ValueError, match="has 4 tokens a frame, the tokenizer of this run 16"):
        translate_dynamics(load_bundle(finished.out / "world"), wider, more_video, 0)


def test_video_of_another_rate_is_refused(finished, more_video):
    faster = replace(more_video, card=replace(more_video.card, fps=30.0))
    with pytest.raises(ValueError, match="build the corpus with --fps 15"):
        load_start_world(str(finished.out / "world"), faster)


def test_video_that_shows_no_player_is_learned_from_all_the_same(more_video, finished, capsys):
    recipe = replace(load_recipe(finished.recipe), lam=load_recipe("avatar").lam)
    frames = Frames(more_video)
    with pytest.raises(ValueError):
        run._survey(recipe, frames, 0, None, None)
    begun = load_bundle(finished.out / "world")
    assert run._survey(recipe, frames, 0, None, begun) == Survey()
    assert "all pixels count alike" in capsys.readouterr().out


def test_how_a_worlds_player_is_found_goes_on_with_it(finished, tmp_path):
    begun = load_bundle(finished.out / "world")
    made = {**begun.info["made_with"], "auto": {"lam": {"rail": True}}}
    railed = replace(begun, info={**begun.info, "made_with": made})
    for start, lam in ((begun, {}), (railed, {"rail": True})):
        choice = run._method(load_recipe("auto"), None, tmp_path, None, start)
        assert choice.lam == lam and choice.kind == "whole_frame"
