"""What a run may be asked for beside a plain fit."""

import csv
import json
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from lightning.fabric.loggers import CSVLogger

from genie.library.bundle import load_bundle
from spacetime.weights import read_weights
from train import pipeline
from train.data.clips import to_float
from train.loop.loggers import make_loggers

train = partial(pipeline.train, allow_collapsed=True)


def weights_of(run, stage):
    return read_weights(run / stage / "weights.safetensors")


def moved(tiny, before, after):
    """Names of the weights that differ, without what comes before the first dot of each."""
    return {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize(
    ("stage", "options", "complaint"),
    [
        ("lam", {"seeds": 0}, "--seeds must be 1 or more"),
        ("lam", {"decoder_only": True}, "need --from WORLD"),
        ("lam", {"seed": -1}, "--seed must be 0 to 4294967295, got -1"),
        ("lam", {"seed": 20261201123000}, "--seed must be 0 to"),
        ("all", {"fresh": True}, "need --from WORLD"),
        ("dynamics", {"start": "w", "decoder_only": True}, "for the stages tokenizer and lam"),
        ("lam", {"start": "w"}, "--decoder-only"),
        ("encode", {"labels": "l.npy"}, "for the stages all and lam"),
        ("lam", {"labels": "l.npy", "start": "w", "decoder_only": True}, "drop one"),
        ("all", {"labels": "l.npy", "start": "w"}, "name the actions first"),
        ("lam", {"minutes": float("nan")}, "--minutes must be above 0"),
        ("lam", {"devices": 0}, "--devices must be auto, or 1 or more, got 0"),
        ("lam", {"nodes": 0}, "--nodes must be 1 or more, got 0"),
        ("lam", {"devices": 2, "strategy": "dp"}, "no strategy 'dp': choose ddp or fsdp"),
        ("encode", {"devices": 2}, "encode is one process"),
        ("lam", {"devices": 2, "logger": CSVLogger("none")}, "name the logger"),
    ],
)
def test_options_that_do_not_fit_together_are_refused_before_anything_is_read(
    tmp_path, stage, options, complaint
):
    with pytest.raises(ValueError, match=complaint):
        train(stage, tmp_path / "none", "smoke", tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_of_several_seeds_the_best_is_kept(tiny, finished, tmp_path):
    run = tmp_path / "run"
    train("lam", finished.corpus.path, finished.recipe, run, seed=5, seeds=3)
    said = json.loads((run / "lam" / "seeds.json").read_text())
    reached = {int(seed): value for seed, value in said["criterion"].items()}
    assert set(reached) == {5, 6, 7} and len(set(reached.values())) == 3
    assert said["chosen"] == max(reached, key=reached.get)
    kept = weights_of(run, "lam")
    for seed in reached:
        same = tiny.differences(kept, weights_of(run, f"lam-seeds/{seed}")) == []
        assert same == (seed == said["chosen"])
    # The first seed is the fit that a run without the flag would do.
    assert tiny.differences(weights_of(run, "lam-seeds/5"), weights_of(finished.out, "lam")) == []


def test_seeds_that_are_stopped_go_on(tiny, finished, tmp_path):
    recipe = tiny.write_recipe(tmp_path / "tiny.yaml")
    for resume in (False, True):
        train("lam", finished.corpus.path, recipe, tmp_path / "run", seeds=2, resume=resume,
              stop_after=None if resume else 1e-9)  # fmt: skip
        assert (tmp_path / "run" / "lam" / "seeds.json").exists() == resume


def test_seeds_that_were_begun_are_not_gone_on_with_unasked(tiny, finished, tmp_path):
    recipe, run = tiny.write_recipe(tmp_path / "tiny.yaml"), tmp_path / "run"
    train("lam", finished.corpus.path, recipe, run, seeds=2, stop_after=1e-9)
    with pytest.raises(FileExistsError, match="lam-seeds exists: give --resume"):
        train("lam", finished.corpus.path, recipe, run, seeds=2)


def test_the_decoder_of_an_action_model_is_fitted_on_and_its_codes_stay(tiny, finished, tmp_path):
    world, run = str(finished.out / "world"), tmp_path / "run"
    train("lam", finished.corpus.path, finished.recipe, run, start=world, decoder_only=True)
    before, after = weights_of(finished.out, "lam"), weights_of(run, "lam")
    assert moved(tiny, before, after) == {"decoder"}


def test_the_decoder_is_not_fitted_on_by_the_method_of_another_kind(tiny, finished, tmp_path):
    recipe = tiny.write_recipe(tmp_path / "other.yaml", lam__kind="camera_steps")
    options = {"start": str(finished.out / "world"), "decoder_only": True}
    with pytest.raises(ValueError, match="of kind whole_frame, the recipe's of kind camera_steps"):
        train("lam", finished.corpus.path, recipe, tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_the_decoder_of_a_tokenizer_is_fitted_on_and_its_ids_stay(tiny, finished, tmp_path):
    world, run = str(finished.out / "world"), tmp_path / "run"
    train("tokenizer", finished.corpus.path, finished.recipe, run, start=world, decoder_only=True)
    before, after = weights_of(finished.out, "tokenizer"), weights_of(run, "tokenizer")
    assert moved(tiny, before, after) <= {"decoder", "decoder_places", "from_latent", "to_pixels"}
    assert moved(tiny, before, after)
    frames = to_float(torch.from_numpy(finished.corpus.read(0, 20))[None])
    old = load_bundle(finished.out / "world").tokenizer
    new = pipeline.load_model(run / "tokenizer", "tokenizer")
    assert torch.equal(old.encode(frames), new.encode(frames))


def test_a_fresh_dynamics_begins_from_nothing_beside_the_worlds_models(tiny, finished, tmp_path):
    world = str(finished.out / "world")
    wider = tiny.write_recipe(tmp_path / "tiny.yaml", dynamics__model__dim=12)
    train("all", finished.corpus.path, wider, tmp_path / "run", seed=5, start=world, fresh=True)
    made, begun = (load_bundle(run / "world") for run in (tmp_path / "run", finished.out))
    assert made.dynamics.config.dim == 12 != begun.dynamics.config.dim
    assert made.info["models"]["lam"] == begun.info["models"]["lam"]
    assert made.info["made_with"]["fresh"] is True
    with pytest.raises(ValueError, match="drop --fresh"):
        train("dynamics", finished.corpus.path, wider, tmp_path / "run", seed=5, start=world,
              resume=True)  # fmt: skip


def test_a_fit_is_logged_to_lightnings_loggers(tiny, corpus, tmp_path):
    stage = tiny.make_module("tokenizer", corpus, tiny.Clock(total_steps=50))
    logger = CSVLogger(tmp_path / "own", name="fit")
    tiny.fit_module(stage, tmp_path / "tokenizer", logger=logger, precision="32-true")
    (path,) = (tmp_path / "own").rglob("metrics.csv")
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    steps = {row["step"] for row in rows if row["loss/squared_error"]}
    assert steps == {"25", "50"} and any(row["held-out/held_out_psnr"] for row in rows)


def test_loggers_are_chosen_by_name(tmp_path, monkeypatch):
    (csv_logger,) = make_loggers("csv", tmp_path, "lam")
    assert make_loggers(csv_logger, tmp_path, "lam") == [csv_logger]
    assert make_loggers(None, tmp_path, "lam") == []
    with pytest.raises(ValueError, match="no logger 'excel'"):
        make_loggers("excel", tmp_path, "lam")

    def missing(**_):
        raise ModuleNotFoundError("No module named 'tensorboard'", name="tensorboard")

    monkeypatch.setattr("train.loop.loggers.TensorBoardLogger", missing)
    with pytest.raises(ValueError, match="needs tensorboard: pip install"):
        make_loggers("tensorboard", tmp_path, "lam")


def test_a_recipe_from_before_there_were_kinds_asks_for_the_sprite(tiny, tmp_path):
    from train.recipe import load_recipe

    old = load_recipe(tiny.write_recipe(tmp_path / "old.yaml", avatar=True))
    assert old.lam.kind == "player_sprite" and old.lam.model == {"num_actions": 4, "channels": 4}
    assert load_recipe(tiny.write_recipe(tmp_path / "new.yaml")).lam.kind is None


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"dynamics__method": {"corruptoin": 0.3}}, "method for DynamicsModule.*corruptoin"),
        ({"lam__kind": "none"}, "no lam of kind 'none'"),
        ({"lam__fit__lr": float("nan")}, "lr must be a number"),
        ({"lam__fit__ema": 2.0}, "ema must be 0 or more and below 1"),
        ({"lam__fit__warmup": float("nan")}, "warmup must be a number"),
        ({"dynamics__method": {"keymap_pairs": "4e3"}}, "keymap_pairs must be a whole number"),
        ({"dynamics__method": {"prompts": 0}}, "prompts must be 1 or more, got 0"),
        ({"dynamics__method": {"fully_masked": None}}, "fully_masked must be a number, got None"),
        ({"dynamics__method": {"corruption": "0,15"}}, "corruption must be a number, got '0,15'"),
        ({"dynamics__method": {"own_draws": 2}}, "own_draws must be 0 to 1, got 2"),
        ({"dynamics__method": {"map": "maybe"}}, "map must be true or false, got 'maybe'"),
        ({"lam__method": {"code_decay": 1.5}}, "code_decay must be 0 to 1, got 1.5"),
        ({"lam__method": {"kmeans_batches": 0}}, "kmeans_batches must be 1 or more, got 0"),
        ({"settings__temperature": "1,0"}, "temperature must be between 0 and 10, got '1,0'"),
    ],
)
def test_a_recipe_with_a_wrong_number_is_refused_before_the_run_is_made(
    tiny, corpus, tmp_path, values, complaint
):
    recipe = tiny.write_recipe(tmp_path / "r.yaml", **values)
    with pytest.raises(ValueError, match=complaint):
        train("all", corpus.path, recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_numbers_of_the_method_reach_the_fit(tiny, finished, tmp_path):
    """What a remedy advises can be followed: changed pixels weigh more by the recipe."""
    heavy = tiny.write_recipe(tmp_path / "heavy.yaml", lam__method__change_weight=90.0)
    train("lam", finished.corpus.path, heavy, tmp_path / "run", seed=5)
    assert tiny.differences(weights_of(tmp_path / "run", "lam"), weights_of(finished.out, "lam"))


def test_a_run_of_wandb_ends_with_its_stage(tmp_path, monkeypatch):
    ended = []

    class Fake:
        def __init__(self, project, name, save_dir):
            self.name, self._experiment = name, None

        def finalize(self, status):
            ended.append((self.name, status))

    monkeypatch.setattr("lightning.pytorch.loggers.WandbLogger", Fake)
    (logger,) = make_loggers("wandb", tmp_path / "run", "lam")
    logger.finalize("success")  # nothing was logged
    logger._experiment = SimpleNamespace(finish=lambda: ended.append("finished"))
    logger.finalize("success")
    assert ended == [("run/lam", "success")] * 2 + ["finished"]

    def missing(self, **_):
        raise ModuleNotFoundError("Requirement 'wandb' not met")

    monkeypatch.setattr(Fake, "__init__", missing)
    with pytest.raises(ValueError, match="--logger wandb needs wandb: pip install wandb"):
        make_loggers("wandb", tmp_path, "lam")
