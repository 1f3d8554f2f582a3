"""The window, driven by synthetic events under SDL's dummy driver."""

import numpy as np
import pygame
import pytest
from PIL import Image

from genie.play.loop import Window, WindowOptions
from genie.play.player import Player


@pytest.fixture
def window(card, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    yield Window(card)
    pygame.quit()


@pytest.fixture
def player(world):
    return Player(world, world.bundle.prompts, seed=5)


def press(key):
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))


def release(key):
    pygame.event.post(pygame.event.Event(pygame.KEYUP, key=key))


def screen():
    """uint8 (height, width, 3)."""
    return np.swapaxes(pygame.surfarray.array3d(pygame.display.get_surface()), 0, 1)


def picture(area):
    return screen()[area.top : area.bottom, area.left : area.right]


def test_the_window_names_the_keys_before_there_is_a_world(window):
    assert window.area is None
    assert len(np.unique(screen())) > 2
    assert pygame.display.get_caption()[0].startswith("Toy")


def test_arrows_choose_actions_and_the_last_one_pressed_wins(window, player, world):
    window.turn(player)
    press(pygame.K_LEFT)
    window.turn(player)
    press(pygame.K_RIGHT)
    window.turn(player)
    release(pygame.K_RIGHT)
    window.turn(player)
    release(pygame.K_LEFT)
    window.turn(player)
    assert world.actions == [0, 1, 2, 1, 0]


@pytest.mark.parametrize(
    ("key", "action"),
    [
        (pygame.K_3, 3),
        (pygame.K_KP2, 2),
        (pygame.K_a, 1),
        (pygame.K_SPACE, 3),
        (pygame.K_9, 0),
        (pygame.K_x, 0),
    ],
)
def test_digits_and_the_keys_of_the_keymap_choose_actions(window, player, world, key, action):
    press(key)
    window.turn(player)
    window.turn(player)
    assert world.actions == [action, action]


def test_the_screen_holds_the_last_frame_pixel_for_pixel(window, player):
    press(pygame.K_RIGHT)
    for _ in range(3):
        window.turn(player)
    scale = window.area.width // player.frame.shape[1]
    assert scale > 1
    assert (picture(window.area) == player.frame.repeat(scale, 0).repeat(scale, 1)).all()
    assert player.frame[0, 0, 0] == 120


@pytest.mark.parametrize("size", [(900, 700), (333, 250)])
def test_another_window_size_keeps_pixels_sharp(window, player, size):
    pygame.display.set_mode(size, pygame.RESIZABLE)
    window.turn(player)
    scale = window.area.width // player.frame.shape[1]
    assert (picture(window.area) == player.frame.repeat(scale, 0).repeat(scale, 1)).all()


def test_full_screen_keeps_pixels_sharp_and_goes_back(window, player):
    for expected in (True, False):
        press(pygame.K_F11)
        window.turn(player)
        full = bool(pygame.display.get_surface().get_flags() & pygame.FULLSCREEN)
        assert full == expected
        scale = window.area.width // player.frame.shape[1]
        assert (picture(window.area) == player.frame.repeat(scale, 0).repeat(scale, 1)).all()


def test_the_status_line_changes_with_action_and_frame(window, player):
    window.turn(player)
    before = screen()[window.area.bottom :].copy()
    press(pygame.K_LEFT)
    window.turn(player)
    assert (screen()[window.area.bottom :] != before).any()


def test_pause_stops_time_and_resumes_it(window, player, world):
    press(pygame.K_p)
    for _ in range(3):
        window.turn(player)
    assert world.actions == []
    press(pygame.K_p)
    window.turn(player)
    assert world.actions == [0]


def test_r_begins_again_from_the_same_prompt_and_n_from_the_next(window, player, world):
    window.turn(player)
    press(pygame.K_r)
    window.turn(player)
    assert world.resets[-1] == (50, 5)
    assert world.actions == [0]
    assert window.state.frame == 1
    press(pygame.K_n)
    window.turn(player)
    assert world.resets[-1] == (90, 5)


@pytest.mark.parametrize("event", [pygame.QUIT, pygame.KEYDOWN])
def test_closing_the_window_or_escape_ends_play(window, player, world, event):
    pygame.event.post(pygame.event.Event(event, {"key": pygame.K_ESCAPE}))
    window.run(player)
    assert world.actions == []


def test_a_window_without_focus_lets_go_of_keys(window, player, world):
    press(pygame.K_LEFT)
    window.turn(player)
    pygame.event.post(pygame.event.Event(pygame.WINDOWFOCUSLOST))
    window.turn(player)
    assert world.actions == [1, 0]


def test_g_records_a_gif_of_the_frames_between(window, player, workplace):
    window.turn(player)
    press(pygame.K_g)
    press(pygame.K_RIGHT)
    for _ in range(5):
        window.turn(player)
    assert window.state.recording
    press(pygame.K_g)
    window.turn(player)
    assert not window.state.recording
    assert [path.name for path in workplace.iterdir()] == ["toy.gif"]
    with Image.open(workplace / "toy.gif") as image:
        assert image.n_frames == 5
        assert image.info["duration"] == 70  # the rate nearest to the world's 15 a second
        red = np.asarray(image.convert("RGB"))[..., 0]
    assert (red == 120).all()


def test_a_second_gif_does_not_replace_the_first_and_leaving_saves_it(window, player, workplace):
    (workplace / "toy.gif").write_bytes(b"mine")
    press(pygame.K_g)
    window.run(player, WindowOptions(frames=3))
    assert (workplace / "toy.gif").read_bytes() == b"mine"
    with Image.open(workplace / "toy-2.gif") as image:
        assert image.n_frames == 3


def test_g_twice_without_a_frame_between_writes_nothing(window, player, workplace):
    press(pygame.K_g)
    press(pygame.K_g)
    window.turn(player)
    assert list(workplace.iterdir()) == []


def test_a_full_disk_while_recording_does_not_end_play(window, player, monkeypatch, workplace):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("genie.play.loop.Recording.add", full)
    press(pygame.K_g)
    window.run(player, WindowOptions(frames=2))
    assert window.state.total == 2
    assert not window.state.recording
    assert list(workplace.iterdir()) == []


def test_scripted_keys_are_played_first_and_then_the_keyboard(window, player, world):
    press(pygame.K_LEFT)
    shown = []
    window.run(player, WindowOptions(script=[2, 3], frames=4, on_frame=shown.append))
    assert world.actions == [2, 3, 1, 1]
    assert len(shown) == 4


def test_play_keeps_to_the_pace_of_the_world(window, player):
    begin = pygame.time.get_ticks()
    window.run(player, WindowOptions(frames=8))
    taken = pygame.time.get_ticks() - begin
    assert 7 / 15 * 1000 * 0.9 < taken < 5000
