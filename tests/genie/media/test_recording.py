import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from genie.media import recording
from genie.media.background import BackgroundRecording
from genie.media.encoders import gif_delay, upscale_factor
from genie.media.film import film as open_film
from genie.media.recording import Recording, check_target, free_path


def scene(frames, height=24, width=40):
    """Pixel art with many colours: a striped, shaded ground and a block that moves."""
    rows, columns = np.mgrid[:height, :width]
    found = []
    for t in range(frames):
        checks = (rows // 4 + columns // 4) % 2 * 99
        frame = np.stack([rows * 9, columns * 5 + t, checks + rows], -1)
        frame[8:14, (t * 3) % 30 : (t * 3) % 30 + 6] = (250, 40, 40)
        found.append(frame.astype(np.uint8))
    return found


def psnr(one, other):
    error = ((one.astype(float) - other) ** 2).mean()
    return 10 * np.log10(255**2 / max(error, 1e-9))


def record(path, frames, fps=15.0):
    with Recording(path, fps) as film:
        for frame in frames:
            film.add(frame)


def read_gif(path):
    with Image.open(path) as image:
        pictures = []
        for index in range(image.n_frames):
            image.seek(index)
            pictures.append((np.asarray(image.convert("RGB")), image.info["duration"]))
    return pictures


def read_mp4(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        return pictures, stream.average_rate, stream.pix_fmt


def test_a_gif_shows_every_frame_sharp_and_close(tmp_path):
    frames = scene(7)
    record(tmp_path / "out.gif", frames)
    shown = read_gif(tmp_path / "out.gif")
    scale = upscale_factor(24, 40)
    assert len(shown) == 7
    for (picture, delay), frame in zip(shown, frames, strict=True):
        assert picture.shape == (24 * scale, 40 * scale, 3)
        small = picture[::scale, ::scale]
        assert (small.repeat(scale, 0).repeat(scale, 1) == picture).all()
        assert psnr(small, frame) > 35
        assert delay == 70


def test_a_gif_keeps_up_to_256_colours_exactly(tmp_path):
    frame = np.zeros((16, 16, 3), np.uint8)
    frame[..., 0] = np.arange(256).reshape(16, 16)
    frame[..., 2] = 255 - frame[..., 0]
    record(tmp_path / "out.gif", [frame])
    ((picture, _),) = read_gif(tmp_path / "out.gif")
    assert (picture[::16, ::16] == frame).all()


def test_a_gif_does_not_merge_equal_frames(tmp_path):
    record(tmp_path / "out.gif", scene(1) * 5)
    assert [delay for _, delay in read_gif(tmp_path / "out.gif")] == [70] * 5


@pytest.mark.parametrize(
    ("fps", "delay"), [(15, 7), (30, 3), (10, 10), (60, 2), (25, 4), (12, 8), (7, 14), (100, 2)]
)
def test_the_delay_has_the_nearest_rate(fps, delay):
    assert gif_delay(fps) == delay


def test_an_mp4_is_playable_everywhere_and_close(tmp_path):
    frames = scene(9, height=25, width=41)  # odd sides, which halved chroma does not allow
    record(tmp_path / "out.mp4", frames, fps=12.5)
    pictures, rate, layout = read_mp4(tmp_path / "out.mp4")
    scale = upscale_factor(25, 41)
    assert len(pictures) == 9
    assert (float(rate), layout) == (12.5, "yuv420p")
    for picture, frame in zip(pictures, frames, strict=True):
        assert picture.shape[0] % 2 == picture.shape[1] % 2 == 0
        middle = picture[scale // 2 : 25 * scale : scale, scale // 2 : 41 * scale : scale]
        assert psnr(middle, frame) > 30


@pytest.mark.parametrize(("size", "factor"), [((64, 64), 4), ((60, 90), 5), ((300, 400), 1)])
def test_frames_grow_by_a_whole_factor_to_256_pixels(size, factor):
    assert upscale_factor(*size) == factor


@pytest.mark.parametrize("suffix", ["gif", "mp4"])
def test_an_existing_file_stays_until_the_new_one_is_whole(tmp_path, suffix):
    path = tmp_path / f"out.{suffix}"
    path.write_bytes(b"old")
    film = Recording(path, 15)
    film.add(scene(1)[0])
    assert path.read_bytes() == b"old"
    film.finish()
    assert path.read_bytes() != b"old"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", ["gif", "mp4"])
def test_an_error_while_playing_leaves_nothing(tmp_path, suffix):
    with pytest.raises(RuntimeError), Recording(tmp_path / f"out.{suffix}", 15) as film:
        film.add(scene(1)[0])
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_at_the_end_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(recording.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        record(tmp_path / "out.gif", scene(2))
    assert list(tmp_path.iterdir()) == []


def test_a_recording_without_a_frame_is_refused(tmp_path):
    with pytest.raises(ValueError, match="without a frame"):
        record(tmp_path / "out.gif", [])


@pytest.mark.parametrize("name", ["out.avi", "out", "gif"])
def test_an_unknown_kind_is_refused_by_name(tmp_path, name):
    with pytest.raises(ValueError, match=r"\.gif or \.mp4"):
        check_target(tmp_path / name)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="make the folder"):
        check_target(tmp_path / "none" / "out.gif")
    (tmp_path / "x.gif").mkdir()
    with pytest.raises(IsADirectoryError, match="folder"):
        check_target(tmp_path / "x.gif")


@pytest.mark.parametrize("fps", [0, -1, float("inf"), float("nan")])
def test_a_rate_that_is_none_is_refused(tmp_path, fps):
    with pytest.raises(ValueError, match="frames per second"):
        Recording(tmp_path / "out.gif", fps)


def test_a_free_name_is_counted_up(tmp_path):
    path = tmp_path / "toy.gif"
    assert free_path(path) == path
    path.touch()
    (tmp_path / "toy-2.gif").touch()
    assert free_path(path) == tmp_path / "toy-3.gif"


def test_pictures_lie_in_a_folder_pixel_for_pixel(tmp_path):
    frames = scene(3)
    record(tmp_path / "out.png", frames)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    files = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in files] == ["00000.png", "00001.png", "00002.png"]
    for path, frame in zip(files, frames, strict=True):
        assert (np.asarray(Image.open(path)) == frame).all()
    with pytest.raises(FileExistsError, match="choose a name"):
        check_target(tmp_path / "out.png")
    assert free_path(tmp_path / "out.png") == tmp_path / "out-2.png"


def test_an_error_while_writing_pictures_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), Recording(tmp_path / "out.png", 15) as film:
        film.add(scene(1)[0])
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["gif", "mp4", "png"])
def test_a_full_disk_leaves_no_partial_even_if_closing_fails(tmp_path, monkeypatch, suffix):
    film = Recording(tmp_path / f"out.{suffix}", 15)
    film.add(scene(1)[0])

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(film._encoder, "finish", full)
    monkeypatch.setattr(film._encoder, "abandon", full)
    with pytest.raises(OSError, match="No space"):
        film.finish()
    assert list(tmp_path.iterdir()) == []


def test_an_encoder_that_cannot_begin_leaves_no_partial(tmp_path, monkeypatch):
    def full(self, path, *_):
        path.write_bytes(b"GIF")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(recording.GifEncoder, "__init__", full)
    with pytest.raises(OSError, match="No space"):
        record(tmp_path / "out.gif", scene(1))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def ctrl_c():
    """Ctrl-C as a terminal has it: a program that is started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_a_signal_waits_until_a_frame_is_whole(tmp_path, monkeypatch):
    add, frames = BackgroundRecording.add, scene(3)

    def interrupted(self, frame):
        os.kill(os.getpid(), signal.SIGINT)
        add(self, frame)

    monkeypatch.setattr(BackgroundRecording, "add", interrupted)
    with pytest.raises(KeyboardInterrupt), open_film(tmp_path / "out.gif", 15) as on_frame:
        on_frame(frames[0])
    with Image.open(tmp_path / "out.gif") as image:
        assert image.n_frames == 1
    assert [path.name for path in tmp_path.iterdir()] == ["out.gif"]


@pytest.mark.usefixtures("ctrl_c")
def test_a_signal_waits_until_a_film_is_finished(tmp_path, monkeypatch):
    finish = BackgroundRecording.finish

    def interrupted(self):
        os.kill(os.getpid(), signal.SIGINT)
        return finish(self)

    monkeypatch.setattr(BackgroundRecording, "finish", interrupted)
    with pytest.raises(KeyboardInterrupt), open_film(tmp_path / "out.mp4", 15) as on_frame:
        on_frame(scene(1)[0])
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_play_as_ctrl_c_does_and_keeps_the_film(tmp_path, number):
    command = [sys.executable, "play.py", "miner", "--headless", "--frames", "100000"]
    root = Path(__file__).parents[3]
    target = tmp_path / "out.gif"
    before = signal.signal(number, signal.SIG_DFL)  # a child inherits that nohup ignores SIGHUP
    process = subprocess.Popen(
        [*command, "--record", str(target)], cwd=root, stderr=subprocess.PIPE, text=True
    )
    try:
        signal.signal(number, before)
        until = time.monotonic() + 60
        while time.monotonic() < until and not any(
            path.stat().st_size > 20_000 for path in tmp_path.glob(".out.gif.*.partial")
        ):
            time.sleep(0.05)
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]
    finally:
        process.kill()  # what a signal did not end
    assert process.returncode == 130 and "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["out.gif"]
