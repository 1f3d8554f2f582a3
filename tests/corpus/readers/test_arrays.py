import io
import zipfile

import numpy as np
import pytest

from corpus.readers.arrays import ArraysReader
from corpus.readers.base import ReadOptions

NO_OPTIONS = ReadOptions()
READER = ArraysReader()


def read(source, options=NO_OPTIONS):
    return np.stack([picture for _, picture in READER.pictures(source, options)])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_episodes_come_back_frame_for_frame(tmp_path, drawn, save):
    frames = drawn.noise(9)
    save(tmp_path / "a.npz", observations=frames, actions=np.arange(9), rewards=np.zeros(9))
    assert READER.matches(tmp_path / "a.npz")
    (source,) = READER.sources(tmp_path / "a.npz", "a.npz", ReadOptions(fps=15))
    assert (source.height, source.width, source.frames, source.fps) == (16, 24, 9, 15)
    assert (read(source) == frames).all()
    assert READER.actions(source, ReadOptions()).tolist() == list(range(8))


@pytest.mark.parametrize(
    "change",
    [
        lambda frames: frames,
        lambda frames: np.moveaxis(frames, -1, 1).copy(),
        lambda frames: frames / 255.0,
        lambda frames: (frames / 255).astype(np.float32),
        lambda frames: np.concatenate([frames, frames[..., :1]], -1),
    ],
)
def test_npy_layouts(tmp_path, drawn, change):
    frames = drawn.noise(5)
    np.save(tmp_path / "a.npy", change(frames))
    (source,) = READER.sources(tmp_path / "a.npy", "a", ReadOptions())
    assert (read(source) == frames).all() and not source.has_actions


def test_grey_pictures_become_three_colours(tmp_path, drawn):
    grey = drawn.noise(5)[..., 0]
    np.save(tmp_path / "a.npy", grey)
    (source,) = READER.sources(tmp_path / "a.npy", "a", ReadOptions())
    assert (read(source) == grey[..., None]).all()


def test_actions_beside_an_npy_are_found_and_are_no_recording(tmp_path, drawn):
    np.save(tmp_path / "a.npy", drawn.noise(5))
    np.save(tmp_path / "a.actions.npy", np.arange(4))
    assert not READER.matches(tmp_path / "a.actions.npy")
    (source,) = READER.sources(tmp_path / "a.npy", "a", ReadOptions())
    assert source.has_actions
    assert READER.actions(source, ReadOptions()).tolist() == [0, 1, 2, 3]
    dropped = ReadOptions(drop_actions=True)
    assert not READER.sources(tmp_path / "a.npy", "a", dropped)[0].has_actions


def test_episode_marks_cut_an_npz(tmp_path, drawn):
    frames = drawn.noise(9)
    marks = {"episode_ends": np.array([4, 9])}
    np.savez(tmp_path / "a.npz", x=frames, action=np.arange(9), **marks)
    options = ReadOptions(episode_key="episode_ends")
    found = READER.sources(tmp_path / "a.npz", "a", options)
    assert [source.name for source in found] == ["a#0", "a#1"]
    assert (read(found[1], options) == frames[4:]).all()
    assert READER.actions(found[1], options).tolist() == [4, 5, 6, 7]


def test_several_arrays_of_pictures_are_refused_with_their_names(tmp_path, drawn):
    np.savez(tmp_path / "a.npz", one=drawn.noise(2), two=drawn.noise(2))
    with pytest.raises(ValueError, match="choose one with --frames-key: one, two"):
        READER.sources(tmp_path / "a.npz", "a", ReadOptions())
    (source,) = READER.sources(tmp_path / "a.npz", "a", ReadOptions(frames_key="two"))
    assert source.frames == 2


def npy(array):
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def claiming(shape, held=100, dtype="|u1"):
    """An npy file whose header claims another shape than it holds."""
    out = io.BytesIO()
    header = {"shape": shape, "fortran_order": False, "descr": dtype}
    np.lib.format.write_array_header_1_0(out, header)
    return out.getvalue() + bytes(held)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (claiming((10**9, 64, 64, 3)), "is cut short"),
        (claiming((-1, 64, 64, 3)), "negative|damaged"),
        (npy(np.zeros((3, 8, 8, 3), object)), "holds object"),
        (npy(np.full((3, 8, 8, 3), 7.0)), "floats outside 0 to 1"),
        (npy(np.zeros((3, 8, 8, 3), np.int32)), "holds int32"),
        (npy(np.zeros((3, 8, 8, 5), np.uint8)), "pictures are"),
        (npy(np.zeros((2, 3, 8, 8, 3), np.uint8)), "pictures are"),
        (npy(np.asfortranarray(np.zeros((3, 8, 8, 3), np.uint8))), "Fortran order"),
        (b"", "damaged"),
        (b"\x93NUMPY\x01\x00\x10\x00{'descr': [[[[[[[", "damaged"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_hostile_arrays_are_refused_in_one_line(tmp_path, data, said, zipped):
    path = tmp_path / ("a.npz" if zipped else "a.npy")
    path.write_bytes(data)
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", data)
    options = ReadOptions(frames_key="x")
    with pytest.raises(ValueError, match=said) as caught:
        read(READER.sources(path, "a", options)[0], options)
    assert "\n" not in str(caught.value) and "a.np" in str(caught.value)


def test_a_small_zip_of_a_huge_array_takes_no_memory(tmp_path):
    import tracemalloc

    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", claiming((400, 256, 256, 3), 400 * 256 * 256 * 3))
    (source,) = READER.sources(tmp_path / "a.npz", "a", ReadOptions())
    tracemalloc.start()
    for _ in READER.pictures(source, ReadOptions()):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_a_damaged_zip_is_named(tmp_path, drawn):
    np.savez_compressed(tmp_path / "a.npz", x=drawn.noise(9))
    data = bytearray((tmp_path / "a.npz").read_bytes())
    data[1000:1010] = bytes(10)
    (tmp_path / "a.npz").write_bytes(data)
    (source,) = READER.sources(tmp_path / "a.npz", "a", ReadOptions())
    with pytest.raises(ValueError, match="a.npz is damaged or cut short"):
        read(source)
