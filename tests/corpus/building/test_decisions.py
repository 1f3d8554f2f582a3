"""What the user decides holds, whatever curation says."""

import dataclasses

import numpy as np
import pytest
import zarr

from corpus.build import build_corpus
from corpus.building.source_records import read_records, write_records
from corpus.building.summary import write_decisions
from corpus.store import Corpus

HEADER = "file,start,stop,decision,reason\n"


@pytest.fixture
def folder(tmp_path, drawn):
    """A level that a camera pans over, twice."""
    rng = np.random.default_rng(0)
    level = rng.integers(0, 256, (8, 80, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    pictures = np.stack([level[:, 4 * step : 4 * step + 64] for step in range(120)])
    for name in "ab":
        drawn.write_video(tmp_path / "in" / f"{name}.mp4", pictures)
    return tmp_path / "in"


def _build(inputs, out, rows=None, **options):
    if rows is not None:
        options["decisions"] = out.with_name("rows.csv")
        options["decisions"].write_text(HEADER + rows)
    return build_corpus([inputs], out, (64, 64), progress=False, jobs=1, **options)


def _decided(out):
    return {record.file: record.decided() for record in read_records(out)}


def test_a_copy_that_the_user_keeps_is_kept_also_by_updates(tmp_path, folder, drawn):
    out = _build(folder, tmp_path / "plain")
    assert [stretch.decision for stretch in _decided(out)["b.mp4"]] == ["drop"]
    written = write_decisions(out, tmp_path / "written.csv").read_text()
    rows = written.replace("drop,duplicate", "keep,duplicate").removeprefix(HEADER)
    out = _build(folder, tmp_path / "out", rows)
    assert Corpus.open(out).num_frames == 240
    drawn.write_video(folder / "c.mp4", drawn.noise(9, 64, 64, seed=9))
    _build(folder, out, rows, update=True)
    assert Corpus.open(out).num_frames == 249


def test_a_copy_that_an_older_version_dropped_all_the_same_is_read_again(tmp_path, folder):
    rows = "b.mp4,,,keep,mine\n"
    out = _build(folder, tmp_path / "out", rows, keep=["duplicates"])
    plain = _build(folder, tmp_path / "plain")
    old = {"b.mp4": read_records(plain)[1].stretches}
    records = read_records(out)
    changed = [dataclasses.replace(r, stretches=old.get(r.file, r.stretches)) for r in records]
    # As an older version left it: the row in its options, and the copy dropped.
    group = zarr.open_group(plain, mode="r+")
    group.attrs["options"] = {
        **group.attrs["options"],
        "decisions": [["b.mp4", None, None, "keep", "mine"]],
    }
    write_records(plain, changed)
    _build(folder, plain, rows, update=True)
    assert Corpus.open(plain).num_frames == 240


def test_rows_that_cannot_be_meant_are_refused_at_the_start(tmp_path, folder):
    for row, word in (
        ("B.mp4,,,drop,", "'B.mp4', which is none of the recordings: a.mp4, b.mp4"),
        ("b.mp4,30,,cut,", "b.mp4 from 30 s on, which ends at about 8.0 s"),
    ):
        with pytest.raises(ValueError, match=word):
            _build(folder, tmp_path / "out", row + "\n")
    assert not list(tmp_path.glob("out*"))


def test_a_row_just_behind_the_end_leaves_its_recording_out(tmp_path, folder):
    out = _build(folder, tmp_path / "out", "b.mp4,8.5,,cut,\n")
    assert [record.left_out for record in read_records(out)] == [
        "", "ends at 8.000 s, before the cut at 8.5 s",
    ]  # fmt: skip


def test_rows_of_what_left_the_folder_do_not_hinder_an_update(tmp_path, folder):
    out = _build(folder, tmp_path / "out", "b.mp4,,,drop,mine\n")
    (folder / "b.mp4").unlink()
    _build(folder, out, "b.mp4,,,drop,mine\n", update=True)
    assert list(_decided(out)) == ["a.mp4"]
