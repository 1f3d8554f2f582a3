import numpy as np
import pygame
import pytest

from genie.play.draw import (
    View,
    first_window_size,
    help_pieces,
    make_font,
    paint,
    panel_height,
    picture_area,
    wrap,
)


@pytest.fixture
def font():
    yield make_font()
    pygame.font.quit()


def pixels(surface, area):
    """uint8 (H, W, 3) of a part of a surface."""
    return np.swapaxes(pygame.surfarray.array3d(surface.subsurface(area)), 0, 1)


def view(frame, **changes):
    return View(**{"frame": frame, "status": "15.0 fps", "help": ("Toy:", "left: a")} | changes)


def noise(height=12, width=16):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("size", [(320, 240), (501, 333), (640, 1000), (1920, 1080)])
def test_the_picture_grows_by_whole_pixels_and_stands_in_the_middle(font, size):
    surface, frame = pygame.Surface(size), noise()
    area = paint(surface, font, view(frame))
    scale = area.width // 16
    assert scale > 1
    assert (area.width, area.height) == (16 * scale, 12 * scale)
    assert (pixels(surface, area) == frame.repeat(scale, 0).repeat(scale, 1)).all()
    assert abs(area.centerx - size[0] / 2) <= 1
    room = size[1] - panel_height(font, view(frame).help, size[0])
    assert 16 * (scale + 1) > size[0] or 12 * (scale + 1) > room


def test_a_frame_of_one_size_fits_exactly_where_it_can():
    assert picture_area((64, 64 + 30), 30, 64, 64) == (pygame.Rect(0, 0, 64, 64), 1)
    assert picture_area((128, 128 + 29), 30, 64, 64)[1] == 1
    assert picture_area((20, 20), 30, 64, 64)[1] == 1


def test_status_and_message_share_a_place_below_the_picture(font):
    shown = []
    for changes in ({}, {"status": "14.0 fps"}, {"message": "saved"}):
        surface = pygame.Surface((320, 240))
        area = paint(surface, font, view(noise(), **changes))
        below = pygame.Rect(0, area.bottom, 320, 240 - area.bottom)
        shown.append(pixels(surface, below).tobytes())
    assert len(set(shown)) == 3


def test_a_red_dot_shows_while_recording(font):
    counts = []
    for recording in (False, True):
        surface = pygame.Surface((320, 240))
        paint(surface, font, view(np.zeros((12, 16, 3), np.uint8), recording=recording))
        counts.append((pygame.surfarray.array3d(surface) == (255, 96, 80)).all(-1).sum())
    assert counts[0] == 0
    assert counts[1] > 50


def test_without_a_frame_the_help_is_there(font):
    surface = pygame.Surface((320, 240))
    assert paint(surface, font, view(None)) is None
    assert len(np.unique(pygame.surfarray.array3d(surface))) > 2


def test_help_names_the_world_its_keys_and_the_commands(card):
    pieces = help_pieces(card)
    assert pieces[0] == "Toy:"
    assert "left [left a 1]" in pieces
    assert "none [0]" in pieces
    keys = {piece.split("[")[-1].rstrip("]") for piece in pieces}
    assert keys >= {"R", "N", "P", "G", "F11", "Esc"}


def test_help_is_wrapped_to_the_window_and_all_of_it_shows(font, card):
    pieces = help_pieces(card)
    for width in (150, 320, 2000):
        lines = wrap(font, pieces, width)
        assert "   ".join(lines) == "   ".join(pieces)
        assert all(font.size(line)[0] <= width for line in lines)


def test_a_new_window_has_room_for_a_large_picture_and_the_text(font, card):
    width, height = first_window_size(card, font)
    panel = panel_height(font, help_pieces(card), width)
    assert picture_area((width, height), panel, card.height, card.width)[1] == 32
