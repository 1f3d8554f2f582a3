"""What the quick pass says of files that are no good, and whether its remedies work."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from corpus.readers.base import ReadOptions
from corpus.readers.layout import Shaping
from corpus.readers.read import read_frames
from corpus.readers.video import VideoReader

LOSSY = ("libx264", "yuv420p", {"crf": "16", "g": "20"})


def _sources(path):
    return VideoReader().sources(path, path.name, ReadOptions())


def _count(path):
    (source,) = _sources(path)
    return sum(1 for _ in read_frames(source, ReadOptions(), Shaping(size=(16, 16))))


def _cut(path, drawn, share=0.6, **options):
    codec = ("libvpx", "yuv420p", {}) if path.suffix == ".webm" else LOSSY
    drawn.write_video(path, drawn.noise(60, 32, 32), codec=codec, options=options)
    data = path.read_bytes()
    if share < 1:  # an odd length: packets of a transport stream have 188 bytes
        data = data[: int(len(data) * share) | 1]
    path.write_bytes(data)
    return path


def _commands(said):
    """The commands that a message proposes."""
    return [part.split(")")[0] for part in said.split("(ffmpeg ")[1:]]


def _follow(command, path, out):
    words = [{"IN": str(path), "OUT.mkv": str(out)}.get(w, w) for w in command.split()]
    subprocess.run(["ffmpeg", "-v", "fatal", "-y", *words], check=True)


needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is missing")


@needs_ffmpeg
@pytest.mark.parametrize("name", ["a.avi", "a.flv", "a.mkv", "a.ts", "a.webm", "faststart.mp4"])
def test_a_cut_off_file_is_refused_before_decoding_and_can_be_mended(tmp_path, drawn, name):
    options = {"movflags": "faststart"} if name == "faststart.mp4" else {}
    path = _cut(tmp_path / name, drawn, **options)
    with pytest.raises(ValueError, match="corrupt or truncated: the file is cut short") as caught:
        _sources(path)
    said = str(caught.value)
    assert "\n" not in said and str(path) in said
    (command,) = _commands(said)
    _follow(command, path, tmp_path / "mended.mkv")
    assert 30 <= _count(tmp_path / "mended.mkv") < 60


def test_a_whole_file_of_each_kind_passes(tmp_path, drawn):
    for name in ("a.avi", "a.flv", "a.mkv", "a.ts", "a.m2ts", "a.mp4", "a.webm"):
        assert _count(_cut(tmp_path / name, drawn, share=1)) == 60


def test_an_avi_that_was_never_ended_is_refused(tmp_path, drawn):
    path = _cut(tmp_path / "a.avi", drawn, share=1)
    data = bytearray(path.read_bytes())
    data[4:8] = bytes(4)
    path.write_bytes(data)
    with pytest.raises(ValueError, match="cut short"):
        _sources(path)


@needs_ffmpeg
def test_damage_inside_is_found_while_reading_and_both_remedies_work(tmp_path, drawn):
    path = drawn.write_video(tmp_path / "a.mp4", drawn.noise(60, 32, 32), codec=LOSSY)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"after \d+ of 60 frames") as caught:
        _count(path)
    good = int(str(caught.value).split(" after ")[1].split()[0])
    assert 15 <= good < 35
    patch, cut = _commands(str(caught.value))
    _follow(patch, path, tmp_path / "patched.mkv")
    assert _count(tmp_path / "patched.mkv") > 50
    _follow(cut, path, tmp_path / "cut.mkv")
    assert good - 1 <= _count(tmp_path / "cut.mkv") <= good


def test_a_first_frame_that_is_damaged_is_found_at_once(tmp_path, drawn):
    path = drawn.write_video(tmp_path / "a.mkv", drawn.noise(4, 32, 32), codec=("ffv1", "bgr0", {}))
    data = bytearray(path.read_bytes())
    first = data.find(b"\x1f\x43\xb6\x75")  # the cluster, which holds the frames
    data[first + 40 : first + 3000] = bytes(2960)
    path.write_bytes(data)
    with pytest.raises(ValueError, match="corrupt or truncated|no video|not a readable") as caught:
        _count(path)
    assert str(path) in str(caught.value)


def test_a_song_with_a_cover_is_no_video(tmp_path):
    import av

    path = tmp_path / "a.mp3"
    cover = tmp_path / "cover.png"
    with av.open(str(path), "w") as out:
        sound = out.add_stream("mp3", rate=44100, layout="mono")
        picture = out.add_stream("png")
        picture.width, picture.height, picture.pix_fmt = 8, 8, "rgb24"
        picture.disposition = 1024
        frame = av.VideoFrame.from_ndarray(np.zeros((8, 8, 3), np.uint8), format="rgb24")
        out.mux(picture.encode(frame))
        wave = av.AudioFrame.from_ndarray(np.zeros((1, 44100), np.float32), "fltp", "mono")
        wave.sample_rate = 44100
        out.mux(sound.encode(wave))
        out.mux(sound.encode(None))
    assert not cover.exists()
    with pytest.raises(ValueError, match="no video stream"):
        _sources(path)


def test_a_file_that_may_not_be_read_says_only_that(tmp_path, drawn, monkeypatch):
    path = drawn.write_video(tmp_path / "a.mp4", drawn.noise(3))

    def refuse(self, *arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ValueError) as caught:
        _sources(path)
    assert str(caught.value) == f"{path} may not be read: permission denied"


@pytest.mark.parametrize(
    "name", ["a b.mp4", "日本 🎮.mkv", "new\nline.mkv", "-dash 'q\" %20 [x].mp4", "C:drive?.mkv"]
)
def test_odd_names_are_no_error(tmp_path, drawn, monkeypatch, name):
    path = drawn.write_video(tmp_path / "a.mkv", drawn.noise(3)).rename(tmp_path / name)
    assert _count(path) == 3
    monkeypatch.chdir(tmp_path)
    assert _count(Path(name)) == 3


def test_a_name_that_is_not_utf8_is_read(tmp_path, drawn):
    path = tmp_path / os.fsdecode(b"bad\xff.mkv")
    drawn.write_video(tmp_path / "a.mkv", drawn.noise(3)).rename(path)
    assert _count(path) == 3


def test_a_wrong_extension_and_none_are_read(tmp_path, drawn):
    for name, right in (("a.avi", "b.mp4"), ("a.mp4", "c.mkv"), ("recording", "d.webm")):
        codec = ("libvpx", "yuv420p", {}) if right == "d.webm" else LOSSY
        written = drawn.write_video(tmp_path / right, drawn.noise(5), codec=codec)
        path = written.rename(tmp_path / name)
        assert VideoReader().matches(path) and _count(path) == 5


def test_other_files_do_not_match(tmp_path):
    (tmp_path / "a.txt").write_text("ffconcat version 1.0\nfile other.mp4\n")
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    (tmp_path / "c.npz").touch()
    (tmp_path / "d.mp4").mkdir()
    for name in ("a.txt", "b.png", "c.npz", "d.mp4", "none", "none.mp4"):
        assert not VideoReader().matches(tmp_path / name)
