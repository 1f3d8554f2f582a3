import pickle

import numpy as np
import pytest

from corpus.readers.array_record import ArrayRecordReader
from corpus.readers.base import ReadOptions

module = pytest.importorskip("array_record.python.array_record_module")
NO_OPTIONS = ReadOptions()
READER = ArrayRecordReader()


def write(path, records, protocol=4):
    """As jasmine_data.utils.save_chunks does."""
    writer = module.ArrayRecordWriter(str(path), "group_size:1")
    for record in records:
        writer.write(record if isinstance(record, bytes) else pickle.dumps(record, protocol))
    writer.close()
    return path


def record(frames, **more):
    return {"raw_video": frames.tobytes(), "sequence_length": len(frames), **more}


def read(source, options=NO_OPTIONS):
    return np.stack([picture for _, picture in READER.pictures(source, options)])


@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64])
def test_coinrun_and_atari_come_back_frame_for_frame(tmp_path, drawn, protocol, dtype):
    videos = [drawn.noise(9, 20, 20, seed) for seed in range(3)]
    records = [record(video, actions=np.arange(9, dtype=dtype)) for video in videos]
    path = write(tmp_path / "data_0000.array_record", records, protocol)
    assert READER.matches(path)
    found = READER.sources(path, "data", ReadOptions(fps=15))
    assert [source.name for source in found] == ["data#0", "data#1", "data#2"]
    assert {(s.height, s.width, s.frames, s.fps) for s in found} == {(20, 20, 9, 15)}
    for source, video in zip(found, videos, strict=True):
        assert (read(source) == video).all()
        assert READER.actions(source, ReadOptions()).tolist() == list(range(8))


def test_minecraft_chunks_are_sixteen_to_nine_and_have_no_actions(tmp_path, drawn):
    frames = drawn.noise(4, 90, 160)
    path = write(tmp_path / "a.array_record", [record(frames, video_file_name="x")])
    (source,) = READER.sources(path, "a", ReadOptions())
    assert (source.height, source.width, source.has_actions) == (90, 160, False)
    assert (read(source) == frames).all() and READER.actions(source, ReadOptions()) is None


def test_actions_of_several_numbers_are_left_out_with_a_note(tmp_path, drawn):
    actions = np.zeros((4, 11), np.uint8)
    path = write(tmp_path / "a.array_record", [record(drawn.noise(4, 8, 8), actions=actions)])
    (source,) = READER.sources(path, "a", ReadOptions())
    assert not source.has_actions and "not one integer" in source.notes[1]


class Evil:
    def __reduce__(self):
        return print, ("pickle was run",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (pickle.dumps(Evil()), "would call 'builtins.print': refused"),
        (pickle.dumps({"raw_video": Evil(), "sequence_length": 1}), "refused"),
        (pickle.dumps([1, 2]), "no dict with"),
        (pickle.dumps({"video": b"abc"}), "it has: video"),
        (pickle.dumps({"raw_video": b"abc" * 7, "sequence_length": 1}), "neither square nor 16:9"),
        (pickle.dumps({"raw_video": b"abc", "sequence_length": 2}), "neither square nor 16:9"),
        (b"no pickle at all", "pickle"),
    ],
)
def test_other_records_are_refused_in_one_line_and_nothing_runs(tmp_path, capfd, content, said):
    path = write(tmp_path / "a.array_record", [content])
    with pytest.raises(ValueError, match=said) as caught:
        READER.sources(path, "a", ReadOptions())
    assert "a.array_record" in str(caught.value) and "\n" not in str(caught.value)
    assert "pickle was run" not in capfd.readouterr().out


@pytest.mark.parametrize("cut", [100, 40_000, 100_000])
def test_a_file_that_was_cut_short_is_named(tmp_path, drawn, cut):
    path = write(tmp_path / "a.array_record", [record(drawn.noise(9, 64, 64)) for _ in range(3)])
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match="a.array_record"):
        for source in READER.sources(path, "a", ReadOptions()):
            read(source)
