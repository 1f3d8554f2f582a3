import numpy as np
import pytest

from corpus.curation.decide import decide
from corpus.curation.options import CurationOptions, Stretch

FPS = 15
OFF = dict(cuts=False, gradual=False, flat=False, frozen=False, menus=False)


def only(**kinds):
    return CurationOptions(**{**OFF, **kinds})


def cuts_of(stretches):
    return [s.start for s in stretches if s.decision == "keep" and s.start]


def dropped(stretches, frames):
    flags = np.zeros(frames, bool)
    for stretch in stretches:
        flags[stretch.start : stretch.stop] = stretch.decision == "drop"
    return flags


def check_partition(stretches, frames):
    assert [s.start for s in stretches] == [0, *(s.stop for s in stretches[:-1])]
    assert stretches[-1].stop == frames


@pytest.mark.parametrize("game", ["scrolling", "walking"])
@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_cuts_between_levels_of_one_game(games, game, noise):
    make = getattr(games, game)
    frames = np.concatenate([make(seed, 50) for seed in range(4)])
    stretches = decide(games.measure(games.noisy(frames, level=noise)), FPS, only(cuts=True))
    check_partition(stretches, 200)
    assert cuts_of(stretches) == [50, 100, 150]
    assert [s.reason for s in stretches] == ["", "cut", "cut", "cut"]


@pytest.mark.parametrize("game", ["scrolling", "walking", "pong"])
def test_motion_is_no_cut(games, game):
    frames = getattr(games, game)(7, 200)
    assert decide(games.measure(frames), FPS, CurationOptions()) == [Stretch(0, 200, "keep", "")]


@pytest.mark.parametrize("game", ["scrolling", "walking"])
@pytest.mark.parametrize("length", [1, 2])
def test_flash_and_shake_are_no_cuts(games, game, length):
    frames = getattr(games, game)(3, 120)
    frames[40 : 40 + length] = 255 - frames[40 : 40 + length] // 4
    frames[80 : 80 + length] = np.roll(frames[80 : 80 + length], (3, -4), (1, 2))
    assert cuts_of(decide(games.measure(frames), FPS, only(cuts=True))) == []


def mixed(first, second, n):
    weight = ((np.arange(n) + 1) / (n + 1))[:, None, None, None]
    return (first * (1 - weight) + second * weight).astype(np.uint8)


def crosses(stretches, start, stop):
    """Whether one episode holds frames of before and after."""
    return any(s.decision == "keep" and s.start < start and s.stop > stop for s in stretches)


def test_no_episode_crosses_a_dissolve(games):
    first, second = games.walking(1, 72), games.walking(2, 72)
    frames = np.concatenate([first[:60], mixed(first[60:], second[:12], 12), second[12:]])
    stretches = decide(games.measure(frames), FPS, CurationOptions())
    assert crosses(decide(games.measure(frames), FPS, only()), 60, 72)
    assert not crosses(stretches, 60, 72)
    assert not dropped(stretches, len(frames))[[30, 100]].any()


def test_no_episode_crosses_a_fade_through_black(games):
    first, second = games.scrolling(1, 70), games.scrolling(2, 70)
    black = np.zeros((8, 64, 64, 3), np.uint8)
    frames = np.concatenate(
        [first[:60], mixed(first[60:], black[:1], 10), black, mixed(black[:1], second[:10], 10)]
        + [second[10:]]
    )
    stretches = decide(games.measure(frames), FPS, CurationOptions())
    assert not crosses(stretches, 60, 88)
    assert dropped(stretches, len(frames))[66:82].all()
    assert not dropped(stretches, len(frames))[[40, 110]].any()


@pytest.mark.parametrize("colour, reason", [(0, "black"), (200, "single colour")])
def test_one_colour_is_dropped(games, colour, reason):
    flat = np.full((20, 64, 64, 3), colour, np.uint8)
    frames = np.concatenate([games.walking(1, 50), flat, games.walking(2, 50)])
    stretches = decide(games.measure(frames), FPS, CurationOptions())
    assert [(s.start, s.stop, s.reason) for s in stretches if s.decision == "drop"] == [
        (50, 70, reason)
    ]
    kept = decide(games.measure(frames), FPS, only(cuts=True))
    assert all(s.decision == "keep" for s in kept)


def test_dark_game_is_not_black(games):
    frames = games.walking(1, 100) // 12
    assert not dropped(decide(games.measure(frames), FPS, only(flat=True)), 100).any()


@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_pause_of_more_than_two_seconds_is_dropped(games, noise):
    game = games.walking(1, 100)
    frames = np.concatenate([game[:50], game[49:50].repeat(40, 0), game[50:]])
    stretches = decide(games.measure(games.noisy(frames, level=noise)), FPS, only(frozen=True))
    assert [(s.start, s.stop, s.reason) for s in stretches if s.decision == "drop"] == [
        (50, 90, "frozen")
    ]


def test_pause_of_less_than_two_seconds_stays(games):
    game = games.walking(1, 100)
    frames = np.concatenate([game[:50], game[49:50].repeat(25, 0), game[50:]])
    assert not dropped(decide(games.measure(frames), FPS, only(frozen=True)), 125).any()


def test_slow_motion_is_not_frozen(games):
    """No step is larger than an encoder's noise; eight of them are."""
    base = games.texture(1).astype(float)
    frames = np.stack([base * (0.4 + 0.004 * t) for t in range(120)]).astype(np.uint8)
    assert games.measure(frames).peak.max() < 4
    assert not dropped(decide(games.measure(frames), FPS, only(frozen=True)), 120).any()


def menu(games, frames, period=7):
    screen = np.repeat(games.texture(9)[None] // 2, frames, axis=0)
    screen[np.arange(frames) // period % 2 == 0, 30:34, 30:33] = 255
    return screen


def test_menu_with_a_blinking_cursor_is_dropped(games):
    frames = np.concatenate([games.walking(1, 50), menu(games, 90), games.walking(2, 50)])
    stretches = decide(games.measure(frames), FPS, CurationOptions())
    (gone,) = [s for s in stretches if s.decision == "drop"]
    assert gone.reason == "menu or loading screen"
    assert abs(gone.start - 50) <= 1 and abs(gone.stop - 140) <= 1


@pytest.mark.parametrize("game", ["pong", "walking"])
def test_small_thing_that_moves_about_is_no_menu(games, game, monkeypatch):
    frames = getattr(games, game)(5, 200)
    assert not dropped(decide(games.measure(frames), FPS, only(menus=True)), 200).any()
    # The threshold is what tells them apart, even if it is not asked where things come back to.
    monkeypatch.setattr("corpus.curation.still.BUSY", 2.0)
    assert not dropped(decide(games.measure(frames), FPS, only(menus=True)), 200).any()
    loose = only(menus=True, menu_share=0.9)
    assert dropped(decide(games.measure(frames), FPS, loose), 200).all()


@pytest.mark.parametrize(("loop", "stay"), [("blinks", 15), ("turns", 30)])
def test_menu_through_which_a_cursor_is_led_is_dropped(games, loop, stay):
    frames = np.repeat(games.texture(9)[None] // 2, 80, axis=0)
    for number, frame in enumerate(frames):
        line = 8 + 9 * (number // stay)
        frame[line : line + 4, 10:14] = 250
        if loop == "blinks":
            frame[50:53, 50:53] = 250 * (number // 15 % 2)
        else:
            y, x = np.round(3 * np.array([np.sin(number), np.cos(number)])).astype(int)
            frame[47 + y : 49 + y, 47 + x : 49 + x] = 250
    assert dropped(decide(games.measure(frames), FPS, only(menus=True)), 80).all()


@pytest.mark.parametrize("hold", [1, 3])
def test_something_small_that_goes_its_way_slowly_is_no_menu(games, hold):
    """It touches no more places in four seconds than a spinner does, but it does not come back."""
    frames = np.repeat(games.texture(9)[None] // 2, 90, axis=0)
    for number, frame in enumerate(frames):
        left = 8 + number // hold * hold // 3
        frame[33:37, left : left + 4] = 250
    assert len({frame.tobytes() for frame in frames}) > 25
    assert not dropped(decide(games.measure(frames), FPS, only(menus=True)), 90).any()


def test_leftover_of_one_frame_is_dropped(games):
    frames = np.concatenate([games.walking(1, 40), games.texture(50)[None], games.walking(2, 40)])
    stretches = decide(games.measure(frames), FPS, only(cuts=True))
    check_partition(stretches, 81)
    assert all(s.decision == "drop" or s.stop - s.start >= 2 for s in stretches)


@pytest.mark.parametrize("frames", [0, 1, 2, 5])
def test_short_recordings(games, frames):
    stretches = decide(
        games.measure(games.walking(1, max(frames, 1))[:frames]), FPS, CurationOptions()
    )
    assert [(s.decision, s.reason) for s in stretches] == {0: [], 1: [("drop", "too short")]}.get(
        frames, [("keep", "")]
    )


@pytest.mark.parametrize("option, value", [("cut_probability", 1.0), ("frozen_seconds", 0)])
def test_impossible_options_are_refused(option, value):
    with pytest.raises(ValueError, match=option):
        CurationOptions(**{option: value})
