from pathlib import Path

import numpy as np
import pytest

from corpus.readers.base import ReadOptions
from corpus.readers.hdf5 import Hdf5Reader

h5py = pytest.importorskip("h5py")
MINARI = Path(__file__).parent / "data" / "minari" / "data" / "main_data.hdf5"
READER = Hdf5Reader()


def read(source, options):
    return np.stack([picture for _, picture in READER.pictures(source, options)])


def write(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file.create_dataset(name.replace("__", "/"), data=values)
    return path


def test_a_file_that_minari_wrote_comes_back_frame_for_frame():
    options = ReadOptions(fps=12.5)
    assert READER.matches(MINARI)
    found = READER.sources(MINARI, "walk", options)
    assert [(source.name, source.frames) for source in found] == [("walk#0", 6), ("walk#1", 4)]
    for episode, source in enumerate(found):
        expected = np.full((source.frames, 16, 24, 3), (40 + 60 * episode, 90, 200), np.uint8)
        for step in range(source.frames):
            expected[step, 4:8, 2 * step : 2 * step + 4] = 255
        assert (read(source, options) == expected).all()
        steps = np.arange(source.frames - 1) % 3
        assert (READER.actions(source, options) == steps).all()
        assert [time for time, _ in READER.pictures(source, options)][2] * source.fps == 2


@pytest.mark.parametrize(
    ("name", "marks"),
    [
        ("ends", np.array([3, 5, 9])),
        ("starts", np.array([0, 3, 5])),
        ("ids", np.array([4, 4, 4, 0, 0, 7, 7, 7, 7])),
        ("terminals", np.array([0, 0, 1, 0, 1, 0, 0, 0, 1], np.float32)),
        ("flags", np.array([0, 0, 1, 0, 1, 0, 0, 0, 1], bool)),
    ],
)
def test_episode_marks_of_each_kind(tmp_path, drawn, name, marks):
    frames = drawn.noise(9)
    path = write(tmp_path / "a.h5", data__image=frames, data__action=np.arange(9), **{name: marks})
    options = ReadOptions(frames_key="image", episode_key=name)
    found = READER.sources(path, "a", options)
    assert [source.frames for source in found] == [3, 2, 4]
    assert (np.concatenate([read(source, options) for source in found]) == frames).all()
    assert READER.actions(found[2], options).tolist() == [5, 6, 7]


def test_compressed_chunks_and_channels_first(tmp_path, drawn):
    frames = drawn.noise(50, 8, 12)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        values = np.moveaxis(frames, -1, 1)
        file.create_dataset("video", data=values, chunks=(7, 3, 8, 6), compression="gzip")
    (source,) = READER.sources(tmp_path / "a.h5", "a", ReadOptions())
    assert (source.height, source.width, source.fps) == (8, 12, None)
    assert (read(source, ReadOptions()) == frames).all()


def test_several_arrays_of_pictures_are_refused_with_their_names(tmp_path, drawn):
    frames = drawn.noise(3)
    path = write(tmp_path / "a.h5", demo_0__left=frames, demo_0__right=frames, demo_1__left=frames)
    with pytest.raises(ValueError, match="a.h5 has several .* demo_#/left, demo_#/right"):
        READER.sources(path, "a", ReadOptions())
    assert len(READER.sources(path, "a", ReadOptions(frames_key="left"))) == 2
    with pytest.raises(ValueError, match="has no array of pictures 'top'"):
        READER.sources(path, "a", ReadOptions(frames_key="top"))


def test_marks_that_do_not_fit_are_refused(tmp_path, drawn):
    path = write(tmp_path / "a.h5", x=drawn.noise(9), ends=np.array([3, 2, 9]))
    with pytest.raises(ValueError, match="a.h5:ends are no starts or ends of episodes of 9"):
        READER.sources(path, "a", ReadOptions(episode_key="ends"))


def test_continuous_actions_are_left_out_with_a_note(tmp_path, drawn):
    path = write(tmp_path / "a.h5", x=drawn.noise(4), actions=np.zeros((4, 2)))
    (source,) = READER.sources(path, "a", ReadOptions())
    assert not source.has_actions and source.notes == (
        "actions are not one integer a frame: left out",
    )


def test_data_in_other_files_is_not_opened(tmp_path, drawn):
    (tmp_path / "raw").write_bytes(drawn.noise(2, 4, 4).tobytes())
    with h5py.File(tmp_path / "a.h5", "w") as file:
        outside = [(str(tmp_path / "raw"), 0, 96)]
        file.create_dataset("x", (2, 4, 4, 3), np.uint8, external=outside)
        file["y"] = h5py.ExternalLink("other.h5", "/x")
    (source,) = READER.sources(tmp_path / "a.h5", "a", ReadOptions())
    with pytest.raises(ValueError, match="keeps its data in other files"):
        read(source, ReadOptions())


def test_a_chunk_that_would_take_the_memory_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset(
            "x", (2000, 1000, 1000, 3), np.uint8, chunks=(1000, 1000, 1000, 3), compression=9
        )
    (source,) = READER.sources(tmp_path / "a.h5", "a", ReadOptions())
    with pytest.raises(ValueError, match="too large to unpack: store it again"):
        next(READER.pictures(source, ReadOptions()))


def test_a_damaged_file_is_named(tmp_path, drawn):
    path = write(tmp_path / "a.h5", x=drawn.noise(40, 32, 32))
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(ValueError, match="a.h5 is a damaged HDF5 file") as caught:
        READER.sources(path, "a", ReadOptions())
    assert "\n" not in str(caught.value)
