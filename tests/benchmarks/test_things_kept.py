"""Finding the things of an Atari game by their colour."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks.things_kept import (
    SCREENS,
    compare_things,
    count_things,
    find_thing,
    infer_keys,
    reconstruct,
)

PONG = SCREENS["pong"]
BALL, PADDLE = PONG.things[:2]
HEIGHT, WIDTH = 105, 80


def draw(ball=(50, 40), paddle=60, mix=1.0):
    """Return a frame with a ball of 2 by 1 pixels and a paddle of 8 by 2, uint8 (1, H, W, 3)."""
    frame = np.full((1, HEIGHT, WIDTH, 3), PONG.background, np.float32)
    frame[0, paddle : paddle + 8, 70:72] = PADDLE.colour
    if ball is not None:
        row, column = ball
        spot = frame[0, row : row + 2, column]
        spot += mix * (np.array(BALL.colour) - spot)
    return frame.round().astype(np.uint8)


@pytest.mark.parametrize("mix", [1.0, 0.5, 0.3])
def test_a_ball_is_found_where_it_is(mix):
    found = find_thing(draw(mix=mix), PONG, BALL)
    assert found.middle[0].tolist() == [50.5, 40]
    assert found.size[0] == pytest.approx(2 * mix, rel=0.05)


def test_a_paddle_is_no_ball():
    assert find_thing(draw(ball=None), PONG, BALL).size[0] == 0


def test_what_is_drawn_elsewhere_or_not_at_all_is_not_kept():
    true = np.concatenate([draw((50, 20 + column)) for column in range(4)])
    near, far, gone = draw((51, 21)), draw((60, 22)), draw(None)
    drawn = np.concatenate([draw((50, 20)), near, far, gone])
    found = compare_things(true, drawn, PONG)
    assert found["ball"]["tokenized"] == 0.5
    assert found["paddle"]["tokenized"] == 1


def test_a_ball_that_no_frame_had_is_invented():
    true = np.concatenate([draw(), draw(None), draw(None)])
    drawn = np.concatenate([draw(), draw(), draw(None)])
    assert compare_things(true, drawn, PONG)["ball"]["invented"] == 0.5


def test_two_balls_are_not_one():
    true = draw()
    two = np.maximum(true, draw((80, 20)))
    found = count_things(true, np.concatenate([true, two, draw(None), true]), PONG)
    assert found["ball"] == {"corpus": 1.0, "played": 0.5}


def test_a_screen_without_a_thing_says_none():
    found = compare_things(draw(None), draw(None), PONG)["ball"]
    assert found == {"frames": 0, "tokenized": None, "invented": 0.0}


class Smearing:
    """A tokenizer that draws of a clip's frames what has been brightest so far."""

    def encode(self, frames):
        return frames

    def decode(self, frames):
        return frames.cummax(dim=1).values


def test_frames_are_redrawn_each_by_itself():
    bundle = SimpleNamespace(tokenizer=Smearing(), device=torch.device("cpu"))
    frames = np.concatenate([draw((50, column)) for column in range(70)])
    assert np.array_equal(reconstruct(bundle, frames), frames)


class Numbered:
    """A corpus whose frames are their numbers."""

    episode_ends = np.array([100])

    def read(self, start, stop):
        return np.arange(start, stop, dtype=np.uint8)[:, None, None, None] + np.zeros(
            (1, 2, 2, 3), np.uint8
        )


class Numbers:
    """A latent action model that says the number of the frame before."""

    def infer(self, frames):
        return (frames[:, :-1, 0, 0, 0] * 255).round().long()


def test_inferred_keys_end_at_the_frames_that_they_led_to():
    starts = np.arange(12) * 3  # more than a batch
    bundle = SimpleNamespace(lam=Numbers(), device=torch.device("cpu"))
    keys, last = infer_keys(bundle, Numbered(), starts, steps=20)
    assert keys.tolist() == [list(range(start, start + 20)) for start in starts]
    ends = [list(range(start + 11, start + 21)) for start in starts]
    assert last[:, 0, 0, 0].tolist() == sum(ends, [])
