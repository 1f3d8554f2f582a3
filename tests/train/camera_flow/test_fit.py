"""Fitting actions that are read off how the picture flows."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from corpus.store import Corpus, CorpusCard
from corpus.writing.writer import CorpusWriter
from train.auto.choice import AUTO, choose_method
from train.auto.chosen import recorded_choice
from train.auto.picture import AUTO_PICTURE
from train.camera_flow.fit import _episodes, find_flow_keys
from train.camera_flow.method import CameraFlowMethod
from train.data.frames import Frames
from train.export import load_model
from train.pipeline import train
from train.recipe import load_recipe

SIZE, EPISODES, LENGTH = (32, 48), 10, 80
QUICK = CameraFlowMethod(starts=3, rounds=10)


def draw_walk(seed, hold=0.92):
    """uint8 (T, H, W, 3) of a camera over a texture, and its keys: none, left, right, ahead."""
    rng = np.random.default_rng(seed)
    noise = torch.from_numpy(rng.random((1, 3, 64, 64))).float()
    ground = F.interpolate(noise, (256, 256), mode="bicubic").clamp(0, 1)
    keys, frames, key = [], [], 0
    zoom, column, row = 1.0, 0.0, 0.0
    for _ in range(LENGTH):
        key = key if rng.random() < hold else int(rng.integers(4))
        keys.append(key)
        frames.append((zoom, row, column))
        column += {1: -1.0, 2: 1.0}.get(key, 0.0) * rng.uniform(1, 4.5) / zoom
        row = rng.uniform(-1.5, 1.5)  # a head that bobs
        zoom = zoom * 1.05 if key == 3 and zoom < 3 else 1.0 if zoom >= 3 else zoom
    height, width = SIZE
    views = []
    for zoom, row, column in frames:
        y = (torch.arange(height) - height / 2) / zoom + 128 + row
        x = (torch.arange(width) - width / 2) / zoom + 128 + column
        grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1)[None]
        mode = {"mode": "bilinear", "padding_mode": "reflection", "align_corners": False}
        views.append(F.grid_sample(ground, 2 * grid / 256 - 1, **mode)[0])
    pictures = (255 * torch.stack(views)).round().byte().permute(0, 2, 3, 1)
    return pictures.numpy(), np.array(keys[:-1], np.int64)


@pytest.fixture(scope="module")
def walks(tmp_path_factory):
    """A corpus of first-person walks, and the true keys (N,), −1 at the ends."""
    path, true = tmp_path_factory.mktemp("walks") / "c", []
    card = CorpusCard(fps=15.0, source="drawn by a test", licence="none", options={})
    writer = CorpusWriter.create(path, SIZE, card, False)
    for seed in range(EPISODES):
        frames, keys = draw_walk(seed)
        writer.add(frames)
        writer.end_episode({"file": str(seed)}, None)
        true.append(np.append(keys, -1))
    writer.finish()
    return Corpus.open(path), np.concatenate(true)


def purity(read, true):
    """Share of transitions whose code stands for the key it mostly goes with."""
    table = np.zeros((read.max() + 1, true.max() + 1))
    np.add.at(table, (read[true >= 0], true[true >= 0]), 1)
    return table.max(axis=1).sum() / (true >= 0).sum()


def test_as_many_keys_are_found_as_there_are_ways_to_go(walks):
    frames = Frames(walks[0])
    keys = find_flow_keys(frames, 0, QUICK, (4, 6))
    assert {"left", "right", "ahead", "nowhere"} <= set(keys.ways())
    assert 4 <= keys.num_keys <= 6
    assert find_flow_keys(frames, 0, QUICK, (4, 6), 3).num_keys == 3
    again = find_flow_keys(frames, 0, QUICK, (4, 6))
    assert all(torch.equal(a, b) for a, b in zip(keys.buffers(), again.buffers(), strict=True))


def test_auto_reads_a_gliding_camera_and_a_run_learns_its_keys(walks, tiny, tmp_path, capsys):
    corpus, true = walks
    method = {"starts": 3, "rounds": 10}
    recipe = tiny.write_recipe(
        tmp_path / "r.yaml", lam__kind=AUTO, lam__model={"channels": 4}, lam__method=method
    )
    out = tmp_path / "run"
    train("lam", corpus.path, recipe, out, allow_collapsed=True)
    said = capsys.readouterr().out
    assert "actions by the method camera_flow" in said and "ahead" in said
    assert (out / AUTO_PICTURE).exists()
    choice = recorded_choice(out)
    record = json.loads((out / "run.json").read_text())["auto"]
    assert choice.kind == "camera_flow" and record["figures"]["hold"] > 0.8
    model = load_model(out / "lam", "lam")
    clips = torch.from_numpy(np.array(corpus.read(0, corpus.num_frames))).permute(0, 3, 1, 2)
    codes = [
        np.append(model.infer(clips[begin:end].float()[None] / 255)[0].numpy(), -1)
        for begin, end in map(corpus.episode, range(corpus.num_episodes))
    ]
    assert purity(np.concatenate(codes), true) > 0.85
    train("lam", corpus.path, recipe, out, allow_collapsed=True, resume=True)  # is at its end


def test_a_flow_that_does_not_last_is_left_to_latents_of_whole_frames(walks, monkeypatch):
    monkeypatch.setattr("train.auto.choice.LEAST_HOLD", 1.0)
    choice = choose_method(Frames(walks[0]), 0, dict(load_recipe(AUTO).lam.model))
    assert choice.kind == "whole_frame" and 0.8 < choice.figures["hold"] < 1
    assert "flow" not in choice.figures and choice.survey is None


def test_of_a_long_recording_the_beginning_is_looked_at(tiny, tmp_path):
    corpus = tiny.write_corpus(tmp_path / "c", lengths=(300, 300))
    flow = _episodes(Frames(corpus), 0, replace(QUICK, most_frames=100), (2, 2))
    assert flow.shape[:2] == (1, 99)
