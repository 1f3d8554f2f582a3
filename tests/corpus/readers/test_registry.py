import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from corpus.readers.base import ReadOptions
from corpus.readers.layout import Shaping
from corpus.readers.read import Sampler, read_frames, read_stacks
from corpus.readers.registry import READERS, reader_for

CAMERA = "observation.images.front"
DATA = Path(__file__).parent / "data"


def test_auto_knows_each_format_by_content(tmp_path, drawn):
    np.save(tmp_path / "a.npy", drawn.noise(2))
    (tmp_path / "shots").mkdir()
    for name in ("1.png", "2.png"):
        Image.fromarray(drawn.noise(1)[0]).save(tmp_path / "shots" / name)
    shutil.copy(DATA / "minari" / "data" / "main_data.hdf5", tmp_path / "no_suffix")
    expected = {
        DATA / "lerobot_v2": "lerobot",
        DATA / "lerobot_v3": "lerobot",
        DATA / "lerobot_v3" / "data" / "chunk-000" / "file-000.parquet": "parquet",
        tmp_path / "no_suffix": "hdf5",
        tmp_path / "a.npy": "arrays",
        tmp_path / "shots": "pictures",
    }
    assert {path: reader_for(path).name for path in expected} == expected


@pytest.mark.parametrize("name", ["lerobot_v2", "lerobot_v3", "minari/data/main_data.hdf5"])
def test_recordings_are_resampled_shaped_and_sampled(name):
    pytest.importorskip("h5py")
    pytest.importorskip("pyarrow")
    options = ReadOptions(fps=10, frames_key=CAMERA if name.startswith("lerobot") else None)
    for source in reader_for(DATA / name).sources(DATA / name, name, options):
        shaping = Shaping(size=(8, 12))
        frames = list(read_frames(source, options, shaping))
        assert len(frames) == source.frames and frames[0].shape == (8, 12, 3)
        doubled = list(read_frames(source, options, shaping, Fraction(20)))
        assert len(doubled) == 2 * source.frames
        sampler = Sampler(source, 3)
        assert sum(map(len, read_stacks(source, options, shaping, sampler=sampler))) == len(frames)
        samples = sampler.samples()
        assert len(samples.pictures) == 3
        assert samples.pictures[0].shape == (source.height, source.width, 3)


@pytest.mark.parametrize("content", [b"", b"x", b"\x89", b"PAR"])
def test_what_nobody_knows_is_none(tmp_path, content):
    (tmp_path / "a.dat").write_bytes(content)
    readers = [reader for name, reader in READERS.items() if name != "video"]
    assert not any(reader.matches(tmp_path / "a.dat") for reader in readers)
    assert not any(reader.matches(tmp_path / "missing") for reader in readers)


def test_an_unknown_format_is_refused_with_the_list():
    with pytest.raises(ValueError, match="'zip'; allowed are auto, lerobot, array_record, hdf5"):
        reader_for(Path("x"), "zip")
    assert reader_for(Path("x"), "hdf5") is READERS["hdf5"]


def test_a_missing_library_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"main_data.hdf5 needs .* h5py: .*worlds\[formats\]"
    ):
        READERS["hdf5"].sources(DATA / "minari" / "data" / "main_data.hdf5", "x", ReadOptions())
