"""Videos as people have them: rates, colours, fields and shapes."""

from fractions import Fraction

import numpy as np
import pytest

from corpus.readers.base import ReadOptions
from corpus.readers.ffmpeg import timing
from corpus.readers.layout import Shaping
from corpus.readers.read import read_frames
from corpus.readers.video import VideoReader

LOSSY = ("libx264", "yuv420p", {"crf": "16"})


def _source(path, options=None):
    (source,) = VideoReader().sources(path, path.name, options or ReadOptions())
    return source


def _read(path, size, fps=None, **shaping):
    options = ReadOptions()
    source = _source(path, options)
    return np.stack(list(read_frames(source, options, Shaping(size=size, **shaping), fps)))


def _smooth(count, height=48, width=64, contrast=60):
    """Coloured waves that move: what survives any codec."""
    y, x = np.mgrid[:height, :width]
    waves = [
        [np.sin(x / 9 + t / 3 + c) + np.cos(y / 7 - t / 5 + 2 * c) for c in range(3)]
        for t in range(count)
    ]
    return np.moveaxis(127 + contrast * np.array(waves), 1, -1).round().astype(np.uint8)


def _dropped():
    """Numbers of the frames of 4 s at 60 that a screen recorder kept."""
    rng = np.random.default_rng(0)
    return [n for n in range(239) if n % 7 == 0 or rng.random() > 0.4] + [239]


@pytest.mark.parametrize("indexed", [0, 10**9])
@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_a_variable_rate_is_measured_and_announced(tmp_path, drawn, monkeypatch, name, indexed):
    monkeypatch.setattr(timing, "INDEXED_BYTES", indexed)
    kept = _dropped()
    path = drawn.write_video(tmp_path / name, drawn.noise(len(kept)), fps=60, pts=kept)
    source = _source(path)
    assert abs(source.fps / (len(kept) / Fraction(4)) - 1) < 0.01 and source.frames == len(kept)
    (note,) = source.notes
    assert note.startswith("variable frame rate: ") and note.endswith(" fps")
    low, high = (float(word) for word in note.split()[3:6:2])
    assert low < 30 and 58 < high < 63
    assert len(_read(path, (16, 24), Fraction(30))) in (119, 120, 121)


@pytest.mark.parametrize(
    ("name", "fps"),
    [
        ("a.mp4", 60),
        ("a.mkv", 60),
        ("a.mkv", 30),
        ("a.mkv", Fraction(24000, 1001)),
        ("a.mkv", 7),
        ("a.avi", Fraction(30000, 1001)),
        ("a.ts", 25),
        ("a.flv", 15),
        ("a.webm", 24),
        ("a.gif", 15),
    ],
)
def test_a_steady_rate_is_exact_and_no_notice(tmp_path, drawn, name, fps):
    codec = {
        "a.webm": ("libvpx", "yuv420p", {}),
        "a.gif": ("gif", "rgb8", {}),
    }.get(name, LOSSY)
    path = drawn.write_video(tmp_path / name, _smooth(90), fps=fps, codec=codec)
    source = _source(path)
    assert (source.fps, source.frames, source.notes) == (fps, 90, ())
    assert len(_read(path, (16, 16))) == 90


def test_a_pause_does_not_change_a_steady_rate(tmp_path, drawn):
    pts = [*range(100), *range(700, 800)]
    path = drawn.write_video(tmp_path / "a.mkv", drawn.noise(200), fps=20, pts=pts)
    assert _source(path).fps == 20 and _source(path).notes == ()


def test_a_long_file_is_judged_by_its_start(tmp_path, drawn, monkeypatch):
    monkeypatch.setattr(timing, "MOST_BYTES", 20_000)
    path = drawn.write_video(tmp_path / "a.mkv", drawn.noise(200), fps=20)
    source = _source(path)
    assert source.fps == 20 and 190 <= source.frames <= 210


def _encode_hdr(path, sdr, encode, transfer):
    """Write SDR pictures as HDR, white at 203 cd/m2, by formulas of BT.2087 and BT.2100."""
    import av
    from av.video.reformatter import ColorRange, Colorspace

    to_bt2020 = np.array(
        [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
    )
    coded = encode((sdr / 255.0) ** 2.4 @ to_bt2020.T * 203)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=15)
        stream.height, stream.width = sdr.shape[1:3]
        stream.pix_fmt = "yuv444p10le"
        context = stream.codec_context
        context.color_trc, context.color_primaries = transfer, 9
        context.colorspace, context.color_range = 9, 1
        for picture in (coded * 65535).round().astype(np.uint16):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb48le")
            frame = frame.reformat(
                format="yuv444p10le",
                dst_colorspace=Colorspace.BT2020,
                src_color_range=ColorRange.JPEG,
                dst_color_range=ColorRange.MPEG,
            )
            frame.color_trc, frame.color_primaries = transfer, 9
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def _pq(nits):
    power = (np.maximum(nits, 0) / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def _hlg(nits):
    luma = np.maximum(nits, 0) @ [0.2627, 0.6780, 0.0593]
    scene = nits / 1000 * np.maximum(luma / 1000, 1e-9)[..., None] ** (1 / 1.2 - 1)
    scene = np.clip(scene, 0, 1)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(
        scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c
    )


@pytest.mark.parametrize(("encode", "transfer", "word"), [(_pq, 16, "PQ"), (_hlg, 18, "HLG")])
def test_hdr_comes_back_as_the_sdr_that_it_was_made_of(tmp_path, encode, transfer, word):
    sdr = _smooth(3, contrast=48)  # at most 223: brighter light is compressed
    path = _encode_hdr(tmp_path / "a.mkv", sdr, encode, transfer)
    assert _source(path).notes == (f"HDR ({word}): tone-mapped to SDR",)
    read = _read(path, sdr.shape[1:3]).astype(int)
    assert np.abs(read - sdr).max() <= 4 and abs(read.mean() - sdr.mean()) < 1
    small = _read(path, (12, 16)).astype(int)
    assert np.abs(small - sdr.reshape(3, 12, 4, 16, 4, 3).mean((2, 4))).mean() < 3


def test_highlights_of_hdr_are_compressed_and_keep_their_order(tmp_path):
    levels = np.linspace(0, 1, 64) ** 2 * 2000  # cd/m2
    nits = np.broadcast_to(levels[None, None, :, None], (2, 16, 64, 3))
    white = np.zeros((2, 16, 64, 3), np.uint8)
    path = _encode_hdr(tmp_path / "a.mkv", white, lambda _: _pq(nits), 16)
    row = _read(path, (16, 64))[0, 8].mean(-1)
    assert (np.diff(row) >= 0).all() and 238 < row[np.searchsorted(levels, 203)] < 246
    assert 250 < row[-1] <= 255


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p", "yuv420p10le", "yuv422p10le"])
def test_depths_and_chroma_give_the_same_picture(tmp_path, drawn, pix_fmt):
    pictures = _smooth(4)
    codec = ("ffv1", pix_fmt, {})
    path = drawn.write_video(tmp_path / "a.mkv", pictures, codec=codec)
    expected = pictures.reshape(4, 12, 4, 16, 4, 3).mean((2, 4))
    assert np.abs(_read(path, (12, 16)) - expected).max() <= 4


def _interlaced(tmp_path, drawn):
    """A bright bar that moves 4 pixels a field: each frame weaves two moments."""
    fields = np.full((40, 64, 96, 3), 40, np.uint8)
    for number, field in enumerate(fields):
        field[:, 2 * number : 2 * number + 8] = 220
    frames = fields[::2].copy()
    frames[:, 1::2] = fields[1::2, 1::2]
    codec = ("mpeg2video", "yuv420p", {"flags": "+ilme+ildct", "qscale": "2", "b": "8M"})
    return drawn.write_video(tmp_path / "a.mpg", frames, fps=25, codec=codec)


def test_interlaced_footage_is_deinterlaced_frame_by_frame(tmp_path, drawn):
    path = _interlaced(tmp_path, drawn)
    source = _source(path)
    assert source.notes == ("interlaced: made whole pictures by bwdif",) and source.fps == 25
    read = _read(path, (64, 96))[2:-2].astype(int)
    assert len(read) == 16
    combs = np.abs(read[:, 1:-1] - (read[:, :-2] + read[:, 2:]) / 2).mean()
    assert combs < 1


def test_frames_of_interlaced_footage_keep_their_times(tmp_path, drawn):
    times = [
        seconds
        for seconds, _ in VideoReader().pictures(
            _source(_interlaced(tmp_path, drawn)), ReadOptions()
        )
    ]
    assert len(times) == 20 and set(np.diff(times)) == {Fraction(1, 25)}


@pytest.mark.parametrize("tag", [3, 8, 10, 11, 14])
def test_tags_of_colours_that_ffmpeg_cannot_convert_are_taken_for_near_ones(tmp_path, drawn, tag):
    path = drawn.write_video(
        tmp_path / "a.mp4", _smooth(2), codec=(*LOSSY[:2], {"colorspace": str(tag)})
    )
    right = drawn.write_video(tmp_path / "b.mp4", _smooth(2), codec=LOSSY)
    assert np.abs(_read(path, (12, 16)).astype(int) - _read(right, (12, 16))).max() < 20


def test_shown_sizes_follow_rotation_and_the_shape_of_pixels(tmp_path, drawn):
    path = drawn.write_video(tmp_path / "a.mp4", drawn.noise(3), rotate=90)
    assert (_source(path).height, _source(path).width) == (24, 16)


def test_threads_do_not_change_pictures(tmp_path, drawn):
    path = drawn.write_video(tmp_path / "a.mp4", _smooth(30), codec=LOSSY)
    read = []
    for threads in (1, 3):
        options = ReadOptions(threads=threads)
        source = _source(path, options)
        read.append(np.stack(list(read_frames(source, options, Shaping(size=(9, 11))))))
    assert (read[0] == read[1]).all()


@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_one_pass_agrees_with_scaling_full_rgb(tmp_path, drawn, fit):
    from corpus.readers.shaper import Shaper

    path = drawn.write_video(tmp_path / "a.mp4", _smooth(4, 120, 160), codec=LOSSY)
    whole = _read(path, (120, 160))
    shaper = Shaper(Shaping(size=(20, 20), fit=fit))
    slow = np.stack([shaper(picture) for picture in whole])
    assert np.abs(_read(path, (20, 20), fit=fit).astype(int) - slow).max() <= 3


def test_a_crop_box_is_found_in_any_turn(tmp_path, drawn):
    pictures = np.zeros((2, 40, 60, 3), np.uint8)
    pictures[:, 5:25, 10:50] = 200
    for turn in (0, 90, 180, -90):
        path = drawn.write_video(tmp_path / f"{turn}.mp4", pictures, rotate=turn)
        shown = np.rot90(pictures[0], round(turn / 90))
        rows, columns = np.nonzero(shown[..., 0])
        box = (rows[0], columns[0], np.ptp(rows) + 1, np.ptp(columns) + 1)
        box = tuple(int(edge) for edge in box)
        for fit in ("crop", "pad"):
            read = _read(path, (box[2] // 2, box[3] // 2), crop=box, fit=fit)
            assert (read == 200).all()
