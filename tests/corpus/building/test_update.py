"""An update takes over what did not change, and nothing of the user's is lost by it."""

import hashlib
import json
import os

import numpy as np
import pytest

from corpus.build import build_corpus
from corpus.building.source_records import read_records
from corpus.join import join_corpora
from corpus.lock import Lock, LockedError
from corpus.readers.base import ReadOptions
from corpus.store import Corpus


@pytest.fixture
def folder(tmp_path, drawn):
    """Three lossless videos."""
    for seed, name in enumerate("abc"):
        drawn.write_video(tmp_path / "in" / f"{name}.mp4", drawn.noise(40, seed=seed))
    return tmp_path / "in"


def _build(inputs, out, **options):
    inputs = inputs if isinstance(inputs, list) else [inputs]
    return build_corpus(inputs, out, (16, 24), progress=False, jobs=1, **options)


def _files(path):
    return [record["file"] for record in Corpus.open(path).provenance]


def test_folders_of_the_user_beside_the_corpus_are_left_alone(tmp_path, folder, drawn):
    out = _build(folder, tmp_path / "out")
    (tmp_path / "out.old").mkdir()
    (tmp_path / "out.old" / "notes").write_text("mine")
    drawn.make_corpus(tmp_path / "out.updated", [5], 16, 24)
    mine = drawn.tree(tmp_path / "out.updated")
    drawn.write_video(folder / "d.mp4", drawn.noise(9, seed=9))
    _build(folder, out, update=True)
    assert _files(out) == ["a.mp4", "b.mp4", "c.mp4", "d.mp4"]
    assert (tmp_path / "out.old" / "notes").read_text() == "mine"
    assert drawn.tree(tmp_path / "out.updated") == mine
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "in", "out", "out.old", "out.updated",
    ]  # fmt: skip


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_an_update_that_ended_at_its_renames_is_ended(
    tmp_path, folder, drawn, monkeypatch, renames
):
    out = _build(folder, tmp_path / "out")
    drawn.write_video(folder / "d.mp4", drawn.noise(9, seed=9))
    rename, done = os.rename, []

    def interrupted(old, new):
        if "out" in (old.name, new.name):
            if len(done) == renames:
                raise KeyboardInterrupt
            done.append(new)
        rename(old, new)

    with monkeypatch.context() as patch:
        patch.setattr("corpus.building.previous.os.rename", interrupted)
        if renames < 2:
            with pytest.raises(KeyboardInterrupt):
                _build(folder, out, update=True)
        else:  # the replaced one is not removed any more
            patch.setattr("corpus.building.previous.shutil.rmtree", lambda *_, **__: None)
            _build(folder, out, update=True)
            assert (tmp_path / ".out.replaced").exists()
    _build(folder, out, update=True)
    assert drawn.tree(out) == drawn.tree(_build(folder, tmp_path / "fresh"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh", "in", "out"]


def test_what_is_interrupted_names_the_flag_that_goes_on(tmp_path, folder, drawn, monkeypatch):
    out = _build(folder, tmp_path / "out")
    drawn.write_video(folder / "d.mp4", drawn.noise(9, seed=9))

    def interrupted(writer):
        raise KeyboardInterrupt

    monkeypatch.setattr("corpus.writing.writer.CorpusWriter.finish", interrupted)
    for target, flag in ((out, "--update"), (tmp_path / "new", "--resume")):
        with pytest.raises(KeyboardInterrupt, match=f"4 episodes are kept.*go on with {flag}$"):
            _build(folder, target, update=target == out)


def test_an_update_without_an_old_input_is_refused_unless_nothing_is_lost(tmp_path, folder, drawn):
    new = drawn.write_video(tmp_path / "new.mp4", drawn.noise(9, seed=9))
    out = _build(folder, tmp_path / "out")
    before = drawn.tree(out)
    with pytest.raises(
        ValueError, match="built of in, which is not given.*a.mp4 and 2 more"
    ) as got:
        _build(new, out, update=True)
    assert "\n" not in str(got.value) and drawn.tree(out) == before
    _build([folder, new], out, update=True)
    assert _files(out) == ["a.mp4", "b.mp4", "c.mp4", "new.mp4"]
    (folder / "b.mp4").unlink()
    _build([folder, new], out, update=True)
    assert _files(out) == ["a.mp4", "c.mp4", "new.mp4"]


def test_an_input_of_the_same_name_is_another_one(tmp_path, drawn):
    parts = [
        drawn.write_video(tmp_path / f"part{number}" / "video.mp4", drawn.noise(9, seed=number))
        for number in range(3)
    ]
    out = _build(parts[:2], tmp_path / "out")
    with pytest.raises(ValueError, match=r"would remove part1/video\.mp4\. Name all inputs"):
        _build(parts[2], out, update=True)
    _build(parts, out, update=True)
    assert Corpus.open(out).num_episodes == 3


@pytest.mark.parametrize("damage", ["missing", "torn"])
def test_damage_is_not_taken_over(tmp_path, folder, drawn, damage):
    out = _build(folder, tmp_path / "out")
    chunk = out / "frames" / "c.1.0.0.0"
    chunk.unlink() if damage == "missing" else chunk.write_bytes(b"torn")
    drawn.write_video(folder / "d.mp4", drawn.noise(9, seed=9))
    with pytest.raises(
        ValueError, match=r"out (is damaged|cannot be read)|damaged, build it again"
    ):
        _build(folder, out, update=True)
    assert len(_files(out)) == 3


def test_a_corpus_that_another_program_makes_is_not_updated(tmp_path, folder):
    out = _build(folder, tmp_path / "out")
    with Lock(out), pytest.raises(LockedError, match="out is being written"):
        _build(folder, out, update=True)
    _build(folder, out, update=True)


def test_a_link_to_a_corpus_stays_one(tmp_path, folder, drawn):
    _build(folder, tmp_path / "large" / "c")
    (tmp_path / "c").symlink_to(tmp_path / "large" / "c")
    drawn.write_video(folder / "d.mp4", drawn.noise(9, seed=9))
    for _ in range(2):
        _build(folder, tmp_path / "c", update=True)
        assert (tmp_path / "c").is_symlink() and len(_files(tmp_path / "large" / "c")) == 4
    assert [path.name for path in (tmp_path / "large").iterdir()] == ["c"]


def test_corrected_actions_are_read(tmp_path, folder):
    for name in "abc":
        np.save(folder / f"{name}.actions.npy", np.zeros(39, np.int64))
    np.save(folder / "b.actions.npy", np.zeros(5, np.int64))
    out = _build(folder, tmp_path / "out")
    assert _files(out) == ["a.mp4", "c.mp4"]
    np.save(folder / "a.actions.npy", np.ones(39, np.int64))
    np.save(folder / "b.actions.npy", np.full(39, 2))
    _build(folder, out, update=True)
    actions = Corpus.open(out).true_actions().reshape(3, 40)
    assert (actions[:, :-1] == [[1], [2], [0]]).all()


def test_stamps_without_actions_are_those_of_older_corpora(tmp_path, drawn):
    frames = drawn.noise(3, seed=1)
    (tmp_path / "in").mkdir()
    np.savez(tmp_path / "in" / "a.npz", frames=frames)
    data = (tmp_path / "in" / "a.npz").read_bytes()
    out = _build(tmp_path / "in", tmp_path / "out", fps=15)
    old = hashlib.sha256(b"arrays 0" + f"{len(data)}\n".encode() + data + data)
    assert [record.stamp for record in read_records(out)] == [old.hexdigest()]


def _keys(folder, name, keys):
    lines = (json.dumps({"action": key}) + "\n" for key in keys)
    (folder / f"{name}.jsonl").write_text("".join(lines))


def test_new_words_for_actions_are_told(tmp_path, folder, drawn):
    for name in "abc":
        _keys(folder, name, ["w"] * 30 + ["a"] * 10)
    said = []
    out = _build(folder, tmp_path / "out", tell=said.append)
    drawn.write_video(folder / "d.mp4", drawn.noise(9, seed=9))
    _keys(folder, "d", ["a"] * 5 + ["space"] * 4)
    _build(folder, out, update=True, tell=said.append)
    (line,) = said
    assert "no number for the actions 'space'" in line and "build it again" in line
    assert Corpus.open(out).action_labels == {"w": 0, "a": 1}
    assert Corpus.open(out).true_actions()[-9:].tolist() == [1] * 5 + [-1] * 4


def test_corpora_that_number_keys_differently_are_not_joined(tmp_path, drawn):
    for name, keys in {"a": "wwwa", "b": "aaaw", "c": "wwaw"}.items():
        drawn.write_video(tmp_path / name / f"{name}.mp4", drawn.noise(4, seed=ord(name)))
        _keys(tmp_path / name, name, keys)
        _build(tmp_path / name, tmp_path / f"out-{name}")
    a, b, c = (tmp_path / f"out-{name}" for name in "abc")
    with pytest.raises(ValueError, match="out-b gives its actions other numbers than .*out-a"):
        join_corpora([a, b], tmp_path / "ab", progress=False)
    assert not list(tmp_path.glob("ab*"))
    both = Corpus.open(join_corpora([a, c], tmp_path / "ac", progress=False))
    assert both.action_labels == {"w": 0, "a": 1} and both.has_true_actions
    without = join_corpora([a, b], tmp_path / "ab", drop_actions=True, progress=False)
    assert Corpus.open(without).action_labels is None
    dropped = ReadOptions(drop_actions=True)
    assert Corpus.open(_build(tmp_path / "a", tmp_path / "d", read=dropped)).action_labels is None
