import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from corpus.build import build_corpus, parse_size
from corpus.lock import LockedError
from corpus.readers.base import ReadOptions
from corpus.readers.find import find_sources
from corpus.store import Corpus
from corpus.writing.writer import CorpusWriter

SIZE = (16, 24)
LENGTHS = (5, 40, 3)


@pytest.fixture
def folder(tmp_path, drawn):
    """Three lossless videos, one of them in a folder below."""
    names = ("a.mp4", "b/c.mkv", "d.mp4")
    for seed, (name, length) in enumerate(zip(names, LENGTHS, strict=True)):
        drawn.write_video(tmp_path / "in" / name, drawn.noise(length, seed=seed))
    return tmp_path / "in"


def _build(inputs, out, **options):
    inputs = inputs if isinstance(inputs, list) else [inputs]
    return build_corpus(inputs, out, **{"size": SIZE, "progress": False, **options})


def test_each_video_becomes_one_episode(tmp_path, folder, drawn):
    corpus = Corpus.open(_build(folder, tmp_path / "out", licence="CC0"))
    assert np.diff(corpus.episode_ends, prepend=0).tolist() == list(LENGTHS)
    for index, length in enumerate(LENGTHS):
        read = corpus.read(*corpus.episode(index))
        assert (read == drawn.noise(length, seed=index)).all()
    assert [r["file"] for r in corpus.provenance] == ["a.mp4", "b/c.mkv", "d.mp4"]
    assert (corpus.fps, corpus.source, corpus.licence) == (15.0, "in", "CC0")
    assert corpus.card.options["fit"] == "crop" and corpus.card.options["size"] == [16, 24]


def test_folders_are_searched_sorted_without_hidden_and_other_files(tmp_path, folder):
    (folder / ".hidden.mp4").touch()
    (folder / ".cache").mkdir()
    (folder / ".cache" / "e.mp4").touch()
    (folder / "notes.txt").touch()
    assert [source.name for source in find_sources([folder]).sources] == [
        "a.mp4",
        "b/c.mkv",
        "d.mp4",
    ]
    given = [folder / "d.mp4", folder / "b"]
    assert [source.name for source in find_sources(given).sources] == ["d.mp4", "c.mkv"]


def test_bad_lists_of_videos_are_refused(tmp_path, folder):
    (tmp_path / "bare").mkdir()
    for inputs, word in (
        ([], "nothing given"),
        ([tmp_path / "bare"], "holds no recording"),
    ):
        with pytest.raises(ValueError, match=word):
            _build(inputs, tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="no file or folder"):
        _build(tmp_path / "none", tmp_path / "out")
    assert not list(tmp_path.glob("out*"))
    (twice,) = find_sources([folder, folder / "a.mp4"]).left_out
    assert twice.reason == "is the same file as a.mp4"


@pytest.mark.parametrize("stop_after", [0, 1, 2])
def test_a_resumed_build_equals_an_uninterrupted_one(
    tmp_path, folder, drawn, monkeypatch, stop_after
):
    whole = drawn.tree(_build(folder, tmp_path / "whole"))
    commit = CorpusWriter.end_episode

    def interrupted(self, *arguments):
        if len(self.records) == stop_after:
            raise KeyboardInterrupt
        commit(self, *arguments)

    monkeypatch.setattr(CorpusWriter, "end_episode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _build(folder, tmp_path / "out")
    monkeypatch.undo()
    if stop_after == 0:
        assert [path.name for path in tmp_path.glob("*out*")] == []  # nothing worth keeping
    else:
        with pytest.raises(FileExistsError, match="--resume"):
            _build(folder, tmp_path / "out")
    assert drawn.tree(_build(folder, tmp_path / "out", resume=True)) == whole


def test_a_broken_video_among_good_ones_is_left_out_unless_that_is_refused(tmp_path, folder, drawn):
    drawn.write_video(folder / "d.mp4", drawn.noise(60, 32, 32), options={"movflags": "faststart"})
    data = (folder / "d.mp4").read_bytes()
    (folder / "d.mp4").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=r"d\.mp4 is corrupt or truncated"):
        _build(folder, tmp_path / "strict", strict=True)
    assert not (tmp_path / "strict").exists()
    corpus = Corpus.open(_build(folder, tmp_path / "out"))
    assert corpus.num_episodes == 2
    (folder / "d.mp4").unlink()
    assert corpus.fingerprint == Corpus.open(_build(folder, tmp_path / "fresh")).fingerprint


def test_a_build_that_committed_nothing_leaves_nothing(tmp_path, drawn):
    path = drawn.write_video(
        tmp_path / "a.mp4", drawn.noise(60, 32, 32), options={"movflags": "faststart"}
    )
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(ValueError, match="truncated"):
        _build(path, tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"size": (8, 12)}, "16x24|size"), ({"fit": "pad"}, "fit"), ({"fps": 15}, "fps")],
)
def test_resuming_with_other_options_is_refused(tmp_path, folder, monkeypatch, changes, word):
    _interrupt(tmp_path, folder, monkeypatch)
    with pytest.raises(ValueError, match=word):
        _build(folder, tmp_path / "out", resume=True, **changes)


def test_resuming_with_other_videos_is_refused(tmp_path, folder, drawn, monkeypatch):
    _interrupt(tmp_path, folder, monkeypatch)
    drawn.write_video(folder / "a.mp4", drawn.noise(6, seed=9))
    with pytest.raises(ValueError, match=r"has a\.mp4 as recording 0"):
        _build(folder, tmp_path / "out", resume=True)


def _interrupt(tmp_path, folder, monkeypatch):
    """Leave a build with two committed episodes."""

    def stop(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(CorpusWriter, "finish", stop)
    with pytest.raises(KeyboardInterrupt):
        _build([folder / "a.mp4", folder / "b"], tmp_path / "out")
    monkeypatch.undo()


def test_an_existing_out_is_refused_and_untouched(tmp_path, folder):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    for resume in (False, True):
        with pytest.raises(FileExistsError, match="exists"):
            _build(folder, tmp_path / "out", resume=resume)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_a_full_disk_gives_one_line_and_the_build_can_be_resumed(
    tmp_path, folder, drawn, monkeypatch
):
    whole = drawn.tree(_build(folder, tmp_path / "whole"))
    write = Path.write_bytes

    def full(path, data):
        if path.name.startswith("c.1.0.0.0"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="the disk is full") as caught:
        _build(folder, tmp_path / "out")
    assert "--resume" in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
    monkeypatch.undo()
    assert drawn.tree(_build(folder, tmp_path / "out", resume=True)) == whole


def test_videos_of_different_rates_need_a_common_one(tmp_path, folder, drawn):
    drawn.write_video(folder / "e.mp4", drawn.noise(10, seed=5), fps=30)
    with pytest.raises(ValueError, match="choose one with --fps"):
        _build(folder, tmp_path / "out")
    corpus = Corpus.open(_build(folder, tmp_path / "out", fps=15))
    assert np.diff(corpus.episode_ends, prepend=0).tolist() == [*LENGTHS, 5]
    assert corpus.fps == 15.0


def test_resampling_changes_the_number_of_frames(tmp_path, folder):
    corpus = Corpus.open(_build(folder / "b", tmp_path / "out", fps=7.5))
    assert (corpus.num_frames, corpus.fps) == (20, 7.5)


def _with_actions(path, drawn, length=6, count=None, dtype=np.int64):
    drawn.write_video(path, drawn.noise(length))
    actions = np.arange(length - 1 if count is None else count, dtype=dtype)
    np.save(path.with_name(path.stem + ".actions.npy"), actions)
    return path


def test_actions_beside_a_video_stay_aligned(tmp_path, drawn):
    inputs = [_with_actions(tmp_path / f"{n}.mp4", drawn, n) for n in (4, 6)]
    corpus = Corpus.open(_build(inputs, tmp_path / "out"))
    assert corpus.true_actions().tolist() == [0, 1, 2, -1, 0, 1, 2, 3, 4, -1]


def test_a_build_that_resamples_refuses_actions_unless_told_to_drop_them(tmp_path, drawn):
    path = _with_actions(tmp_path / "a.mp4", drawn)
    with pytest.raises(ValueError, match="--drop-actions"):
        _build(path, tmp_path / "out", fps=30)
    corpus = Corpus.open(
        _build(path, tmp_path / "out", fps=30, read=ReadOptions(drop_actions=True))
    )
    assert corpus.num_frames == 12
    with pytest.raises(ValueError, match="no true actions"):
        corpus.true_actions()


def test_asking_for_the_rate_that_a_video_has_keeps_its_actions(tmp_path, drawn):
    path = _with_actions(tmp_path / "a.mp4", drawn)
    corpus = Corpus.open(_build(path, tmp_path / "out", fps=15))
    assert corpus.true_actions().tolist() == [0, 1, 2, 3, 4, -1]


@pytest.mark.parametrize(("count", "dtype"), [(4, np.int64), (6, np.int64), (5, np.float32)])
def test_actions_of_the_wrong_length_or_type_are_refused(tmp_path, drawn, count, dtype):
    path = _with_actions(tmp_path / "a.mp4", drawn, 6, count, dtype)
    with pytest.raises(ValueError, match=r"a\.(mp4|actions\.npy)"):
        _build(path, tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


def test_actions_that_are_no_array_are_refused(tmp_path, drawn):
    path = _with_actions(tmp_path / "a.mp4", drawn)
    np.save(tmp_path / "a.actions.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(ValueError, match="readable npy"):
        _build(path, tmp_path / "out")


def test_actions_that_claim_more_than_their_file_holds_are_refused(tmp_path, drawn):
    path = _with_actions(tmp_path / "a.mp4", drawn)
    file = tmp_path / "a.actions.npy"
    claimed = b"(9895604649984,), }"  # 72 TiB
    file.write_bytes(file.read_bytes().replace(b"(5,), }".ljust(len(claimed)), claimed))
    with pytest.raises(ValueError, match="readable npy"):
        _build(path, tmp_path / "out")


def test_of_two_builds_of_one_corpus_the_second_is_refused(tmp_path, folder, monkeypatch):
    finish = CorpusWriter.finish

    def second_begins(self):
        with pytest.raises(LockedError, match=f"out is being written by process {os.getpid()}"):
            _build(folder, tmp_path / "out", resume=True)
        return finish(self)

    monkeypatch.setattr(CorpusWriter, "finish", second_begins)
    corpus = Corpus.open(_build(folder, tmp_path / "out", resume=True))
    assert len(corpus.provenance) == corpus.num_episodes == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_actions_beside_some_videos_only_are_refused(tmp_path, folder, drawn):
    _with_actions(folder / "e.mp4", drawn)
    with pytest.raises(ValueError, match=r"1 of 4 recordings have true actions.*a\.mp4"):
        _build(folder, tmp_path / "out")
    _build(folder, tmp_path / "out", read=ReadOptions(drop_actions=True))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"fit": "stretch"}, "--fit"),
        ({"size": (0, 4)}, "--size"),
        ({"fps": 0}, "--fps"),
        ({"fps": 1e-9}, "--fps"),
    ],
)
def test_options_out_of_range_are_refused(tmp_path, folder, options, word):
    with pytest.raises(ValueError, match=word):
        _build(folder, tmp_path / "out", **options)


def test_sizes_are_read_as_height_times_width():
    assert parse_size("64x96") == (64, 96)


@pytest.mark.parametrize(
    "text", ["64", "64x", "0x4", "axb", "64x64x3", "-1x4", "64x4097", "9" * 5000 + "x1"]
)
def test_a_size_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="height x width"):
        parse_size(text)


def test_a_corpus_can_be_moved(tmp_path, folder):
    out = _build(folder, tmp_path / "out")
    shutil.move(out, tmp_path / "moved")
    assert Corpus.open(tmp_path / "moved").num_frames == sum(LENGTHS)
