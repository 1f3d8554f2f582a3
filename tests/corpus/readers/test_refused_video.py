"""Videos that are refused: damaged, empty, too large, or no video at all."""

import contextlib
import resource
import struct

import numpy as np
import pytest
from PIL import Image

from corpus.readers.ffmpeg.decoding import probe
from corpus.store import Corpus
from genie.cli import main


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
def test_bad_input_gives_one_clear_line(tmp_path, drawn, videos, make, word):
    path = make(tmp_path, drawn)
    with pytest.raises((ValueError, FileNotFoundError), match=word) as caught:
        videos.read(path, (32, 32))
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


def test_an_unknown_fit_is_refused(tmp_path, drawn, videos):
    path = drawn.write_video(tmp_path / "a.mp4", drawn.noise(2))
    with pytest.raises(ValueError, match="crop and pad"):
        videos.read(path, fit="stretch")


def test_decoding_is_lazy(tmp_path, drawn, videos):
    path = _cut_with_index(tmp_path, drawn)
    first = next(videos.frames(path, (32, 32)))
    assert first.shape == (32, 32, 3)


def write_huge_gif(path, drawn, side):
    """A GIF of a few hundred bytes whose header claims large frames."""
    frames = [Image.fromarray(frame) for frame in drawn.noise(2, 4, 4)]
    frames[0].save(path, "GIF", save_all=True, append_images=frames[1:])
    data = bytearray(path.read_bytes())
    data[6:10] = struct.pack("<HH", side, side)
    path.write_bytes(data)


def test_a_small_file_that_claims_huge_frames_is_refused_before_decoding(tmp_path, drawn, videos):
    write_huge_gif(tmp_path / "a.gif", drawn, 15_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=r"allowed are 1 to 16384 a side and 36 million") as caught:
        videos.read(tmp_path / "a.gif")
    assert "\n" not in str(caught.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


def test_frames_that_grow_behind_the_header_are_refused(tmp_path, drawn, monkeypatch, videos):
    codec = ("libx264", "yuv420p", {"crf": "10"})
    small = drawn.write_video(tmp_path / "a.ts", drawn.noise(9, 64, 64), codec=codec)
    large = drawn.write_video(tmp_path / "b.ts", drawn.noise(9, 128, 128), codec=codec)
    small.write_bytes(small.read_bytes() + large.read_bytes())
    assert len(videos.read(small)) > 9
    monkeypatch.setattr("corpus.readers.ffmpeg.opening.MOST_PIXELS", 100 * 100)
    with pytest.raises(ValueError, match="is corrupt or truncated"):
        videos.read(small)


def test_a_list_of_other_files_is_no_video(tmp_path, drawn, videos):
    drawn.write_video(tmp_path / "other.mp4", drawn.noise(3))
    (tmp_path / "a.mp4").write_text("ffconcat version 1.0\nfile other.mp4\n")
    with pytest.raises(ValueError, match="not a readable video"):
        videos.read(tmp_path / "a.mp4")
