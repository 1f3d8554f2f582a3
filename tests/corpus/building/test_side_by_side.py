"""Builds in several processes, on Ray, and of what has changed: the same bytes as at once."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from corpus.build import build_corpus
from corpus.building.source_records import read_records
from corpus.readers.find import find_sources
from corpus.store import Corpus

LENGTHS = (5, 70, 3, 40, 33)
MAIN = "import sys; from genie.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def folder(tmp_path, drawn):
    """Five lossless videos of several lengths."""
    for seed, length in enumerate(LENGTHS):
        drawn.write_video(tmp_path / "in" / f"{seed}.mp4", drawn.noise(length, seed=seed))
    return tmp_path / "in"


def _build(inputs, out, **options):
    return build_corpus([inputs], out, **{"size": (16, 24), "progress": False, **options})


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_side_by_side_gives_the_same_bytes_as_one_after_the_other(tmp_path, folder, drawn, engine):
    (folder / "bad.mp4").write_bytes(b"no video")
    broken = (folder / "1.mp4").read_bytes()
    (folder / "broken.mp4").write_bytes(broken[:1000] + bytes(200) + broken[1200:])
    whole = drawn.tree(_build(folder, tmp_path / "whole", jobs=1))
    assert drawn.tree(_build(folder, tmp_path / "out", jobs=2, engine=engine)) == whole
    assert Corpus.open(tmp_path / "out").num_episodes >= len(LENGTHS)


def test_workers_end_with_the_build_that_began_them(tmp_path, folder, drawn):
    """Killed, it cannot stop them; one that went on would write beside the resumed build."""
    drawn.write_video(folder / "9.mp4", drawn.noise(1500, seed=9))
    command = [sys.executable, "-c", MAIN, "corpus", "build", str(folder), "--size", "16x24"]
    build = subprocess.Popen([*command, "--out", str(tmp_path / "out"), "--jobs", "2"])
    staged = tmp_path / "out.partial" / "staged"
    until = time.monotonic() + 60
    while not (staged.exists() and any("." in path.name for path in staged.iterdir())):
        assert time.monotonic() < until and build.poll() is None
        time.sleep(0.01)
    workers = subprocess.run(
        ["pgrep", "-P", str(build.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    build.send_signal(signal.SIGKILL)
    build.wait()
    assert len(workers) >= 2
    while any(_runs(int(worker)) for worker in workers):
        assert time.monotonic() < until + 60
        time.sleep(0.1)
    resumed = _build(folder, tmp_path / "out", resume=True, jobs=1)
    assert drawn.tree(resumed) == drawn.tree(_build(folder, tmp_path / "whole", jobs=1))


def _runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return b"Z" not in open(f"/proc/{pid}/stat", "rb").read().rpartition(b")")[2].split()[:1]


def test_an_update_takes_over_what_did_not_change(tmp_path, folder, drawn, monkeypatch):
    _build(folder, tmp_path / "out")
    (folder / "0.mp4").unlink()
    drawn.write_video(folder / "2.mp4", drawn.noise(9, seed=20))
    drawn.write_video(folder / "7.mp4", drawn.noise(11, seed=7))
    decoded = []
    original = sys.modules["corpus.building.staging"].read_stacks

    def watched(source, *arguments):
        decoded.append(source.name)
        return original(source, *arguments)

    monkeypatch.setattr("corpus.building.staging.read_stacks", watched)
    updated = _build(folder, tmp_path / "out", update=True, jobs=1)
    assert decoded == ["2.mp4", "7.mp4"]
    assert drawn.tree(updated) == drawn.tree(_build(folder, tmp_path / "fresh", jobs=1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh", "in", "out"]


def test_an_update_with_nothing_new_changes_nothing(tmp_path, folder, drawn):
    before = drawn.tree(_build(folder, tmp_path / "out"))
    assert drawn.tree(_build(folder, tmp_path / "out", update=True)) == before


def test_an_update_with_other_options_or_of_another_corpus_is_refused(tmp_path, folder, drawn):
    _build(folder, tmp_path / "out")
    with pytest.raises(ValueError, match="size"):
        _build(folder, tmp_path / "out", update=True, size=(8, 12))
    drawn.make_corpus(tmp_path / "recorded", [5], 16, 24)
    with pytest.raises(ValueError, match="only what genie corpus build made"):
        _build(folder, tmp_path / "recorded", update=True)


def test_an_update_keeps_true_actions(tmp_path, folder, drawn):
    for seed, length in enumerate(LENGTHS):
        np.save(folder / f"{seed}.actions.npy", np.arange(length - 1) % 7)
    _build(folder, tmp_path / "out")
    drawn.write_video(folder / "2.mp4", drawn.noise(3, seed=20))
    updated = Corpus.open(_build(folder, tmp_path / "out", update=True))
    fresh = Corpus.open(_build(folder, tmp_path / "fresh"))
    assert updated.true_actions().tolist() == fresh.true_actions().tolist()


def test_bad_files_are_named_with_their_reasons_and_end_nothing(tmp_path, folder):
    (folder / "empty.mp4").touch()
    (folder / "link").symlink_to(folder)
    (folder / "gone.mp4").symlink_to(tmp_path / "gone.mp4")
    (folder / "twin.mp4").symlink_to(folder / "1.mp4")
    (folder / "w\udcff.mp4").write_bytes((folder / "0.mp4").read_bytes())
    (folder / "notes.txt").touch()
    out = _build(folder, tmp_path / "out")
    reasons = {record.file: record.left_out for record in read_records(out) if record.left_out}
    expected = {
        "empty.mp4": "empty",
        "link": "link to a folder",
        "gone.mp4": "link to nothing",
        "twin.mp4": "same file as 1.mp4",
        "w\\udcff.mp4": "not UTF-8",
    }
    assert reasons.keys() == expected.keys()
    assert all(word in reasons[name] for name, word in expected.items())
    assert Corpus.open(out).num_episodes == len(LENGTHS)
    assert find_sources([folder]).others == {".txt": 1}
    with pytest.raises(ValueError, match="and 4 more"):
        _build(folder, tmp_path / "strict", strict=True)


def test_inputs_with_files_of_the_same_name_are_told_apart(tmp_path, folder, drawn):
    drawn.write_video(tmp_path / "other" / "0.mp4", drawn.noise(6, seed=30))
    out = build_corpus([folder, tmp_path / "other"], tmp_path / "out", (16, 24), progress=False)
    names = [record["file"] for record in Corpus.open(out).provenance]
    assert names == [*(f"{seed}.mp4" for seed in range(5)), "other/0.mp4"]


def test_many_inputs_of_one_name_are_all_kept(tmp_path, drawn):
    videos = [tmp_path / "a" / f"part{n}" / "video.mp4" for n in range(4)]
    videos.append(tmp_path / "b" / "part3" / "video.mp4")
    for seed, path in enumerate(videos):
        path.parent.mkdir(parents=True)
        drawn.write_video(path, drawn.noise(6, seed=seed))
    out = build_corpus([*videos, videos[0]], tmp_path / "out", (16, 24), progress=False)
    names = [record["file"] for record in Corpus.open(out).provenance]
    assert names == [
        "video.mp4", "part1/video.mp4", "part2/video.mp4", "part3/video.mp4", "b/part3/video.mp4",
    ]  # fmt: skip
    left_out = [record.file for record in read_records(out) if record.left_out]
    assert left_out == ["part0/video.mp4"]  # the first one again


def test_an_input_that_is_named_over_and_over_has_names_of_its_own(tmp_path, drawn, monkeypatch):
    path = tmp_path / "video.mp4"
    drawn.write_video(path, drawn.noise(6, seed=1))
    names = [source.name for source in find_sources([path]).sources]
    found = find_sources([path] * 12)
    assert [source.name for source in found.sources] == names
    files = [item.name for item in found.left_out]
    assert len({*files, *names}) == 12
