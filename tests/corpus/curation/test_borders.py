import numpy as np

from corpus.curation.borders import find_borders


def pictures(games, count=16, height=96, width=160):
    """A game whose scenes differ."""
    return [games.texture(seed, height, width) for seed in range(count)]


def test_letterbox_of_any_colour(games):
    for colour in ((0, 0, 0), (30, 90, 200)):
        shown = []
        for picture in pictures(games):
            picture = picture.copy()
            picture[:12] = picture[-14:] = colour
            shown.append(games.noisy(picture, level=1.0))
        assert find_borders(shown) == (12, 0, 70, 160)


def test_pillarbox_and_letterbox_together(games):
    shown = []
    for picture in pictures(games):
        frame = np.zeros((120, 200, 3), np.uint8)
        frame[10:106, 20:180] = picture
        shown.append(frame)
    assert find_borders(shown) == (10, 20, 96, 160)


def test_whole_picture_has_no_borders(games):
    assert find_borders(pictures(games)) is None


def test_bar_that_is_there_only_now_and_then_stays(games):
    shown = pictures(games)
    for picture in shown[::4]:
        picture[:12] = 0
    assert find_borders(shown) is None


def test_night_with_lit_things_in_the_middle_stays(games):
    """The sides of a dark game are black, but without a straight edge."""
    rng = np.random.default_rng(0)
    shown = []
    for _ in range(16):
        frame = np.zeros((96, 160, 3), np.uint8)
        for _ in range(12):
            y, x = int(rng.normal(48, 14)), int(rng.normal(80, 20))
            frame[max(y, 0) : y + 5, max(x, 0) : x + 5] = rng.integers(60, 255, 3)
        shown.append(frame)
    assert find_borders(shown) is None


def test_all_black_recording_stays():
    assert find_borders([np.zeros((64, 64, 3), np.uint8)] * 8) is None


def test_hair_of_one_pixel_stays(games):
    shown = pictures(games)
    for picture in shown:
        picture[:1] = 0
    assert find_borders(shown) is None
