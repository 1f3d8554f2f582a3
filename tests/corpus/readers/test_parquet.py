import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from corpus.readers.base import ReadOptions
from corpus.readers.parquet import ParquetReader

DATA = Path(__file__).parent / "data"

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
NO_OPTIONS = ReadOptions()
READER = ParquetReader()


def png(frame):
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "PNG")
    return out.getvalue()


def write(path, frames, rows_per_group=4, plain=False, **columns):
    """A table as `datasets` writes one: a struct of bytes and path for each picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [png(frame) if plain else {"bytes": png(frame), "path": None} for frame in frames]
    kind = pa.binary() if plain else pa.struct({"bytes": pa.binary(), "path": pa.string()})
    table = pa.table({"image": pa.array(cells, kind), **columns})
    pq.write_table(table, path, row_group_size=rows_per_group)
    return path


def read(source, options=NO_OPTIONS):
    return np.stack([picture for _, picture in READER.pictures(source, options)])


@pytest.mark.parametrize("plain", [False, True])
def test_a_table_comes_back_frame_for_frame(tmp_path, drawn, plain):
    frames = drawn.noise(11)
    path = write(tmp_path / "a.parquet", frames, plain=plain, action=np.arange(11))
    assert READER.matches(path)
    (source,) = READER.sources(path, "a", ReadOptions(fps=30))
    assert (source.name, source.height, source.width, source.frames) == ("a", 16, 24, 11)
    assert source.fps == 30 and "one recording" in source.notes[0]
    assert (read(source) == frames).all()
    assert READER.actions(source, ReadOptions()).tolist() == list(range(10))


def test_the_files_of_a_folder_are_one_table_and_episodes_cross_them(tmp_path, drawn):
    frames, episodes = drawn.noise(20), np.repeat([3, 1, 2], [9, 4, 7])
    for part, start in enumerate((0, 6, 12)):
        rows = slice(start, (6, 12, 20)[part])
        name = tmp_path / f"train-{part}-of-3.parquet"
        write(name, frames[rows], episode_index=episodes[rows])
    assert READER.matches(tmp_path)
    found = READER.sources(tmp_path, "set", ReadOptions())
    assert [(source.name, source.frames) for source in found] == [
        ("set#0", 9),
        ("set#1", 4),
        ("set#2", 7),
    ]
    assert (np.concatenate([read(source) for source in found]) == frames).all()


def test_rows_are_put_in_the_order_of_the_frame_column(tmp_path, drawn):
    frames, order = drawn.noise(10), np.random.default_rng(0).permutation(10)
    columns = {"episode": ["a" if at < 6 else "b" for at in order], "step": order, "actions": order}
    path = write(tmp_path / "a.parquet", frames[order], **columns)
    by_first_row = READER.sources(path, "a", ReadOptions())
    found = sorted(by_first_row, key=lambda source: -source.frames)
    assert "out of order" in found[0].notes[0]
    assert (np.concatenate([read(source) for source in found]) == frames).all()
    assert READER.actions(found[0], ReadOptions()).tolist() == [0, 1, 2, 3, 4]


def test_columns_are_chosen_by_name(tmp_path, drawn):
    frames = drawn.noise(4)
    other = pa.array([png(frame) for frame in frames[::-1]])
    path = write(tmp_path / "a.parquet", frames, plain=True, other=other, game=[7, 7, 8, 8])
    with pytest.raises(
        ValueError, match="several columns, choose one with --frames-key: image, other"
    ):
        READER.sources(path, "a", ReadOptions())
    options = ReadOptions(frames_key="other", episode_key="game", actions_key="game")
    found = READER.sources(path, "a", options)
    assert (read(found[1], options) == frames[1::-1]).all()
    assert READER.actions(found[1], options).tolist() == [8]
    with pytest.raises(ValueError, match="no column of pictures 'nope'; it has: image, other"):
        READER.sources(path, "a", ReadOptions(frames_key="nope"))


def test_continuous_actions_are_left_out_with_a_note(tmp_path, drawn):
    path = write(tmp_path / "a.parquet", drawn.noise(3), action=[[0.0, 1.0]] * 3)
    (source,) = READER.sources(path, "a", ReadOptions())
    assert not source.has_actions and "not one integer a frame" in source.notes[1]


def test_a_path_instead_of_a_picture_is_not_opened(tmp_path):
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    cells = pa.array([{"bytes": None, "path": "/etc/passwd"}] * 3, kind)
    pq.write_table(pa.table({"image": cells}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="a row without a picture in it"):
        READER.sources(tmp_path / "a.parquet", "a", ReadOptions())


def test_damage_is_named_in_one_line(tmp_path, drawn):
    path = write(tmp_path / "a.parquet", drawn.noise(5))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="a.parquet is damaged") as caught:
        READER.sources(path, "a", ReadOptions())
    assert "\n" not in str(caught.value)


def test_what_datasets_writes_is_read(tmp_path, drawn):
    """The file is the work of ``data/make_datasets.py``."""
    frames = drawn.noise(6)
    (source,) = READER.sources(DATA / "datasets", "set", ReadOptions(actions_key="label"))
    assert (read(source) == frames).all()
    assert READER.actions(source, ReadOptions(actions_key="label")).tolist() == [0, 1, 2, 3, 4]
