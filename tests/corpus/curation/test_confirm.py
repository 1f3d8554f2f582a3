import itertools

import numpy as np
import pytest

from corpus.curation.confirm import SPAN, confirm

GAMES = ("scrolling", "walking", "pong")


def half(frames):
    """At half the size, and back."""
    small = frames.reshape(len(frames), 32, 2, 32, 2, 3).mean((2, 4)).astype(np.uint8)
    return small.repeat(2, 1).repeat(2, 2)


@pytest.mark.parametrize("game", GAMES)
def test_copies_are_confirmed(games, game):
    frames = getattr(games, game)(1, SPAN + 2)
    first = frames[:SPAN]
    for copy in (first, games.reencoded(first, 35), half(first), frames[1:-1], frames[2:]):
        assert confirm(copy, first) and confirm(first, copy)


@pytest.mark.parametrize("game", GAMES)
def test_plays_of_one_game_are_no_copies(games, game):
    plays = [getattr(games, game)(seed, SPAN) for seed in range(6)]
    assert not any(confirm(a, b) for a, b in itertools.combinations(plays, 2))


def test_other_sprites_in_the_same_level_are_no_copy(games):
    """A camera that stands still shows both plays alike but for what runs about."""
    level = np.repeat(games.texture(1)[None] // 2, SPAN, 0)
    plays = []
    for seed in (1, 2):
        sprite = games.walking(seed, SPAN).min(3, keepdims=True) == 255
        plays.append(np.where(sprite, np.uint8(255), level))
    assert confirm(plays[0], plays[0].copy())
    assert not confirm(*plays)


def test_other_sprites_under_a_camera_that_moves_are_no_copy(games):
    """All of the picture moves alike; what runs about is a small part of that."""
    scrolling = games.scrolling(1, SPAN)
    plays = []
    for seed in (1, 2):
        play = scrolling.copy()
        for number, frame in enumerate(play):
            at = int(30 + 20 * np.sin(number / 6 + 2 * seed))
            frame[at : at + 6, 12 * seed : 12 * seed + 6] = (250, 30, 200)
        plays.append(play)
    assert confirm(plays[0], games.reencoded(plays[0], 35))
    assert not confirm(*plays)


def test_what_stands_still_is_no_copy(games):
    still = np.repeat(games.texture(1)[None], SPAN, 0)
    assert not confirm(still, still)
    assert not confirm(games.noisy(still, 1), games.noisy(still, 2))


def test_a_few_frames_can_be_compared(games):
    frames = games.walking(1, 20)
    for count in (1, 2, 7, 20):
        confirm(frames[:count], frames[:count])
    assert confirm(frames, frames)
