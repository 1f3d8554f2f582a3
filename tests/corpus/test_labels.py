"""Labels drawn from the true actions of a corpus."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from corpus import labels as labels_module
from corpus.labels import draw_labels, write_labels


@pytest.fixture
def corpus(monkeypatch):
    """True actions of 200 frames, the last of each 20 unknown; action 3 is rare."""
    actions = np.random.default_rng(0).integers(0, 3, 200)
    actions[[5, 50, 90]] = 3
    actions[19::20] = -1
    opened = SimpleNamespace(true_actions=lambda: actions)
    monkeypatch.setattr(labels_module.Corpus, "open", lambda path: opened)
    return actions


def test_labels_are_true_actions_at_random_and_two_of_each(corpus, tmp_path):
    assert write_labels("c", tmp_path / "l.npy", 24, seed=1) == 24
    written = np.load(tmp_path / "l.npy")
    known = written >= 0
    assert known.sum() == 24 and written.dtype == np.int64 and written.shape == corpus.shape
    assert (written[known] == corpus[known]).all()
    assert np.bincount(written[known]).min() >= 2
    assert not (tmp_path / "l.json").exists()
    assert set(draw_labels(corpus, 24, 1)) != set(draw_labels(corpus, 24, 2))


def test_groups_become_labels_with_names(corpus, tmp_path):
    groups = {"left": [2], "still": [0, 3]}
    count = write_labels("c", tmp_path / "l.npy", groups=groups)
    written = np.load(tmp_path / "l.npy")
    assert json.loads((tmp_path / "l.json").read_text()) == ["left", "still"]
    assert count == np.isin(corpus, [0, 2, 3]).sum() == (written >= 0).sum()
    assert (written[corpus == 3] == 1).all() and (written[corpus == 1] == -1).all()


def test_what_cannot_be_drawn_is_refused(corpus, tmp_path):
    with pytest.raises(ValueError, match="--count must be 8 to 190"):
        write_labels("c", tmp_path / "l.npy", 7)
    with pytest.raises(ValueError, match="transitions of up"):
        write_labels("c", tmp_path / "l.npy", groups={"up": [8], "left": [1]})
    with pytest.raises(ValueError, match="a .npy file"):
        write_labels("c", tmp_path / "l.txt", 8)
    (tmp_path / "l.npy").touch()
    with pytest.raises(FileExistsError, match="--out"):
        write_labels("c", tmp_path / "l.npy", 8)


@pytest.mark.parametrize("count", [None, 8])
def test_an_action_that_is_taken_once_is_refused(corpus, tmp_path, count):
    corpus[[5, 50]] = 0
    with pytest.raises(ValueError, match="1 transition of action 3, not 2.*--action-groups"):
        write_labels("c", tmp_path / "l.npy", count)


def test_names_never_replace_a_file_of_the_user(corpus, tmp_path):
    (tmp_path / "coinrun.json").write_text("the user's own groups")
    with pytest.raises(FileExistsError, match="coinrun.json exists: choose another --out"):
        write_labels("c", tmp_path / "coinrun.npy", groups={"left": [2], "still": [0]})
    assert (tmp_path / "coinrun.json").read_text() == "the user's own groups"
    assert not (tmp_path / "coinrun.npy").exists()


def test_labels_that_cannot_be_written_whole_are_not_there(corpus, tmp_path, monkeypatch):
    def full_disk(new, file):
        raise OSError("the disk is full")

    monkeypatch.setattr("corpus.whole_file.os.replace", full_disk)
    with pytest.raises(OSError, match="full"):
        write_labels("c", tmp_path / "l.npy", 24)
    assert not list(tmp_path.iterdir())
