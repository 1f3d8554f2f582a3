"""The file of labels: what is read, and what is refused."""

import json

import numpy as np
import pytest

from train.labelled.labels import read_labels


def write(path, values, names=None):
    np.save(path, values)
    if names is not None:
        path.with_suffix(".json").write_text(json.dumps(names))
    return path


@pytest.fixture
def some(corpus):
    """Labels of 24 transitions, six of each action."""
    values = np.full(corpus.num_frames, -1)
    values[:48:2] = np.arange(24) % 4
    values[corpus.episode_ends - 1] = -1
    return values


def test_labels_are_transitions_with_actions_and_names(corpus, some, tmp_path):
    labels = read_labels(write(tmp_path / "l.npy", some), corpus)
    assert (labels.actions == some[labels.transitions]).all() and len(labels.actions) == 24
    assert (labels.num_actions, labels.names) == (4, ())
    named = read_labels(write(tmp_path / "l.npy", some, ["none", "right", "left", "down"]), corpus)
    assert named.names == ("none", "right", "left", "down")
    assert named.record() | {"names": []} == labels.record()


@pytest.mark.parametrize(
    ("change", "names", "words"),
    [
        (lambda v: v[:-1], None, "an integer for each of the 120 frames"),
        (lambda v: v.astype(float), None, "an integer for each of the 120 frames"),
        (lambda v: np.where(v == 2, -3, v), None, "actions -3 to 3"),
        (lambda v: np.where(v == 3, 64, v), None, "allowed are 0 to 63"),
        (lambda v: np.where(v == 2, 3, v), None, "0 labels of action 2: label 2 transitions"),
        (lambda v: v, ["none", "right", "left"], "allowed are 0 to 2"),
        (lambda v: v, ["none", "right", "left", "down", "up"], r"0 labels of action 4 \(up\)"),
        (lambda v: v, ["none", "right", "left", "left"], "different names"),
        (lambda v: v, ["none", "right", "left", "go down"], "no space"),
        (lambda v: np.full_like(v, -1), None, "0 labels of action 0"),
    ],
)
def test_labels_that_do_not_fit_are_refused(corpus, some, tmp_path, change, names, words):
    with pytest.raises(ValueError, match=words) as caught:
        read_labels(write(tmp_path / "l.npy", change(some), names), corpus)
    assert "\n" not in str(caught.value)


def test_an_action_behind_the_last_frame_and_other_files_are_refused(corpus, some, tmp_path):
    some[19] = 1
    with pytest.raises(ValueError, match="frame 19, the last one of an episode"):
        read_labels(write(tmp_path / "l.npy", some), corpus)
    with pytest.raises(FileNotFoundError, match="genie corpus labels"):
        read_labels(tmp_path / "none.npy", corpus)
    (tmp_path / "text.npy").write_text("1, 2, 3")
    with pytest.raises(ValueError, match="not a numpy file"):
        read_labels(tmp_path / "text.npy", corpus)
