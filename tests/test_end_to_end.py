"""From videos that the test draws to a played GIF, through the real commands."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from genie.cli import main
from genie.evaluate.context import EvalConfig
from genie.evaluate.report.missing_values import unexplained
from genie.evaluate.run import evaluate_with

ROOT = Path(__file__).resolve().parents[1]
GENIE = "import sys; from genie.cli import main; sys.exit(main())"
SIZE, FRAMES = 32, 40


def draw_video(path, seed):
    """Write a bright square that walks over speckled ground, as H.264."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(40, 90, (SIZE, SIZE, 3), np.uint8)
    place, direction = rng.integers(0, SIZE, 2), np.zeros(2, int)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=15, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = SIZE, SIZE, "yuv444p"
        for index in range(FRAMES):
            if index % 5 == 0:
                direction = np.array([(0, 0), (0, 3), (0, -3), (3, 0)])[rng.integers(4)]
            place = (place + direction) % SIZE
            frame = ground.copy()
            frame[np.ix_(*[(start + np.arange(8)) % SIZE for start in place])] = (230, 60, 60)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


@dataclass(frozen=True)
class Place:
    """A folder with videos, the corpus of them, and a run that is trained on it."""

    folder: Path
    corpus: Path
    run: Path


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("way")
    (folder / "videos").mkdir()
    for seed in range(3):
        draw_video(folder / "videos" / f"{seed}.mp4", seed)
    corpus, run = folder / "corpus", folder / "run"
    build = ["corpus", "build", str(folder / "videos"), "--out", str(corpus), "--size", "32x32"]
    assert main(build) == 0
    train = ["train", "all", "--corpus", str(corpus), "--recipe", "smoke", "--out", str(run)]
    assert main([*train, "--seed", "1", "--allow-collapsed"]) == 0
    return Place(folder, corpus, run)


def play(place, name, *more):
    """Frames of the GIF that a headless play records."""
    path = place.folder / name
    command = ["play", str(place.run), "--headless", "--record", str(path), *more]
    assert main(command) == 0
    with Image.open(path) as image:
        frames = []
        for index in range(image.n_frames):
            image.seek(index)
            frames.append(np.asarray(image.convert("RGB")))
    return frames


def test_videos_become_a_gif_that_moves(place):
    timings = place.folder / "t.json"
    frames = play(place, "out.gif", "--frames", "12", "--seed", "1", "--json", str(timings))
    assert len(frames) == 12
    assert frames[0].shape[0] == frames[0].shape[1] >= SIZE
    assert any(not np.array_equal(frames[0], frame) for frame in frames[1:])
    assert json.loads(timings.read_text())["frames"] == 12


def test_every_action_of_the_world_can_be_held(place):
    names = [action["name"] for action in read(place.run / "world" / "keymap.json")["actions"]]
    assert len(names) == 4  # as the recipe says
    keys = " ".join(f"{name}*2" for name in names)
    assert len(play(place, "keys.gif", "--keys", keys)) == 8


def measure(place, name):
    """The report of a short evaluation of the run, and what was printed."""
    file, said = place.folder / name, io.StringIO()
    config = EvalConfig(clips=2, long_frames=200, speed_frames=60)
    with contextlib.redirect_stdout(said):
        evaluate_with(config, place.run, place.corpus, json=file)
    return file, said.getvalue()


@pytest.fixture(scope="module")
def measured(place):
    return measure(place, "report.json")


def test_the_world_is_measured(place, measured):
    file, said = measured
    assert "psnr" in json.dumps(read(file)).lower()
    assert len(read(file)["drift"]["held"]["moving_share"]) == 2  # stretches of 100 frames
    assert "psnr" in said.lower() and "Minutes" in said
    assert main(["card", str(file), str(place.run)]) == 0
    card = (place.run / "world" / "README.md").read_text()
    assert f"{read(file)['tokenizer']['psnr']:.2f} dB" in card and "--allow-collapsed" in card


def test_a_second_measurement_says_the_same_but_for_times(place, measured):
    one, other = (read(file) for file in (measured[0], measure(place, "again.json")[0]))
    times = {"speed": None, "meta": {**one["meta"], "date": None}}
    assert {**one, **times} == {**other, "speed": None, "meta": {**other["meta"], "date": None}}
    assert unexplained(one) == []


def test_worlds_are_compared_on_videos_as_they_lie(place, capsys):
    video = place.folder / "compare.gif"
    command = ["compare", str(place.run), str(place.run), str(place.folder / "videos")]
    assert main([*command, "--clips", "2", "--record", str(video)]) == 0
    assert "run (2) less run" in " ".join(capsys.readouterr().out.split())
    with Image.open(video) as image:
        assert image.n_frames == 2 * 17


def test_an_existing_out_is_refused_in_one_line_and_left_alone(place, capsys):
    files = {path: path.stat().st_mtime_ns for path in place.run.rglob("*")}
    command = ["train", "all", "--corpus", str(place.corpus), "--recipe", "smoke"]
    assert main([*command, "--out", str(place.run)]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and "--resume" in line
    assert files == {path: path.stat().st_mtime_ns for path in place.run.rglob("*")}


def test_a_slice_ends_and_the_next_one_goes_on(place, capsys):
    out = place.folder / "sliced"
    command = ["train", "all", "--corpus", str(place.corpus), "--recipe", "smoke"]
    command = [*command, "--out", str(out), "--seed", "1", "--allow-collapsed"]
    assert main([*command, "--stop-after", "0.0001"]) == 0
    assert (out / "tokenizer" / "weights.safetensors").exists()
    assert not (out / "world").exists()
    assert main(command) == 2  # without --resume
    assert main([*command, "--resume"]) == 0
    rows = (out / "logs" / "tokenizer" / "held-out.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", "15", "30"]
    assert main(["play", str(out), "--headless", "--frames", "2"]) == 0


def test_ctrl_c_saves_and_the_fit_goes_on(place):
    out = place.folder / "stopped"
    command = [sys.executable, "-c", GENIE, "train", "tokenizer", "--corpus", str(place.corpus)]
    command += ["--recipe", "smoke", "--out", str(out), "--minutes", "5"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        log = out / "logs" / "tokenizer" / "loss.csv"
        deadline = time.monotonic() + 180
        while not log.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        try:
            _, complaint = process.communicate(timeout=180)
        finally:
            process.kill()
    assert process.returncode == 130, complaint
    assert "Traceback" not in complaint and complaint.strip().count("\n") == 0
    for name in ("checkpoint.ckpt", "weights.safetensors", "config.json"):
        assert (out / "tokenizer" / name).exists(), name
    resume = ["train", "tokenizer", "--corpus", str(place.corpus), "--recipe", "smoke"]
    assert main([*resume, "--out", str(out), "--resume", "--stop-after", "0.0001"]) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"--recipe": "nope"}, "no recipe 'nope'"),
        ({"--corpus": "nowhere"}, "no corpus at nowhere"),
        ({"--minutes": "0"}, "--minutes must be above 0"),
        ({"--minutes": "soon"}, "minutes"),
    ],
)
def test_a_wrong_argument_of_train_is_one_line_and_writes_nothing(place, capsys, change, words):
    out = place.folder / "refused"
    flags = {"--corpus": str(place.corpus), "--recipe": "smoke", "--out": str(out), **change}
    assert main(["train", "all", *[word for pair in flags.items() for word in pair]]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and words in line
    assert not out.exists()


def test_frames_that_the_patch_does_not_divide_are_one_line(place, capsys):
    corpus, out = place.folder / "odd", place.folder / "refused"
    build = ["corpus", "build", str(place.folder / "videos"), "--out", str(corpus)]
    assert main([*build, "--size", "36x36"]) == 0
    capsys.readouterr()
    command = ["train", "all", "--corpus", str(corpus), "--recipe", "smoke", "--out", str(out)]
    assert main(command) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and re.search("patch", line)
    assert not out.exists()


def read(path):
    return json.loads(Path(path).read_text())
