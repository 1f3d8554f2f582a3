import numpy as np
import pytest

from corpus.curation.overlays import find_overlays

HEIGHT, WIDTH = 120, 200


def game(games, count=24):
    """Views that differ wholly, half as bright so that what is laid over stands out."""
    shown = []
    for seed in range(count):
        y, x = np.random.default_rng(seed).integers(0, 8, 2)
        picture = games.texture(seed, HEIGHT + 8, WIDTH + 8)[y : y + HEIGHT, x : x + WIDTH]
        shown.append(picture // 2)
    return shown


@pytest.mark.parametrize("top, left", [(0, 0), (0, 144), (84, 0), (84, 144)])
def test_webcam_in_a_corner(games, top, left):
    shown = game(games)
    for seed, picture in enumerate(shown):
        rng = np.random.default_rng(seed)
        cam = np.full((36, 56, 3), 235, np.uint8)
        y, x = rng.integers(4, 14, 2)
        cam[y : y + 20, x : x + 30] = rng.integers(40, 200, 3)
        cam[:3] = cam[-3:] = cam[:, :3] = cam[:, -3:] = 250
        picture[top : top + 36, left : left + 56] = cam
    (overlay,) = find_overlays(shown)
    assert overlay.kind == "webcam"
    assert np.abs(np.subtract(overlay.box, (top, left, 36, 56))).max() <= 1


@pytest.mark.parametrize("top", [0, 100])
def test_display_bar_along_a_side(games, top):
    shown = game(games)
    for picture in shown:
        picture[top : top + 20] = 210
        picture[top + 8 : top + 12, 20:90] = 255
    (overlay,) = find_overlays(shown)
    assert overlay.kind == "hud"
    assert np.abs(np.subtract(overlay.box, (top, 0, 20, WIDTH))).max() <= 1


def test_game_alone_has_none(games):
    assert find_overlays(game(games)) == []


def test_still_scene_has_none(games):
    """Straight edges of a level that never moves are no overlays."""
    assert find_overlays([games.texture(1, HEIGHT, WIDTH)] * 24) == []


def test_rectangle_that_comes_and_goes_is_none(games):
    shown = game(games)
    for picture in shown[::3]:
        picture[:36, :56] = 235
    assert find_overlays(shown) == []
