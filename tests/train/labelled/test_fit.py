"""Refining an action model with labels, and runs that do."""

import json
from functools import partial

import numpy as np
import pytest
import torch

from genie.library.bundle import load_bundle
from lam.config import LatentActionConfig
from lam.model import LatentActionModel
from train import pipeline
from train.labelled.fit import carry_over, fit_reader, refine
from train.labelled.labels import Labels
from train.labelled.method import LabelledMethod

train = partial(pipeline.train, allow_collapsed=True)
LENGTH, ACTIONS = 100, 3


def make_base(num_actions=4):
    torch.manual_seed(0)
    base = LatentActionModel(
        LatentActionConfig(height=16, width=16, num_actions=num_actions, channels=4)
    ).eval()
    base.start_codes(torch.randn(64, 8))
    return base


def draw_held(episodes=8, noise=1.0):
    """Keys held for ten transitions or so; what is observed of each, and a code without meaning."""
    rng = np.random.default_rng(0)
    ends = np.arange(1, episodes + 1) * LENGTH
    keys = np.repeat(rng.integers(0, ACTIONS, episodes * LENGTH // 10), 10)
    features = noise * rng.standard_normal((len(keys), 128))
    features[np.arange(len(keys)), keys] += 3
    observed = np.concatenate((features, rng.integers(0, 4, (len(keys), 1))), axis=1)
    return torch.from_numpy(observed[:-1]).float(), ends, keys


def test_a_reader_learns_named_actions_and_how_long_they_are_held():
    observed, ends, keys = draw_held()
    index = np.random.default_rng(1).permutation(np.arange(400) // 99 * 100 + np.arange(400) % 99)
    labels = Labels(transitions=index[:150], actions=keys[index[:150]], num_actions=ACTIONS)
    model = refine(make_base(), labels).eval()
    fit_reader(model.encoder, observed, ends, labels, LabelledMethod(steps=150), seed=0)
    unseen = observed[4 * LENGTH : 8 * LENGTH - 1][None]
    truth = torch.from_numpy(keys[4 * LENGTH : 8 * LENGTH - 1])
    along = (model.read(unseen)[0] == truth).float().mean()
    alone = (model.encoder.scores(unseen)[0].argmax(dim=1) == truth).float().mean()
    assert along > 0.8 and along > alone
    assert 0.8 < model.encoder.holding.hold < 0.95


def test_with_few_labels_the_codes_that_were_there_still_count():
    observed, ends, keys = draw_held(noise=10)
    observed[:, -1] = torch.from_numpy(keys[:-1]) + 1  # the base knows, by other names
    index = np.arange(5, 95, 10)
    labels = Labels(transitions=index, actions=keys[index], num_actions=ACTIONS)
    model = refine(make_base(), labels).eval()
    fit_reader(model.encoder, observed, ends, labels, LabelledMethod(steps=50), seed=0)
    read = model.read(observed[None, LENGTH : 2 * LENGTH - 1])[0]
    assert (read.numpy() == keys[LENGTH : 2 * LENGTH - 1]).mean() > 0.95


def test_the_decoder_does_under_an_action_what_it_did_under_its_code():
    base = make_base(ACTIONS)
    labels = Labels(transitions=np.arange(0), actions=np.arange(0), num_actions=ACTIONS)
    model = refine(base, labels).eval()
    model.start_codes(torch.eye(ACTIONS))
    codes = torch.arange(3000) % 3
    carry_over(base, model, codes, (codes + 1) % 3)
    frame, code = torch.rand(3, 3, 16, 16), torch.arange(3)
    assert torch.allclose(
        base.predict(frame, code), model.predict(frame, (code + 1) % 3), atol=1e-4
    )


def write_labels(tiny, path, count=40, seed=0):
    """Labels of the tiny corpus, by the keys that it was drawn with."""
    keys = np.concatenate(
        [[*tiny.draw_episode(seed)[1], -1] for seed in range(tiny.EPISODES)]
    ).astype(np.int64)
    known = np.random.default_rng(seed).permutation(np.flatnonzero(keys >= 0))[:count]
    labels = np.full(len(keys), -1, np.int64)
    labels[known] = keys[known]
    np.save(path, labels)
    path.with_suffix(".json").write_text(json.dumps(["still", "right", "left", "down"]))
    return path


@pytest.fixture(scope="module")
def labelled(tiny, finished, tmp_path_factory):
    """A whole run with labels, on a corpus whose own actions cannot be opened."""
    folder = tmp_path_factory.mktemp("labelled")
    labels = write_labels(tiny, folder / "labels.npy")
    arguments = ("all", finished.corpus.path, finished.recipe, folder / "run")
    train(*arguments, seed=5, labels=labels)
    return labels, folder / "run"


def test_a_run_with_labels_makes_a_world_whose_actions_bear_their_names(tiny, finished, labelled):
    labels, run = labelled
    bundle = load_bundle(run / "world")
    assert bundle.lam.config.names == ("still", "right", "left", "down")
    assert bundle.num_actions == 4 and bundle.keymap.names[bundle.keymap.idle] == "still"
    assert json.loads((run / "run.json").read_text())["labels"]["count"] == 40
    without = run / "lam-unlabelled" / "weights.safetensors"
    assert without.read_bytes() == (finished.out / "lam" / "weights.safetensors").read_bytes()
    before = tiny.tree(run)
    train("all", finished.corpus.path, finished.recipe, run, seed=5, labels=labels, resume=True)
    assert tiny.tree(run) == before


def test_a_run_goes_on_with_its_own_labels_only(tiny, finished, labelled, tmp_path):
    labels, run = labelled
    other = write_labels(tiny, tmp_path / "labels.npy", seed=1)
    arguments = ("lam", finished.corpus.path, finished.recipe)
    for given, out in ((other, run), (None, run), (labels, finished.out)):
        with pytest.raises(ValueError, match="begun with other --labels, or without"):
            train(*arguments, out, seed=5, labels=given, resume=True)


def test_labels_refine_the_actions_of_a_world_also_in_slices(tiny, finished, labelled, tmp_path):
    labels, run = labelled
    arguments = ("lam", finished.corpus.path, finished.recipe)
    refined = partial(train, *arguments, start=str(finished.out / "world"), labels=labels)
    refined(tmp_path / "run")
    config = json.loads((tmp_path / "run" / "lam" / "config.json").read_text())
    assert config["kind"] == "labelled" and config["base"]["kind"] == "whole_frame"
    assert not (tmp_path / "run" / "lam-unlabelled").exists()
    world = {"start": str(finished.out / "world"), "resume": True}
    train("all", *arguments[1:], tmp_path / "run", **world)
    bundle = load_bundle(tmp_path / "run" / "world")
    assert bundle.keymap.names[bundle.keymap.idle] == "still"
    with pytest.raises(ValueError, match="refined with labels already"):
        train(*arguments, tmp_path / "again", start=str(run / "world"), labels=labels)
    refined(tmp_path / "sliced", stop_after=1e-9)
    refined(tmp_path / "sliced", resume=True)
    one, other = (tiny.checkpoint(tmp_path / name / "lam") for name in ("run", "sliced"))
    assert tiny.differences(one["state_dict"], other["state_dict"]) == []
