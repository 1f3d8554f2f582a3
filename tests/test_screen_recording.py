"""From an uncurated screen recording to a world that is played, by three commands.

An hour of it, with the shipped recipe: ``benchmarks/play/screen_recording.py``.
"""

import json

import numpy as np
from PIL import Image

from benchmarks.play.screen_recording import judge, write_recording
from genie.cli import main

RECIPE = """
about: of a test
tokenizer:
  fit: {share: 1, steps: 5, batch: 4, frames: 2, checks: 1}
  model: {patch: 8, levels: [5, 5], dim: 16, heads: 2, encoder_layers: 1, decoder_layers: 1}
lam:
  kind: auto
  fit: {share: 1, steps: 5, batch: 4, frames: 2, checks: 1}
  model: {channels: 4}
  method: {kmeans_batches: 4}
dynamics:
  fit: {share: 1, steps: 5, batch: 2, frames: 4, checks: 1}
  model: {dim: 16, heads: 2, layers: 1, band: 2}
  method: {prompt_candidates: 2}
settings: {steps: 2, order: random, temperature: 1.0}
"""


def play_level(seed, length=90):
    """Frames of a camera that goes left or right over a level of its own, some steps at a time."""
    rng = np.random.default_rng(seed)
    level = rng.integers(30, 226, (9, 60, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    ways = rng.choice([-2, 2], length).repeat(rng.integers(3, 9, length))[:length]
    left = 80 - np.abs(np.cumsum(ways) % 160 - 80)
    return np.stack([level[:32, at : at + 64] for at in left])


def test_a_screen_recording_becomes_a_world(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.play.screen_recording.GAME_SECONDS", (10, 15))
    games = {name: [play_level(seed + n) for n in range(4)] for name, seed in (("a", 0), ("b", 9))}
    video, corpus, run = (str(tmp_path / name) for name in ("screen.mkv", "corpus", "run"))
    drawn = write_recording(tmp_path / "screen.mkv", games, 60, screen=(72, 128))
    assert {name for name, _, _ in drawn} == {"a", "b", "menu"}

    assert main(["corpus", "build", video, "--out", corpus, "--size", "32x32"]) == 0
    found = judge(tmp_path / "corpus", drawn)
    assert found["menus_dropped"] == 1 and found["changes_found"] >= 0.9, found
    assert found["cuts_right"] >= 0.9 and found["game_dropped"] < 0.1, found

    (tmp_path / "small.yaml").write_text(RECIPE)
    train = ["train", "all", "--corpus", corpus, "--recipe", str(tmp_path / "small.yaml")]
    assert main([*train, "--out", run, "--allow-collapsed"]) == 0  # after so few steps it is
    assert json.loads((tmp_path / "run" / "run.json").read_text())["auto"]["kind"] == "whole_frame"

    gif = tmp_path / "world.gif"
    assert main(["play", run, "--headless", "--frames", "4", "--record", str(gif)]) == 0
    with Image.open(gif) as image:
        assert image.n_frames == 4
