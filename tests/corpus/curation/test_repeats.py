from fractions import Fraction

import numpy as np
import pytest

from corpus.curation.repeats import repeated_share, true_rate


def _sprite(steps, noise=0, seed=0):
    """A small square on a still picture, at the places given; with the noise of a codec."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(30, 220, (48, 64, 3))
    frames = np.repeat(ground[None], len(steps), axis=0)
    for frame, step in zip(frames, steps, strict=True):
        left = step * 2 % 58
        frame[20:26, left : left + 6] = 255
    frames = frames + rng.integers(-noise, noise + 1, frames.shape)
    return frames.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("noise", [0, 1])
@pytest.mark.parametrize("multiple", [1, 2, 3, 4])
def test_a_game_slower_than_its_recording_is_noticed(multiple, noise):
    frames = _sprite([number // multiple for number in range(100)], noise)
    share = repeated_share(frames)
    assert abs(share - (1 - 1 / multiple)) < 0.05
    expected = None if multiple == 1 else Fraction(60, multiple)
    assert true_rate(Fraction(60), share) == expected


def test_a_picture_that_stands_still_is_no_slower_game():
    assert repeated_share(_sprite([0] * 50)) == 0
    assert repeated_share(_sprite([*range(30), *[30] * 60, *range(30, 40)])) < 0.05
    assert repeated_share(_sprite([1, 2])) == 0


def test_moving_pictures_without_pattern_are_no_slower_game():
    rng = np.random.default_rng(1)
    steps = np.cumsum(rng.random(100) < 0.8).tolist()
    assert true_rate(Fraction(60), repeated_share(_sprite(steps))) is None
