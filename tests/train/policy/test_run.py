"""`genie train policy`, from a corpus and a world to RUN/policy."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from genie.agents.policy import load_policy, save_policy
from genie.library.bundle import load_bundle
from train.policy import run
from train.policy.run import train_policy


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """A fit of four steps; the tiny world reads one action only, so all are moved on."""
    monkeypatch.setattr(run, "FIT", replace(run.FIT, steps=4, batch=4, checks=2))
    read = run.read_actions

    def moved(frames, lam):
        actions = read(frames, lam)
        turn = np.arange(len(actions)) % lam.config.num_actions
        return np.where(actions < 0, -1, (actions + turn) % lam.config.num_actions)

    monkeypatch.setattr(run, "read_actions", moved)


@pytest.fixture
def labels(finished, tmp_path):
    values = np.full(finished.corpus.num_frames, -1)
    values[: finished.corpus.episode_ends[0] - 1] = 3
    np.save(tmp_path / "labels.npy", values)
    (tmp_path / "labels.json").write_text(json.dumps(["none", "left", "up", "right"]))
    return tmp_path / "labels.npy"


def clone(finished, out, **options):
    train_policy(finished.corpus.path, str(finished.out / "world"), out, **options)
    return load_policy(out / "policy")


def test_a_policy_names_what_it_is_made_of_and_its_buttons(finished, labels, tmp_path):
    policy = clone(finished, tmp_path / "r", labels=labels)  # its true actions cannot be opened
    world = load_bundle(finished.out / "world")
    assert policy.made_of["world"] == world.fingerprint
    assert policy.made_of["corpus"] == finished.corpus.fingerprint
    assert policy.buttons == (3,) * world.num_actions and policy.names[3] == "right"
    frame = finished.corpus.read(0, 1)[0]
    assert policy.button(policy.act(frame, frame)) == 3
    plain = clone(finished, tmp_path / "plain")
    assert plain.buttons is None and plain.network.config == policy.network.config


def test_a_run_that_exists_is_refused_and_gone_on_with_only_as_it_was_begun(finished, tmp_path):
    clone(finished, tmp_path)
    with pytest.raises(FileExistsError, match="--resume"):
        clone(finished, tmp_path)
    clone(finished, tmp_path, resume=True)
    with pytest.raises(ValueError, match="begun with another seed"):
        clone(finished, tmp_path, resume=True, seed=1)


def test_what_does_not_fit_is_refused_before_anything_is_written(finished, labels, tmp_path, tiny):
    other = tiny.write_corpus(tmp_path / "other", size=(24, 24))
    with pytest.raises(ValueError, match="--size 16x16"):
        train_policy(other.path, str(finished.out / "world"), tmp_path / "r")
    np.save(labels, np.zeros(3, int))
    with pytest.raises(ValueError, match="an integer for each"):
        clone(finished, tmp_path / "r", labels=labels)
    with pytest.raises(ValueError, match="--minutes must be above 0"):
        clone(finished, tmp_path / "r", minutes=0)
    assert not (tmp_path / "r").exists()


def test_another_world_may_take_the_place_of_one_that_reads_no_action(
    finished, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(run, "without_idle", lambda actions, idle: np.full_like(actions, -1))
        with pytest.raises(ValueError, match="or a world whose actions are healthy"):
            clone(finished, tmp_path)
    assert not (tmp_path / "policy").exists()
    clone(finished, tmp_path, seed=1)  # what the message advises is to begin otherwise


def test_a_policy_whose_files_were_not_replaced_together_is_written_anew(finished, tmp_path):
    made = clone(finished, tmp_path / "r")
    other = clone(finished, tmp_path / "other", seed=1)
    before = (tmp_path / "r/policy/policy.json").read_bytes()
    save_policy(tmp_path / "r/policy", other)
    (tmp_path / "r/policy/policy.json").write_bytes(before)  # killed between the two
    with pytest.raises(ValueError, match="genie train policy --resume writes it anew"):
        load_policy(tmp_path / "r/policy")
    healed = clone(finished, tmp_path / "r", resume=True)
    assert all(
        torch.equal(one, two)
        for one, two in zip(made.network.parameters(), healed.network.parameters(), strict=True)
    )
