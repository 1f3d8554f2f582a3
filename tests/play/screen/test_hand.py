"""The hand in the window: the mouse picks and puts down, and what it does is seen."""

import numpy as np
import pygame
import pytest

from genie.play.game.hand import HandPanel
from genie.play.screen.drawing.hand import hand_layout
from genie.play.screen.drawing.theme import ACCENT


def pixels():
    return np.swapaxes(pygame.surfarray.array3d(pygame.display.get_surface()), 0, 1)


def mouse(kind, place, **values):
    if kind == pygame.MOUSEMOTION:
        values |= {"rel": (0, 0), "buttons": (0, 0, 0)}
    pygame.event.post(pygame.event.Event(kind, pos=place, **values))


def click(place, button=1):
    mouse(pygame.MOUSEMOTION, place)
    mouse(pygame.MOUSEBUTTONDOWN, place, button=button)
    mouse(pygame.MOUSEBUTTONUP, place, button=button)


@pytest.fixture
def hand(screen):
    """A screen with the open hand; returns the panel and where things stand."""
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_e))
    screen.tick()
    panel = screen.game.panel
    assert isinstance(panel, HandPanel)
    return panel, hand_layout(pygame.display.get_window_size(), panel)


def token(area, row, column):
    """The middle of a token in a picture of two by two."""
    return (
        area.left + area.width * (1 + 2 * column) // 4,
        area.top + area.height * (1 + 2 * row) // 4,
    )


def test_a_click_picks_and_another_puts_down_what_the_frame_then_shows(screen, player, hand):
    panel, layout = hand
    click(layout.thumbs[1].center)
    click(token(layout.palette, 1, 0))
    mouse(pygame.MOUSEMOTION, token(layout.scene, 1, 0))
    screen.tick()
    assert panel.shown == 1 and panel.piece.ids.tolist() == [[90]]
    assert (panel.outline.top, panel.outline.left) == (1, 0)
    assert (pixels() == ACCENT).all(axis=-1).sum() > 200  # the outline
    click(token(layout.scene, 1, 0))
    screen.tick()
    grey = (3 * 50 + 90) // 4  # a token of this world knows the grey level of the picture
    assert player.session[player.head].ids.tolist() == [4, 0, grey, 5]
    assert (player.frame == grey).all()
    scene = pixels()[layout.scene.top : layout.scene.bottom, layout.scene.left : layout.scene.right]
    assert (scene == grey).all(axis=-1).mean() > 0.5


def test_the_right_button_lets_go_and_the_middle_one_does_nothing(screen, player, hand):
    panel, layout = hand
    click(token(layout.palette, 0, 0))
    click(token(layout.scene, 0, 0), button=2)
    screen.tick()
    assert panel.piece is not None and len(player.session) == 1
    click(token(layout.scene, 0, 0), button=3)
    screen.tick()
    assert panel.piece is None and len(player.session) == 1


def test_a_piece_beside_the_pictures_is_put_nowhere(screen, player, hand):
    panel, layout = hand
    click(token(layout.palette, 0, 0))
    click((layout.side.left - 2, 2))
    screen.tick()
    assert panel.piece is not None and len(player.session) == 1


@pytest.mark.parametrize("size", [(900, 620), (1600, 900), (720, 520), (420, 300), (300, 900)])
def test_everything_stands_in_a_window_of_any_size(screen, hand, size):
    panel, _ = hand
    layout = hand_layout(size, panel)
    window = pygame.Rect((0, 0), size)
    assert window.contains(layout.palette) and window.contains(layout.scene)
    assert not layout.scene.colliderect(layout.palette)
    assert all(window.contains(thumb) for thumb in layout.thumbs)
    pygame.display.set_mode(size)
    screen.tick()


def test_a_mouse_without_the_hand_does_nothing(screen, world):
    click((100, 100))
    screen.tick()
    assert len(world.actions) == 1 and screen.game.panel is None


def test_a_picture_dropped_with_shift_fades_in(screen, workplace, monkeypatch, player):
    from PIL import Image

    Image.fromarray(np.full((12, 16, 3), 120, np.uint8)).save(workplace / "p.png")
    monkeypatch.setattr(pygame.key, "get_mods", lambda: pygame.KMOD_LSHIFT)
    pygame.event.post(pygame.event.Event(pygame.DROPFILE, file=str(workplace / "p.png")))
    for _ in range(8):
        screen.tick()
    assert player.session[player.head].ids.tolist() == [4, 0, 120, 0]
