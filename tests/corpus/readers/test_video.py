"""Videos are read as they are shown: pixels, order, colours, rotation and time."""

from fractions import Fraction

import numpy as np
import pytest

from corpus.readers.ffmpeg.decoding import probe
from corpus.readers.read import resample


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov"])
def test_a_lossless_video_of_the_asked_size_comes_back_bit_for_bit(tmp_path, drawn, videos, name):
    frames = drawn.noise(7)
    assert (videos.read(drawn.write_video(tmp_path / name, frames)) == frames).all()


def test_odd_sizes_come_back_bit_for_bit(tmp_path, drawn, videos):
    frames = drawn.noise(4, 17, 23)
    path = drawn.write_video(tmp_path / "a.mp4", frames)
    assert (videos.read(path, (17, 23)) == frames).all()


def test_frames_come_in_the_order_of_showing_despite_b_frames(tmp_path, drawn, videos):
    ramp = np.repeat(np.arange(20, dtype=np.uint8) * 12, 32 * 32 * 3).reshape(20, 32, 32, 3)
    codec = ("libx264", "yuv420p", {"crf": "10", "bf": "3"})
    read = videos.read(drawn.write_video(tmp_path / "a.mp4", ramp, codec=codec), (32, 32))
    assert len(read) == 20 and (np.diff(read.mean((1, 2, 3))) > 6).all()


def _bars():
    """One strong colour per column of 8 pixels: what a wrong matrix or range shifts most."""
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 255, 255)]
    row = np.repeat(np.array([*colours, (0, 0, 0), (40, 90, 200)], np.uint8), 8, axis=0)
    return np.broadcast_to(row, (3, 32, 64, 3)).copy()


def _encode_bars(path, matrix, full):
    """Encode the bars as 4:4:4 with a matrix and range worked out here, and tagged so."""
    import av

    red, blue = {"bt709": (0.2126, 0.0722), "smpte170m": (0.299, 0.114)}[matrix]
    rgb = _bars() / 255.0
    y = red * rgb[..., 0] + (1 - red - blue) * rgb[..., 1] + blue * rgb[..., 2]
    cb, cr = (rgb[..., 2] - y) / (2 - 2 * blue), (rgb[..., 0] - y) / (2 - 2 * red)
    scale = (255, 0, 255) if full else (219, 16, 224)
    planes = [scale[0] * y + scale[1], scale[2] * cb + 128, scale[2] * cr + 128]
    yuv = np.stack(planes, 1).round().clip(0, 255).astype(np.uint8)
    tags = {"colorspace": matrix, "color_range": "pc" if full else "tv"}
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=15, options={"qp": "0", **tags})
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv444p"
        for planes_of_frame in yuv:
            frame = av.VideoFrame.from_ndarray(planes_of_frame, format="yuv444p")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("matrix", ["smpte170m", "bt709"])
@pytest.mark.parametrize("full", [False, True])
def test_colours_follow_the_tags(tmp_path, videos, matrix, full):
    read = videos.read(_encode_bars(tmp_path / "a.mp4", matrix, full), (32, 64))
    assert np.abs(read.astype(int) - _bars()).max() <= 3


def test_colours_survive_resizing(tmp_path, videos):
    read = videos.read(_encode_bars(tmp_path / "a.mp4", "smpte170m", False), (8, 16))
    assert np.abs(read.astype(int) - _bars()[:, ::4, ::4]).max() <= 3


@pytest.mark.parametrize("turn", [90, -90, 180])
def test_a_rotated_video_is_shown_upright(tmp_path, drawn, videos, turn):
    frames = drawn.noise(3)
    path = drawn.write_video(tmp_path / "a.mp4", frames, rotate=turn)
    upright = np.rot90(frames, round(turn / 90), axes=(1, 2))
    assert (videos.read(path, upright.shape[1:3]) == upright).all()


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (30, 15, list(range(0, 30, 2))),
        (15, 30, [i // 2 for i in range(60)]),
        (15, 15, list(range(30))),
        (30, 20, [round(i * 1.5 - 0.01) for i in range(20)]),
        (10, Fraction(1, 3), [0]),
    ],
)
def test_resampling_takes_the_nearest_frame(tmp_path, drawn, videos, source, target, expected):
    frames = drawn.noise(30)
    path = drawn.write_video(tmp_path / "a.mp4", frames, fps=source)
    read = videos.read(path, fps=Fraction(target))
    assert len(read) == len(expected)
    assert (read == frames[expected]).all()


def test_resampling_agrees_with_a_search_over_all_frames():
    rng = np.random.default_rng(0)
    for _ in range(50):
        times = [Fraction(int(t), 100) for t in np.cumsum(rng.integers(1, 30, 12))]
        fps, last = Fraction(int(rng.integers(1, 40))), Fraction(1, 10)
        got = [int(n) for n in resample(zip(times, range(12), strict=True), fps, last)]
        span = times[-1] - times[0] + last
        ticks = [Fraction(k) / fps + times[0] for k in range(1000) if Fraction(k) / fps < span]
        assert got == [min(range(12), key=lambda n: (abs(times[n] - t), n)) for t in ticks]


def test_a_clock_with_gaps_is_filled_up(tmp_path, drawn, videos):
    frames = drawn.noise(4)
    path = drawn.write_video(tmp_path / "a.mkv", frames, fps=10, pts=[0, 1, 4, 5])
    assert len(videos.read(path)) == 4
    read = videos.read(path, fps=Fraction(10))
    # ticks 0.2 and 0.3 lie nearer to 0.1 and 0.4; the mean rate says how long the last one stays
    assert (read[:6] == frames[[0, 1, 1, 2, 2, 3]]).all()


def test_a_frame_that_would_be_repeated_for_hours_is_refused():
    frame = np.zeros((1, 1, 3), np.uint8)
    timed = [(Fraction(0), frame), (Fraction(10**9), frame)]
    with pytest.raises(ValueError, match="stays on for 1000000000 seconds"):
        list(resample(iter(timed), Fraction(15), Fraction(1, 15)))


def test_probe_reads_the_header(tmp_path, drawn):
    facts = probe(drawn.write_video(tmp_path / "a.mp4", drawn.noise(7), fps=12))
    assert (facts.height, facts.width, facts.fps, facts.frames) == (16, 24, 12, 7)
