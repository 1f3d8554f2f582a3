"""Data sets that LeRobot 0.3.3 (v2.1) and 0.4.4 (v3.0) wrote, see data/make_lerobot.py."""

import json
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from corpus.build import KINDS, build_corpus
from corpus.readers.base import ReadOptions
from corpus.readers.find import find_sources
from corpus.readers.lerobot import LeRobotReader, span
from corpus.store import Corpus

pytest.importorskip("pyarrow")
DATA = Path(__file__).parent / "data"
LENGTHS = (7, 4, 6)
READER = LeRobotReader()


def camera(name):
    return ReadOptions(frames_key=f"observation.images.{name}")


def drawn_picture(episode, frame, second_camera=0):
    """What data/make_lerobot.py drew."""
    out = np.full((64, 64, 3), (40 + 60 * episode, 90, 200 - 90 * second_camera), np.uint8)
    top = 8 * second_camera + 8
    out[top : top + 16, 6 * frame : 6 * frame + 16] = 255
    return out


def decoded(file):
    """All pictures of a video, by PyAV."""
    import av

    with av.open(str(file)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def read(source, options):
    timed = list(READER.pictures(source, options))
    assert [time for time, _ in timed] == [Fraction(at, 10) for at in range(len(timed))]
    return [item if isinstance(item, np.ndarray) else item.frame.to_ndarray(format="rgb24")
            for _, item in timed]  # fmt: skip


@pytest.fixture
def copied(tmp_path):
    def copy(name):
        shutil.copytree(DATA / name, tmp_path / name)
        return tmp_path / name

    return copy


@pytest.mark.parametrize("version", ["lerobot_v2", "lerobot_v3"])
def test_the_episodes_are_listed_with_rate_size_and_actions(version):
    assert READER.matches(DATA / version) and not READER.matches(DATA)
    found = READER.sources(DATA / version, "set", camera("front"))
    assert [source.name for source in found] == ["set#0", "set#1", "set#2"]
    assert [source.frames for source in found] == list(LENGTHS)
    assert {(source.height, source.width, source.fps) for source in found} == {(64, 64, 10)}
    for episode, source in enumerate(found):
        actions = READER.actions(source, camera("front"))
        assert source.has_actions and actions.dtype == np.int64
        assert actions.tolist() == [(at + episode) % 4 for at in range(LENGTHS[episode] - 1)]


@pytest.mark.parametrize("version", ["lerobot_v2", "lerobot_v3"])
@pytest.mark.parametrize("name", ["front", "wrist"])
def test_the_frames_of_a_video_are_those_of_a_full_decode(version, name):
    files = sorted((DATA / version / "videos").rglob(f"*{name}*/**/*.mp4"))
    everything = [frame for file in files for frame in decoded(file)]
    found = READER.sources(DATA / version, "set", camera(name))
    frames = [frame for source in found for frame in read(source, camera(name))]
    assert len(frames) == len(everything) == sum(LENGTHS)
    assert all((a == b).all() for a, b in zip(frames, everything, strict=True))
    first = read(found[2], camera(name))[3].astype(int)
    assert abs(first - drawn_picture(2, 3, int(name == "wrist"))).mean() < 6


@pytest.mark.parametrize("version", ["lerobot_v2", "lerobot_v3"])
def test_pictures_in_the_table_come_back_exactly(version):
    for episode, source in enumerate(READER.sources(DATA / version, "set", camera("small"))):
        frames = read(source, camera("small"))
        expected = [drawn_picture(episode, at) for at in range(LENGTHS[episode])]
        assert (np.stack(frames) == np.stack(expected)).all()


def test_several_cameras_without_a_choice_are_refused_with_their_names():
    with pytest.raises(ValueError, match="choose one with --frames-key: .*front, .*wrist, .*small"):
        READER.sources(DATA / "lerobot_v3", "set", ReadOptions())


def test_continuous_actions_are_left_out_with_a_note():
    options = ReadOptions(
        frames_key="observation.images.front", actions_key="observation.state"
    )  # fmt: skip
    source = READER.sources(DATA / "lerobot_v3", "set", options)[0]
    assert not source.has_actions and "float32 [2], not one integer" in source.notes[0]
    assert READER.actions(source, options) is None


@pytest.mark.parametrize("start", [0, 1, 17, 60, 61, 95])
def test_a_span_of_a_long_group_of_pictures_is_exact(tmp_path, drawn, start):
    codec = ("libx264", "yuv420p", {"crf": "20", "bf": "3", "g": "60"})
    file = drawn.write_video(tmp_path / "a.mp4", drawn.noise(100, 32, 32), codec=codec)
    found = list(span(file, Fraction(start, 15), 5, Fraction(15)))
    expected = decoded(file)[start : start + 5]
    assert [time for time, _ in found] == [Fraction(at, 15) for at in range(5)]
    for (_, picture), whole in zip(found, expected, strict=True):
        assert (picture.frame.to_ndarray(format="rgb24") == whole).all()


def test_a_video_that_ends_early_is_named(tmp_path, drawn):
    file = drawn.write_video(tmp_path / "a.mp4", drawn.noise(5))
    with pytest.raises(ValueError, match="a.mp4 is cut short: 2 of 4 frames from 0.2 s"):
        list(span(file, Fraction(3, 15), 4, Fraction(15)))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("video_path", "../../{video_key}.mp4", "leads elsewhere"),
        ("video_path", "{episode_index.__class__}", "leads elsewhere"),
        ("video_path", "{secret}", "unknown"),
        ("codebase_version", "v1.6", "v2.0, v2.1 and v3.0 are read"),
        ("features", 3, "damaged"),
        ("fps", "fast", "damaged"),
    ],
)
def test_hostile_metadata_is_refused_in_one_line(copied, key, value, said):
    place = copied("lerobot_v2")
    info = json.loads((place / "meta" / "info.json").read_text())
    (place / "meta" / "info.json").write_text(json.dumps({**info, key: value}))
    with pytest.raises(ValueError, match=said) as caught:
        source = READER.sources(place, "set", camera("front"))[0]
        list(READER.pictures(source, camera("front")))
    assert "\n" not in str(caught.value)


def test_actions_beside_a_data_set_whose_own_cannot_be_used_are_read(copied):
    place = copied("lerobot_v2")
    episodes = place / "meta" / "episodes.jsonl"
    episodes.write_text(episodes.read_text().splitlines()[0] + "\n")
    info = json.loads((place / "meta" / "info.json").read_text())
    info["features"]["action"].update(dtype="float32", shape=[2])
    (place / "meta" / "info.json").write_text(json.dumps(info))
    np.save(place.with_name("lerobot_v2.actions.npy"), np.arange(6))
    out = place.with_name("out")
    build_corpus([place], out, (16, 16), read=camera("front"), progress=False, keep=KINDS)
    assert Corpus.open(out).true_actions().tolist() == [0, 1, 2, 3, 4, 5, -1]


def test_a_data_set_that_lacks_a_part_says_which(copied):
    place = copied("lerobot_v2")
    (place / "meta" / "episodes.jsonl").unlink()
    (left_out,) = find_sources([place], options=camera("front")).left_out
    assert left_out.reason == "/meta/episodes.jsonl is missing: download the data set again"


def test_a_missing_video_is_named(copied):
    place = copied("lerobot_v3")
    source = READER.sources(place, "set", camera("wrist"))[0]
    shutil.rmtree(place / "videos")
    with pytest.raises(FileNotFoundError, match="file-000.mp4 is missing: download"):
        list(READER.pictures(source, camera("wrist")))
