"""One bad recording ends no build, and an interruption is one at once."""

import errno

import numpy as np
import pytest

import corpus.building.committing
from corpus.build import build_corpus
from corpus.building.source_records import read_records
from corpus.readers.find import find_sources
from corpus.store import Corpus
from corpus.verify import verify
from corpus.writing.writer import CorpusWriter


def _build(inputs, out, **options):
    return build_corpus([inputs], out, (16, 24), progress=False, **{"jobs": 1, **options})


@pytest.fixture
def folder(tmp_path, drawn):
    """Three lossless videos."""
    for seed, name in enumerate("abc"):
        drawn.write_video(tmp_path / "in" / f"{name}.mp4", drawn.noise(9, seed=seed))
    return tmp_path / "in"


def _left_out(out):
    return {record.file: record.left_out for record in read_records(out) if record.left_out}


def test_an_action_out_of_range_leaves_its_recording_out(tmp_path, folder):
    for name, action in (("a", 1), ("b", 40_000), ("c", -1)):
        np.save(folder / f"{name}.actions.npy", np.full(8, action))
    out = _build(folder, tmp_path / "out")
    assert Corpus.open(out).num_episodes == 2
    reason = "the action 40000 is none of 0 to 32767, or -1 for unknown"
    assert _left_out(out) == {"b.mp4": reason}


def test_damaged_actions_leave_their_recording_out(tmp_path, folder):
    for name in "ac":
        (folder / f"{name}.jsonl").write_text('{"action": "w"}\n' * 9)
    (folder / "b.jsonl").write_text('{"action": "w"}\n{"act')
    out = _build(folder, tmp_path / "out")
    assert Corpus.open(out).num_episodes == 2
    (reason,) = _left_out(out).values()
    assert "b.jsonl is damaged json" in reason
    with pytest.raises(ValueError, match="b.jsonl is damaged json"):
        _build(folder, tmp_path / "strict", strict=True)


def test_a_build_that_lacks_only_its_name_goes_on_also_where_files_were_left_out(
    tmp_path, folder, drawn, monkeypatch
):
    (folder / "bad.mp4").write_bytes(b"no video")
    whole = drawn.tree(_build(folder, tmp_path / "whole"))

    def stop(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(CorpusWriter, "finish", stop)
        _build(folder, tmp_path / "out")
    assert drawn.tree(_build(folder, tmp_path / "out", resume=True)) == whole


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "full")])
def test_an_interrupted_commit_ends_the_workers_before_it_is_told(
    tmp_path, folder, monkeypatch, error
):
    closed, stage_all = [], corpus.building.committing.stage_all

    def watched(*arguments):
        try:
            yield from stage_all(*arguments)
        finally:
            closed.append(True)

    def fail(self, *_):
        raise error

    monkeypatch.setattr(corpus.building.committing, "stage_all", watched)
    monkeypatch.setattr(CorpusWriter, "end_episode", fail)
    try:
        _build(folder, tmp_path / "out")
    except (KeyboardInterrupt, OSError):
        assert closed  # while the traceback still holds the generator
    else:
        raise AssertionError("it was not interrupted")


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85"])
def test_any_name_makes_a_corpus_that_can_be_read_and_updated(tmp_path, drawn, monkeypatch, mark):
    folder, out = tmp_path / "in", tmp_path / "out"
    drawn.write_video(folder / f"a{mark}b.mp4", drawn.noise(9, seed=0))
    drawn.write_video(folder / "c.mp4", drawn.noise(9, seed=1))
    commit = CorpusWriter.end_episode

    def interrupted(self, *arguments):
        if self.records:
            raise KeyboardInterrupt
        commit(self, *arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(CorpusWriter, "end_episode", interrupted)
        _build(folder, out)
    _build(folder, out, resume=True)
    _build(folder, out, update=True)
    verify(out, progress=False)
    assert [record.file for record in read_records(out)] == [f"a{mark}b.mp4", "c.mp4"]
    assert len(find_sources([folder]).sources) == 2


@pytest.mark.parametrize("size", [(16, 24), "auto"])
@pytest.mark.parametrize("crop", [(0, 200, 100, 100), (0, 100, 100, 100)])
def test_a_crop_box_outside_the_picture_is_said(tmp_path, drawn, size, crop):
    codec = ("libx264", "yuv420p", {"preset": "ultrafast", "g": "1"})
    path = drawn.write_video(tmp_path / "a.mp4", drawn.noise(40, 120, 160), codec=codec)
    with pytest.raises(ValueError, match=r"a\.mp4: the crop box .* outside the picture of 160x120"):
        build_corpus([path], tmp_path / "out", size, crop=crop, progress=False, jobs=1)


@pytest.mark.parametrize("size", [(16, 24), "auto"])
@pytest.mark.parametrize("crop", [(0, 0, 1, 100), (119, 0, 1, 160), (0, 959, 120, 1)])
def test_a_crop_box_of_one_row_or_column_is_read(tmp_path, drawn, size, crop):
    codec = ("libx264", "yuv420p", {"preset": "ultrafast", "g": "1"})
    path = drawn.write_video(tmp_path / "a.mp4", drawn.noise(20, 120, 960), codec=codec)
    out = build_corpus([path], tmp_path / "out", size, crop=crop, progress=False, jobs=1)
    assert Corpus.open(out).num_frames > 0
