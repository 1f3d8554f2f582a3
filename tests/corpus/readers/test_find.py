"""What of files and folders is a recording."""

import shutil

import numpy as np
import pytest
from PIL import Image

from corpus.build import build_corpus
from corpus.building.source_records import read_records, stamps_of
from corpus.readers.base import ReadOptions, Source
from corpus.readers.find import find_sources
from corpus.store import Corpus
from corpus.writing.writer import CorpusWriter


def _pictures(folder, frames):
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{number:04}.png")
    return folder


def _names(*arguments, **options):
    return [source.name for source in find_sources(*arguments, **options).sources]


def _build(item, out, **options):
    return build_corpus([item], out, (16, 24), progress=False, jobs=1, **options)


@pytest.fixture
def mixed(tmp_path, drawn):
    """Videos, arrays and pictures in one folder."""
    folder = tmp_path / "mixed"
    drawn.write_video(folder / "a.mp4", drawn.noise(6))
    shutil.copy(folder / "a.mp4", folder / "b.odd")
    np.save(folder / "c.npy", drawn.noise(6))
    _pictures(folder / "shots", drawn.noise(6))
    return folder


@pytest.mark.parametrize(
    ("format", "names"),
    [("video", ["a.mp4", "b.odd"]), ("arrays", ["c.npy"]), ("pictures", ["shots"])],
)
def test_a_format_takes_what_it_knows_of_a_folder(mixed, format, names):
    found = find_sources([mixed], format)
    assert [source.name for source in found.sources] == names and not found.left_out


def test_a_format_without_anything_in_a_folder_is_said(mixed):
    with pytest.raises(ValueError, match="holds no recording: .* other files"):
        find_sources([mixed], "hdf5")


def test_a_file_that_is_named_is_read_by_the_format_that_is_named(mixed):
    shutil.copy(mixed / "c.npy", mixed / "c.raw")
    assert find_sources([mixed / "c.raw"], "video").left_out
    assert _names([mixed / "a.mp4"], "video") == ["a.mp4"]


def test_the_folder_that_one_is_in_is_read(tmp_path, drawn, monkeypatch):
    frames = drawn.noise(6)
    monkeypatch.chdir(_pictures(tmp_path / "shots", frames))
    corpus = Corpus.open(_build(".", tmp_path / "out", fps=15))
    assert (corpus.read(0, 6) == frames).all() and corpus.provenance[0]["file"] == "shots"


def test_corpora_in_a_folder_are_no_footage(tmp_path, drawn):
    """The pictures of what was dropped look like recordings."""
    black = np.zeros((20, 16, 24, 3), np.uint8)
    noise = [drawn.noise(30, seed=seed) for seed in range(3)]
    frames = np.concatenate([noise[0], black, noise[1], black, noise[2]])
    drawn.write_video(tmp_path / "a.mp4", frames)
    out = _build(tmp_path, tmp_path / "out")
    assert len(list((out / "dropped").iterdir())) == 2
    (tmp_path / "other.partial").mkdir()
    (tmp_path / "other.partial" / "zarr.json").touch()
    _pictures(tmp_path / "other.partial" / "dropped", noise[0][:2])
    assert _names([tmp_path]) == ["a.mp4"]
    _build(tmp_path, out, update=True)
    assert [record.file for record in read_records(out)] == ["a.mp4"]
    with pytest.raises(ValueError, match="out is a corpus, no footage: see genie corpus join"):
        find_sources([out])


def test_a_corpus_inside_a_folder_of_pictures_does_not_change_it(tmp_path, drawn, monkeypatch):
    shots = _pictures(tmp_path / "shots", drawn.noise(6))

    def stop(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(CorpusWriter, "finish", stop)
        _build(shots, shots / "out", fps=15)
    _build(shots, shots / "out", fps=15, resume=True)
    before = drawn.tree(shots / "out")
    assert drawn.tree(_build(shots, shots / "out", fps=15, update=True)) == before


@pytest.mark.parametrize(("reader", "below"), [("pictures", False), ("lerobot", True)])
def test_a_stamp_is_of_what_the_reader_reads(tmp_path, reader, below):
    def stamp():
        source = Source(
            name="x", path=tmp_path, reader=reader, height=1, width=1, fps=None, frames=2
        )
        return stamps_of([source], ReadOptions())

    (tmp_path / "1.png").write_bytes(b"1")
    first = stamp()
    (tmp_path / ".hidden").write_bytes(b"1")
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "zarr.json").touch()
    assert stamp() == first
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "2.png").write_bytes(b"2")
    assert (stamp() != first) == below
    (tmp_path / "1.png").write_bytes(b"11")
    assert stamp() != first


def test_a_file_of_many_recordings_is_looked_at_once(tmp_path, monkeypatch):
    (tmp_path / "a.npz").write_bytes(b"content")
    sources = [
        Source(
            name=f"a#{number}", path=tmp_path / "a.npz", reader="arrays", number=number,
            height=1, width=1, fps=None, frames=2,
        )
        for number in range(100)
    ]  # fmt: skip
    looked = []
    monkeypatch.setattr(
        "corpus.building.source_records._content", lambda *given: looked.append(0) or b"content"
    )
    assert len(set(stamps_of(sources, ReadOptions()))) == 100 and len(looked) == 1


def test_links_to_nothing_and_in_circles_are_left_out(tmp_path, drawn):
    drawn.write_video(tmp_path / "a.mp4", drawn.noise(6))
    (tmp_path / "b.mp4").symlink_to(tmp_path / "gone.mp4")
    (tmp_path / "c.mp4").symlink_to(tmp_path / "c.mp4")
    found = find_sources([tmp_path])
    assert [item.name for item in found.left_out] == ["b.mp4", "c.mp4"]
    assert found.left_out[0].reason == "is a link to nothing"
