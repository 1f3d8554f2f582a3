"""Fitting the actions behind the steps of a camera, on a maze that is drawn here."""

import json

import numpy as np
import pytest
import torch

from corpus.store import Corpus, CorpusCard
from corpus.writing.writer import CorpusWriter
from train.auto.choice import choose_method
from train.auto.motion import measure_motion
from train.camera_steps.fit import CameraStepsModule
from train.camera_steps.method import CameraStepsMethod
from train.camera_steps.survey import NoStepsError, find_camera_steps
from train.data.encode import load_encoded
from train.data.frames import Frames
from train.export import fingerprint, load_model
from train.fit_reader import observe_all
from train.labelled.fit import refine
from train.labelled.labels import Labels
from train.pipeline import train

CELL, VIEW, LENGTH, EPISODES = 8, 5, 80, 24
MOVES = np.array([(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)])


def draw_episode(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A player walks a maze under keys that are held; its look shows the last one.

    Returns:
        Frames, keys, and which keys were blocked.
    """
    rng, art = np.random.default_rng(seed), np.random.default_rng(0)
    ground, wall = art.integers(0, 120, (CELL, CELL, 3)), art.integers(120, 256, (CELL, CELL, 3))
    looks = art.integers(0, 256, (5, CELL, CELL, 3))
    walls = rng.random((40, 40)) < 0.3
    walls[:8], walls[-8:], walls[:, :8], walls[:, -8:] = True, True, True, True
    tiles = np.where(walls[:, :, None, None, None], wall, ground)
    place, look, key = np.array([20, 20]), 1, 0
    frames, keys, blocked = [], [], []
    for _ in range(LENGTH):
        r, c = place - VIEW // 2
        seen = tiles[r : r + VIEW, c : c + VIEW].transpose(0, 2, 1, 3, 4)
        frame = np.zeros((VIEW * CELL + CELL, VIEW * CELL, 3), np.uint8)
        frame[: VIEW * CELL] = seen.reshape(VIEW * CELL, VIEW * CELL, 3)
        frame[16:24, 16:24] = looks[look]
        frame[-4:, : 4 * rng.integers(0, 3)] = 255  # a score that comes and goes
        frames.append(frame)
        if rng.random() < 0.3:
            key = int(rng.integers(5))
        keys.append(key)
        look = key or look
        free = not walls[tuple(place + MOVES[key])]
        blocked.append(key > 0 and not free)
        place = place + MOVES[key] * free
    return np.stack(frames), np.array(keys[:-1]), np.array(blocked[:-1])


@pytest.fixture(scope="module", autouse=True)
def short_fits():
    """Nets that see what is in the way learn this maze in a few steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("train.data.action_chances.STEPS", 200)
        patch.setattr("train.data.action_chances.BATCH", 256)
        yield


@pytest.fixture(scope="module")
def maze(tmp_path_factory):
    path = tmp_path_factory.mktemp("maze") / "c"
    card = CorpusCard(fps=8.0, source="drawn by a test", licence="none", options={})
    writer = CorpusWriter.create(path, (VIEW * CELL + CELL, VIEW * CELL), card, False)
    keys, blocked = [], []
    for seed in range(EPISODES):
        frames, pressed, walls = draw_episode(seed)
        writer.add(frames)
        writer.end_episode({"file": str(seed)}, None)
        keys.append(np.append(pressed, -1))
        blocked.append(np.append(walls, False))
    writer.finish()
    return Corpus.open(path), np.concatenate(keys), np.concatenate(blocked)


@pytest.fixture(scope="module")
def fitted(maze, tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("steps")
    recipe = tiny.write_recipe(
        folder / "r.yaml", lam__kind="auto", lam__model={"channels": 4}, lam__method={}
    )
    train("lam", maze[0].path, recipe, folder / "run")
    return folder / "run", recipe


def test_steps_and_view_are_found(maze):
    found = find_camera_steps(Frames(maze[0]), 0, CameraStepsMethod())
    assert sorted(found.steps) == sorted(
        tuple(CELL * move) for move in MOVES[1:].tolist() for move in [np.array(move)]
    )
    assert found.view == (0, 0, VIEW * CELL, VIEW * CELL)


def test_auto_takes_the_method_and_says_why(fitted):
    record = json.loads((fitted[0] / "run.json").read_text())["auto"]
    assert record["kind"] == "camera_steps" and record["model"] == {
        "channels": 16,
        "num_actions": 5,
    }
    assert "5 actions" in record["saw"][1] and "middle of 40x40 pixels" in record["saw"][2]
    assert record["dynamics"] == {"map": True}


def test_keys_are_read_also_where_something_blocks_them(maze, fitted):
    corpus, keys, blocked = maze
    run, recipe = fitted
    train("tokenizer", corpus.path, recipe, run)
    train("encode", corpus.path, recipe, run, allow_collapsed=True)
    stamp = {"corpus": corpus.fingerprint}
    stamp |= {name: fingerprint(run / name) for name in ("tokenizer", "lam")}
    read = load_encoded(run / "encoded.zarr", stamp).actions
    steps = json.loads((run / "lam" / "config.json").read_text())["steps"]
    names = {tuple((CELL * move).tolist()): key for key, move in enumerate(MOVES)}
    of_code = np.array([0, *(names[tuple(step)] for step in steps)])
    known = keys >= 0
    right = of_code[read[known]] == keys[known]
    moves, walls = (keys > 0) & ~blocked, blocked
    assert right[moves[known]].mean() > 0.97
    assert right[walls[known]].mean() > 0.6
    # Who idles before a wall and looks at it shows what one shows who walks into it.
    assert right[(keys == 0)[known]].mean() > 0.3


def test_a_fit_that_goes_on_reads_the_same_actions(maze, fitted, tiny, tmp_path):
    corpus, recipe = maze[0], fitted[1]
    train("lam", corpus.path, recipe, tmp_path / "run", minutes=0.05, stop_after=0.02)
    train("lam", corpus.path, recipe, tmp_path / "run", minutes=0.05, resume=True)
    first, second = (torch.load for _ in range(2))
    once, twice = (
        json.loads((out / "lam" / "config.json").read_text())
        for out in (fitted[0], tmp_path / "run")
    )
    assert once == twice


def write_view(path, side: int, step) -> Corpus:
    """A view of a large scene; `step(rng)` is by how many pixels it moves at a time."""
    rng = np.random.default_rng(0)
    scenery, corner = rng.integers(0, 256, (500, 500, 3), np.uint8), np.array([200, 200])
    card = CorpusCard(fps=8.0, source="drawn by a test", licence="none", options={})
    writer = CorpusWriter.create(path, (side, side), card, False)
    for _ in range(60):
        writer.add(scenery[corner[0] :, corner[1] :][None, :side, :side])
        corner = (corner + step(rng)).clip(0, 500 - side)
    writer.end_episode({"file": "0"}, None)
    writer.finish()
    return Corpus.open(path)


def test_steps_of_large_frames_are_found(tmp_path):
    corpus = write_view(tmp_path / "c", 128, lambda rng: 16 * MOVES[rng.integers(5)])
    found = find_camera_steps(Frames(corpus), 0, CameraStepsMethod())
    assert sorted(found.steps) == sorted((16 * y, 16 * x) for y, x in MOVES[1:].tolist())
    assert found.view == (0, 0, 128, 128)


def test_a_step_that_what_stands_still_outweighs_is_found(tmp_path):
    rng, side = np.random.default_rng(0), 7 * CELL
    things = rng.integers(0, 80, (60, 60, CELL, CELL, 3)) * (rng.random((60, 60, 1, 1, 1)) < 0.12)
    scenery = things.transpose(0, 2, 1, 3, 4).reshape(60 * CELL, 60 * CELL, 3).astype(np.uint8)
    chances = (0.2, 0.25, 0.25, 0.05, 0.25)  # it seldom goes down
    score = np.full((2 * CELL, side, 3), 64, np.uint8)
    card = CorpusCard(fps=8.0, source="drawn by a test", licence="none", options={})
    writer = CorpusWriter.create(tmp_path / "c", (side + 2 * CELL, side), card, False)
    for _ in range(20):
        corner = np.array([30, 30])
        for _ in range(40):
            y, x = CELL * corner
            frame = np.concatenate((scenery[y : y + side, x : x + side], score))
            writer.add(frame[None])
            corner = (corner + MOVES[rng.choice(5, p=chances)]).clip(0, 60 - 7)
        writer.end_episode({"file": "0"}, None)
    writer.finish()
    frames = Frames(Corpus.open(tmp_path / "c"))
    seen = measure_motion(frames, 0)
    found = find_camera_steps(frames, 0, CameraStepsMethod(), seen)
    assert found.view == (0, 0, side, side)
    assert sorted(found.steps) == sorted((CELL * y, CELL * x) for y, x in MOVES[1:].tolist())
    assert (CELL, 0) not in seen.steps


def test_a_camera_that_glides_is_refused(tmp_path):
    frames = Frames(write_view(tmp_path / "c", 40, lambda rng: rng.integers(-5, 6, 2)))
    with pytest.raises(NoStepsError, match="does not move by whole steps"):
        CameraStepsModule.survey(frames, 0, CameraStepsMethod(), {})


def test_observations_do_not_depend_on_whether_the_model_is_being_fitted(maze, fitted):
    """A resumed fit, whose model stood in training mode, read a quarter of its keys otherwise."""
    reader, frames = load_model(fitted[0] / "lam", "lam").encoder, Frames(maze[0])
    at_rest = observe_all(reader.eval(), frames)
    assert torch.equal(observe_all(reader.train(), frames), at_rest)


def test_labels_refine_what_a_base_sees_at_rest(maze, fitted):
    labels = Labels(transitions=np.arange(60), actions=maze[1][:60], num_actions=5)
    reader = refine(load_model(fitted[0] / "lam", "lam"), labels).encoder
    assert torch.equal(*(observe_all(reader.train(), Frames(maze[0])) for _ in range(2)))


def test_fewer_actions_than_steps_keep_the_commonest(maze):
    """They were refused after the tokenizer was fitted, though a remedy advises them."""
    choice = choose_method(Frames(maze[0]), 0, {"num_actions": 4})
    assert choice.survey.values["steps"] == tuple(map(tuple, choice.figures["steps"][:3]))
