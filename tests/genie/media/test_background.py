"""Films that a process of its own encodes: the same bytes, and never in the way of play."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from genie.media.background import BackgroundRecording
from genie.media.recording import Recording

ROOT = Path(__file__).parents[3]
FRAMES = np.random.default_rng(0).integers(0, 256, (60, 64, 64, 3), np.uint8)


@pytest.mark.parametrize("suffix", ["gif", "mp4", "png"])
def test_the_film_is_the_same_as_one_that_is_encoded_here(tmp_path, suffix):
    made = []
    for kind in (Recording, BackgroundRecording):
        film = kind(tmp_path / f"{kind.__name__}.{suffix}", 15)
        for frame in FRAMES[:6]:
            film.add(frame)
        path = film.finish()
        film.discard()
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        made.append([file.read_bytes() for file in files])
    assert made[0] == made[1]
    assert len(list(tmp_path.iterdir())) == 2


def test_adding_a_frame_takes_a_fraction_of_encoding_it(tmp_path):
    seconds = []
    for kind in (Recording, BackgroundRecording):
        film = kind(tmp_path / f"{kind.__name__}.gif", 15)
        film.add(FRAMES[0])
        before = time.thread_time()
        for frame in FRAMES[1:]:
            film.add(frame)
        seconds.append(time.thread_time() - before)
        film.finish()
    assert seconds[1] < 0.1 * seconds[0]


def test_what_waits_is_bounded_and_nothing_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr("genie.media.background._WAITING_BYTES", 4 * FRAMES[0].nbytes)
    film = BackgroundRecording(tmp_path / "out.png", 15)
    most = 0
    for frame in FRAMES:
        film.add(frame)
        most = max(most, film._frames.qsize())
    path = film.finish()
    assert most <= 4
    assert len(list(path.iterdir())) == len(FRAMES)


def test_a_film_that_is_given_up_leaves_nothing(tmp_path):
    for added in (0, 1, 20):
        film = BackgroundRecording(tmp_path / "out.gif", 15)
        for frame in FRAMES[:added]:
            film.add(frame)
        film.discard()
        film.discard()
        assert list(tmp_path.iterdir()) == []


def test_a_film_is_given_up_while_its_last_frame_is_taken(tmp_path, monkeypatch):
    film = BackgroundRecording(tmp_path / "out.gif", 15)
    film.add(FRAMES[0])
    monkeypatch.setattr(film._frames, "empty", lambda: False)  # as it was a moment ago
    film.discard()
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_process_is_told_and_leaves_nothing(tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    film = BackgroundRecording(folder / "out.gif", 15)
    folder.rmdir()
    with pytest.raises(OSError, match="cannot record to"):
        film.add(FRAMES[0])
        film._process.wait()
        film.add(FRAMES[0])
    film.discard()
    killed = BackgroundRecording(tmp_path / "out.gif", 15)
    killed.add(FRAMES[0])
    killed._process.kill()
    with pytest.raises(OSError, match="has ended"):
        killed.finish()


def test_a_film_of_no_frame_is_refused(tmp_path):
    with pytest.raises(ValueError, match="without a frame"):
        BackgroundRecording(tmp_path / "out.gif", 15).finish()
    with pytest.raises(ValueError, match="frames per second"):
        BackgroundRecording(tmp_path / "out.gif", 0)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_signals_do_not_cut_the_film_off_but_the_end_of_the_program_does(tmp_path):
    film = BackgroundRecording(tmp_path / "out.gif", 15)
    for frame in FRAMES[:9]:
        film.add(frame)
        time.sleep(0.2 if frame is FRAMES[0] else 0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        time.sleep(0.2)
        film._process.send_signal(number)
    assert film.finish().stat().st_size > 9 * 1000
    (tmp_path / "out.gif").unlink()
    code = (
        "import os, sys, numpy as np\n"
        "from genie.media.background import BackgroundRecording\n"
        "film = BackgroundRecording(sys.argv[1], 15)\n"
        "film.add(np.zeros((64, 64, 3), np.uint8)); print(film._process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "out.gif")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    for _ in range(100):
        if not Path(f"/proc/{int(done.stdout)}").exists():
            break
        time.sleep(0.1)
    assert list(tmp_path.iterdir()) == []
