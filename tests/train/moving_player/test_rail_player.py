"""Actions of a ship that keeps to a row of the picture while the scenery scrolls by."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from corpus.store import Corpus, CorpusCard
from corpus.writing.writer import CorpusWriter
from train.auto.choice import choose_method
from train.auto.chosen import resolve
from train.data.frames import Frames
from train.moving_player.fit import MovingPlayerModule
from train.moving_player.method import MovingPlayerMethod, ScrollingPlayerMethod
from train.moving_player.rail import _scroll_axis, find_rail_player
from train.moving_player.survey import MovingPlayer, watch
from train.recipe import load_recipe

SIDE, LENGTH, ROW = 40, 70, 33
COLOURS = [(230, 60, 60), (60, 220, 90), (70, 120, 240), (230, 220, 60), (220, 90, 220)]


def draw_flight(seed: int, ship: bool = True) -> np.ndarray:
    """Rough ground that scrolls down, with rocks on it, and a ship of any of their colours."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(40, 90, (SIDE + 2 * LENGTH, SIDE, 3)).astype(np.uint8)
    ground = ground.repeat(2, axis=0)[: len(ground)]
    for _ in range(40):
        row, column = rng.integers(0, len(ground) - 3), rng.integers(0, SIDE - 3)
        ground[row : row + 3, column : column + 3] = COLOURS[rng.integers(len(COLOURS))]
    keys = np.concatenate([np.full(rng.integers(3, 9), rng.integers(-1, 2)) for _ in range(LENGTH)])
    column, frames, colour = SIDE // 2, [], COLOURS[seed % len(COLOURS)]
    for time in range(LENGTH):
        top = len(ground) - SIDE - time
        frame = ground[top : top + SIDE].copy()
        if ship:
            frame[ROW - 1 : ROW + 2, column - 1 : column + 2] = colour
        frames.append(frame)
        column = int(np.clip(column + 2 * keys[time], 2, SIDE - 3))
    return np.stack(frames)


def write_flights(path, ship: bool = True) -> Corpus:
    card = CorpusCard(fps=15.0, source="drawn by a test", licence="none", options={})
    writer = CorpusWriter.create(path, (SIDE, SIDE), card, False)
    for seed in range(20):
        writer.add(draw_flight(seed, ship))
        writer.end_episode({"file": str(seed)}, None)
    writer.finish()
    return Corpus.open(path)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Corpus:
    return write_flights(tmp_path_factory.mktemp("flights") / "c")


def test_the_player_is_what_keeps_to_a_line_and_moves_along_it(corpus):
    method = ScrollingPlayerMethod()
    player = find_rail_player(watch(corpus, 0, method), method)
    seen = player.positions[~np.isnan(player.positions).any(axis=1)]
    assert (abs(seen[:, 0] - ROW) < 0.6).all() and np.ptp(seen[:, 1]) > SIDE / 2
    assert np.allclose(player.motions, [[0, 0], [0, 2], [0, -2]], atol=0.3)


def test_where_all_scrolls_by_nothing_is_taken_for_it(tmp_path):
    method = ScrollingPlayerMethod()
    assert find_rail_player(watch(write_flights(tmp_path / "c", False), 0, method), method) is None


def test_a_camera_that_goes_to_and_fro_follows_the_player(corpus):
    watched = watch(corpus, 0, ScrollingPlayerMethod())
    assert _scroll_axis(watched) == 0
    turned = [
        [replace(track, camera=track.camera * (-1) ** number) for track in part]
        for number, part in enumerate(watched.tracks)
    ]
    assert _scroll_axis(replace(watched, tracks=turned)) is None
    assert _scroll_axis(replace(watched, tracks=[[]])) is None


def test_auto_reads_it_in_the_picture_and_finds_it_again(corpus):
    frames = Frames(corpus)
    choice = choose_method(frames, 0, {})
    assert choice.kind == "moving_player" and choice.lam == {"rail": True}
    assert "on a line of the picture" in choice.saw[-2] and "3 actions" in choice.saw[-1]
    part = resolve(load_recipe("auto"), choice).lam
    again = MovingPlayerModule.survey(frames, 0, MovingPlayerMethod(**part.method), part.model)
    assert np.array_equal(again.player.positions, choice.survey.player.positions, equal_nan=True)


def test_the_decoder_minds_pixels_around_the_player_before_and_after():
    config = SimpleNamespace(height=32, width=64)
    module = SimpleNamespace(
        model=SimpleNamespace(config=config), device=torch.device("cpu"),
        method=MovingPlayerMethod(player_weight=5.0),
        places=torch.tensor([[10.0, 20.0], [10.0, 30.0], [20.0, 30.0]]),
    )  # fmt: skip
    weights = MovingPlayerModule.pixel_weights(module, torch.tensor([0, 2]))
    assert weights.shape == (2, 1, 32, 64) and weights.unique().tolist() == [1.0, 6.0]
    rows, columns = np.nonzero(weights[0, 0].numpy() > 1)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (6, 14, 16, 34)
    assert weights[0, 0, 10, 25] == 1  # between the two places
    assert (weights[1, 0] > 1).sum() == 9 * 9  # the last transition of all: it stays there


@pytest.mark.parametrize(("longest", "limit"), [(20, 30.0), (4, None)])
def test_a_step_may_be_as_long_as_the_player_takes(longest, limit):
    """A paddle of 20 pixels a frame was found, and all its steps were taken for jumps."""
    player = MovingPlayer(
        frames=np.arange(4), positions=np.zeros((4, 2)), colours=np.zeros((1, 3)), present=1.0,
        moving=1.0, surprise=1.0, motions=np.array([[0.0, 0.0], [0.0, longest]]),
        taken=np.array([1, 1]), area=4.0, size=(160, 160),
    )  # fmt: skip
    assert MovingPlayerModule.survey_of(player, {}).values.get("largest_step") == limit
    given = {"largest_step": 5.0, "num_actions": 3}
    assert MovingPlayerModule.survey_of(player, given).values == {}
