import av
import numpy as np
import pytest

from corpus.build import build_corpus
from genie.evaluate.true_frames import open_true_frames


def draw_video(path, frames=30, rate=15, actions=None):
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv444p"
        for _ in range(frames):
            picture = np.full((32, 48, 3), rng.integers(0, 256), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    if actions is not None:
        np.save(path.with_name(path.stem + ".actions.npy"), actions)


def count_frames(path):
    with open_true_frames(path, (16, 24), 15.0) as corpus:
        return corpus.num_frames


@pytest.fixture
def videos(tmp_path):
    folder = tmp_path / "recorded"
    folder.mkdir()
    for name in ("a", "b"):
        draw_video(folder / f"{name}.mp4", actions=np.arange(29))
    return folder


def test_a_folder_of_videos_is_a_corpus_while_it_is_open(videos):
    before = {path: path.stat().st_mtime_ns for path in videos.iterdir()}
    with open_true_frames(videos, (16, 24), 15.0) as corpus:
        assert corpus.path.name == "recorded" and corpus.path.exists()
        assert corpus.read(0, 60).shape == (60, 16, 24, 3)
        assert corpus.episode_ends.tolist() == [30, 60]
        assert corpus.true_actions()[:30].tolist() == [*range(29), -1]
    assert not corpus.path.exists()
    assert {path: path.stat().st_mtime_ns for path in videos.iterdir()} == before


def test_a_single_video_will_do(videos):
    with open_true_frames(videos / "a.mp4", (16, 16), 15.0) as corpus:
        assert corpus.num_frames == 30 and corpus.path.name == "a"


def test_a_corpus_is_opened_where_it_lies(videos, tmp_path):
    built = build_corpus([videos], tmp_path / "built", (16, 24), progress=False)
    with open_true_frames(built, (16, 24), 15.0) as corpus:
        assert corpus.path == built
    assert built.exists()


def test_videos_without_actions_are_resampled_to_the_world_and_those_with_are_refused(tmp_path):
    draw_video(tmp_path / "fast.mp4", frames=60, rate=30)
    with open_true_frames(tmp_path, (16, 24), 15.0) as corpus:
        assert corpus.fps == 15.0 and 29 <= corpus.num_frames <= 31
    np.save(tmp_path / "fast.actions.npy", np.arange(59))
    with pytest.raises(ValueError, match="30 frames per second and the world 15") as caught:
        count_frames(tmp_path)
    assert "\n" not in str(caught.value)


def test_actions_of_some_videos_only_are_refused_with_a_way_out(videos):
    (videos / "b.actions.npy").unlink()
    with pytest.raises(ValueError, match="genie corpus build") as caught:
        count_frames(videos)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_what_is_neither_is_named(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises((ValueError, FileNotFoundError), match=name):
        count_frames(tmp_path / name)


def test_a_corpus_of_another_rate_is_refused(tmp_path):
    draw_video(tmp_path / "a.mp4", rate=5)
    build_corpus([tmp_path / "a.mp4"], tmp_path / "c", (16, 24))
    with pytest.raises(ValueError, match="has 5 frames per second and the world 15"):
        count_frames(tmp_path / "c")
