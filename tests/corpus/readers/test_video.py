import contextlib
import resource
import struct
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from corpus.readers.base import ReadOptions, Source
from corpus.readers.ffmpeg.decoding import probe
from corpus.readers.layout import Shaping
from corpus.readers.read import read_frames, resample
from corpus.store import Corpus
from genie.cli import main

SIZE = (16, 24)


def _frames(path, size=SIZE, fit="crop", fps=None):
    """Read what the header alone describes, as the quick pass would refuse a bad file first."""
    facts = probe(path)
    source = Source(
        name=path.name,
        path=path,
        reader="video",
        height=facts.height,
        width=facts.width,
        fps=facts.fps,
        frames=facts.frames,
    )
    return read_frames(source, ReadOptions(), Shaping(size=size, fit=fit), fps)


def _read(path, size=SIZE, **options):
    return np.stack(list(_frames(path, size, **options)))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov"])
def test_a_lossless_video_of_the_asked_size_comes_back_bit_for_bit(tmp_path, drawn, name):
    frames = drawn.noise(7)
    assert (_read(drawn.write_video(tmp_path / name, frames)) == frames).all()


def test_odd_sizes_come_back_bit_for_bit(tmp_path, drawn):
    frames = drawn.noise(4, 17, 23)
    path = drawn.write_video(tmp_path / "a.mp4", frames)
    assert (_read(path, (17, 23)) == frames).all()


def test_frames_come_in_the_order_of_showing_despite_b_frames(tmp_path, drawn):
    ramp = np.repeat(np.arange(20, dtype=np.uint8) * 12, 32 * 32 * 3).reshape(20, 32, 32, 3)
    codec = ("libx264", "yuv420p", {"crf": "10", "bf": "3"})
    read = _read(drawn.write_video(tmp_path / "a.mp4", ramp, codec=codec), (32, 32))
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
def test_colours_follow_the_tags(tmp_path, matrix, full):
    read = _read(_encode_bars(tmp_path / "a.mp4", matrix, full), (32, 64))
    assert np.abs(read.astype(int) - _bars()).max() <= 3


def test_colours_survive_resizing(tmp_path):
    read = _read(_encode_bars(tmp_path / "a.mp4", "smpte170m", False), (8, 16))
    assert np.abs(read.astype(int) - _bars()[:, ::4, ::4]).max() <= 3


@pytest.mark.parametrize("turn", [90, -90, 180])
def test_a_rotated_video_is_shown_upright(tmp_path, drawn, turn):
    frames = drawn.noise(3)
    path = drawn.write_video(tmp_path / "a.mp4", frames, rotate=turn)
    upright = np.rot90(frames, round(turn / 90), axes=(1, 2))
    assert (_read(path, upright.shape[1:3]) == upright).all()


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
def test_resampling_takes_the_nearest_frame(tmp_path, drawn, source, target, expected):
    frames = drawn.noise(30)
    path = drawn.write_video(tmp_path / "a.mp4", frames, fps=source)
    read = _read(path, fps=Fraction(target))
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


def test_a_clock_with_gaps_is_filled_up(tmp_path, drawn):
    frames = drawn.noise(4)
    path = drawn.write_video(tmp_path / "a.mkv", frames, fps=10, pts=[0, 1, 4, 5])
    assert len(_read(path)) == 4
    read = _read(path, fps=Fraction(10))
    # ticks 0.2 and 0.3 lie nearer to 0.1 and 0.4; the mean rate says how long the last one stays
    assert (read[:6] == frames[[0, 1, 1, 2, 2, 3]]).all()


def test_probe_reads_the_header(tmp_path, drawn):
    facts = probe(drawn.write_video(tmp_path / "a.mp4", drawn.noise(7), fps=12))
    assert (facts.height, facts.width, facts.fps, facts.frames) == (16, 24, 12, 7)


def _missing(path, drawn):
    return path / "none.mp4"


def _folder(path, drawn):
    return path


def _empty(path, drawn):
    (path / "a.mp4").touch()
    return path / "a.mp4"


def _rubbish(path, drawn):
    (path / "a.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    return path / "a.mp4"


def _cut(path, drawn, name, share, options=None):
    whole = drawn.write_video(path / name, drawn.noise(60, 32, 32), options=options)
    data = whole.read_bytes()
    whole.write_bytes(data[: int(len(data) * share)])
    return whole


def _cut_without_index(path, drawn):
    return _cut(path, drawn, "a.mp4", 0.6)


def _cut_with_index(path, drawn):
    return _cut(path, drawn, "a.mp4", 0.6, {"movflags": "faststart"})


def _cut_matroska(path, drawn):
    return _cut(path, drawn, "a.mkv", 0.6)


def _damaged_inside(path, drawn):
    file = drawn.write_video(path / "a.mp4", drawn.noise(30, 32, 32))
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    file.write_bytes(data)
    return file


def _single_frame(path, drawn):
    return drawn.write_video(path / "a.mp4", drawn.noise(1))


def _single_frame_unsaid(path, drawn):
    return drawn.write_video(path / "a.mkv", drawn.noise(1))


def _sound_only(path, drawn):
    import av

    with av.open(str(path / "a.wav"), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        sound.sample_rate = 8000
        out.mux(stream.encode(sound))
        out.mux(stream.encode(None))
    return path / "a.wav"


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (_missing, "no video at"),
        (_folder, "is not a file"),
        (_empty, "is empty"),
        (_rubbish, "not a readable video"),
        (_cut_without_index, "not a readable video"),
        (_cut_with_index, "corrupt or truncated"),
        (_cut_matroska, "corrupt or truncated"),
        (_damaged_inside, "corrupt or truncated"),
        (_single_frame, "has 1 frame; an episode needs at least 2"),
        (_single_frame_unsaid, "has 1 frame; an episode needs at least 2"),
        (_sound_only, "has no video stream"),
    ],
)
def test_bad_input_gives_one_clear_line(tmp_path, drawn, make, word):
    path = make(tmp_path, drawn)
    with pytest.raises((ValueError, FileNotFoundError), match=word) as caught:
        _read(path, (32, 32))
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        _missing,
        _empty,
        _rubbish,
        _cut_without_index,
        _cut_with_index,
        _cut_matroska,
        _damaged_inside,
        _single_frame,
        _single_frame_unsaid,
        _sound_only,
    ],
)
def test_bad_input_ends_the_command_with_one_line_and_leaves_nothing(tmp_path, drawn, make, capfd):
    path, out = make(tmp_path, drawn), tmp_path / "corpus"
    assert main(["corpus", "build", str(path), "--out", str(out), "--size", "32x32"]) == 2
    said = capfd.readouterr().err.strip().splitlines()
    assert len([line for line in said if line.startswith("genie: ")]) == len(said) == 1
    assert str(path) in said[0]
    assert not list(tmp_path.glob("*corpus*"))


def test_a_bad_video_among_good_ones_is_named_or_with_strict_ends_the_command(
    tmp_path, drawn, capfd
):
    (tmp_path / "in").mkdir()
    bad = _cut_with_index(tmp_path / "in", drawn).rename(tmp_path / "in" / "b.mp4")
    drawn.write_video(tmp_path / "in" / "a.mp4", drawn.noise(5))
    out = tmp_path / "corpus"
    line = ["corpus", "build", str(tmp_path / "in"), "--out", str(out), "--size", "32x32"]
    assert main([*line, "--strict"]) == 2
    (said,) = capfd.readouterr().err.strip().splitlines()
    assert said.startswith("genie: ") and str(bad) in said
    assert not list(tmp_path.glob("corpus*"))  # its header told, before anything was decoded
    assert main(line) == 0
    assert "left out: b.mp4 is corrupt or truncated" in capfd.readouterr().out
    assert np.array_equal(Corpus.open(out).episode_ends, [5])
    assert not (tmp_path / "corpus.partial").exists()


def test_pictures_without_pixels_are_refused(tmp_path, drawn, monkeypatch):
    path = drawn.write_video(tmp_path / "a.mp4", drawn.noise(2))

    class Empty:
        """A stream that says what no encoder here will write."""

        class codec_context:
            width, height = 0, 16

    monkeypatch.setattr(
        "corpus.readers.ffmpeg.decoding.opened", lambda p: contextlib.nullcontext((None, Empty))
    )
    with pytest.raises(ValueError, match="0x16 pixels"):
        probe(path)


def test_an_unknown_fit_is_refused(tmp_path, drawn):
    path = drawn.write_video(tmp_path / "a.mp4", drawn.noise(2))
    with pytest.raises(ValueError, match="crop and pad"):
        _read(path, fit="stretch")


def test_decoding_is_lazy(tmp_path, drawn):
    path = _cut_with_index(tmp_path, drawn)
    first = next(_frames(path, (32, 32)))
    assert first.shape == (32, 32, 3)


def write_huge_gif(path, drawn, side):
    """A GIF of a few hundred bytes whose header claims large frames."""
    frames = [Image.fromarray(frame) for frame in drawn.noise(2, 4, 4)]
    frames[0].save(path, "GIF", save_all=True, append_images=frames[1:])
    data = bytearray(path.read_bytes())
    data[6:10] = struct.pack("<HH", side, side)
    path.write_bytes(data)


def test_a_small_file_that_claims_huge_frames_is_refused_before_decoding(tmp_path, drawn):
    write_huge_gif(tmp_path / "a.gif", drawn, 15_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=r"allowed are 1 to 16384 a side and 36 million") as caught:
        _read(tmp_path / "a.gif")
    assert "\n" not in str(caught.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


def test_frames_that_grow_behind_the_header_are_refused(tmp_path, drawn, monkeypatch):
    codec = ("libx264", "yuv420p", {"crf": "10"})
    small = drawn.write_video(tmp_path / "a.ts", drawn.noise(9, 64, 64), codec=codec)
    large = drawn.write_video(tmp_path / "b.ts", drawn.noise(9, 128, 128), codec=codec)
    small.write_bytes(small.read_bytes() + large.read_bytes())
    assert len(_read(small)) > 9
    monkeypatch.setattr("corpus.readers.ffmpeg.opening.MOST_PIXELS", 100 * 100)
    with pytest.raises(ValueError, match="is corrupt or truncated"):
        _read(small)


def test_a_list_of_other_files_is_no_video(tmp_path, drawn):
    drawn.write_video(tmp_path / "other.mp4", drawn.noise(3))
    (tmp_path / "a.mp4").write_text("ffconcat version 1.0\nfile other.mp4\n")
    with pytest.raises(ValueError, match="not a readable video"):
        _read(tmp_path / "a.mp4")


def test_a_frame_that_would_be_repeated_for_hours_is_refused():
    frame = np.zeros((1, 1, 3), np.uint8)
    timed = [(Fraction(0), frame), (Fraction(10**9), frame)]
    with pytest.raises(ValueError, match="stays on for 1000000000 seconds"):
        list(resample(iter(timed), Fraction(15), Fraction(1, 15)))
