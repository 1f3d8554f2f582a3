"""The window, driven by synthetic events under SDL's dummy driver."""

import numpy as np
import pygame
import pytest
from PIL import Image


def press(key):
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))


def release(key):
    pygame.event.post(pygame.event.Event(pygame.KEYUP, key=key))


def pixels():
    """uint8 (height, width, 3)."""
    return np.swapaxes(pygame.surfarray.array3d(pygame.display.get_surface()), 0, 1)


def picture(area):
    return pixels()[area.top : area.bottom, area.left : area.right]


def sharp(screen, player):
    """Whether the screen holds the player's frame, each pixel as a square."""
    scale = screen.area.width // player.frame.shape[1]
    large = player.frame.repeat(scale, 0).repeat(scale, 1)
    return scale > 1 and (picture(screen.area) == large).all()


def test_arrows_choose_actions_and_the_last_one_pressed_wins(screen, world):
    screen.tick()
    press(pygame.K_LEFT)
    screen.tick()
    press(pygame.K_RIGHT)
    screen.tick()
    release(pygame.K_RIGHT)
    screen.tick()
    release(pygame.K_LEFT)
    screen.tick()
    assert world.actions == [0, 1, 2, 1, 0]


@pytest.mark.parametrize(
    ("key", "action"),
    [
        (pygame.K_3, 3),
        (pygame.K_KP2, 2),
        (pygame.K_a, 1),
        (pygame.K_w, 3),
        (pygame.K_SPACE, 3),
        (pygame.K_9, 0),
        (pygame.K_x, 0),
    ],
)
def test_digits_letters_and_the_keys_of_the_keymap_choose_actions(screen, world, key, action):
    press(key)
    screen.tick()
    screen.tick()
    assert world.actions == [action, action]


def test_a_gamepad_chooses_actions_with_stick_hat_and_button(screen, world):
    def post(kind, **values):
        pygame.event.post(pygame.event.Event(kind, instance_id=0, **values))
        screen.tick()

    post(pygame.JOYAXISMOTION, axis=0, value=-0.9)
    post(pygame.JOYAXISMOTION, axis=0, value=0.1)
    post(pygame.JOYHATMOTION, hat=0, value=(1, 0))
    post(pygame.JOYHATMOTION, hat=0, value=(0, 1))
    post(pygame.JOYHATMOTION, hat=0, value=(0, 0))
    post(pygame.JOYBUTTONDOWN, button=0)
    post(pygame.JOYBUTTONUP, button=0)
    assert world.actions == [1, 0, 2, 3, 0, 3, 0]


def test_the_screen_holds_the_last_frame_pixel_for_pixel(screen, player):
    press(pygame.K_RIGHT)
    for _ in range(3):
        screen.tick()
    assert sharp(screen, player)
    assert player.frame[0, 0, 0] == 120


@pytest.mark.parametrize("size", [(900, 700), (333, 250)])
def test_another_window_size_keeps_pixels_sharp(screen, player, size):
    pygame.display.set_mode(size, pygame.RESIZABLE)
    screen.tick()
    assert sharp(screen, player)


def test_full_screen_keeps_pixels_sharp_and_goes_back(screen, player):
    for expected in (True, False):
        press(pygame.K_F11)
        screen.tick()
        full = bool(pygame.display.get_surface().get_flags() & pygame.FULLSCREEN)
        assert full == expected
        assert sharp(screen, player)


def test_the_figures_change_with_action_and_frame_and_tab_hides_them(screen, player):
    def beside():
        return pixels()[:, -250:].copy()

    screen.tick()
    before = beside()
    press(pygame.K_LEFT)
    screen.tick()
    assert (beside() != before).any()
    press(pygame.K_TAB)
    screen.tick()
    assert screen.area.centerx == 450  # the picture takes the room
    assert sharp(screen, player)


@pytest.mark.parametrize("key", [pygame.K_F1, pygame.K_F5, pygame.K_F9, pygame.K_k, pygame.K_F2])
def test_a_panel_lies_over_the_picture_while_time_stands_still(screen, world, key):
    screen.tick()
    before = picture(screen.area).copy()
    press(key)
    screen.tick()
    screen.tick()
    assert world.actions == [0]
    assert (picture(screen.area) != before).any()
    press(pygame.K_ESCAPE)
    screen.tick()
    assert world.actions == [0, 0]
    assert not screen.game.state.quit


def test_a_dropped_picture_is_shown_as_the_world_sees_it_and_played_from(screen, world, workplace):
    shades = np.zeros((24, 32, 3), np.uint8)
    shades[:12] = 200
    Image.fromarray(shades).save("mine.png")
    pygame.event.post(pygame.event.Event(pygame.DROPFILE, file=str(workplace / "mine.png")))
    screen.tick()
    shown = pixels()
    for colour in ((200, 200, 200), (0, 0, 0), (100, 100, 100)):
        assert (shown == colour).all(-1).sum() > 10_000
    press(pygame.K_RETURN)
    screen.tick()
    assert world.resets[-1] == (200, 5)


def test_a_dropped_file_that_is_no_picture_is_told(screen, workplace):
    (workplace / "text.png").write_text("hello")
    pygame.event.post(pygame.event.Event(pygame.DROPFILE, file="text.png"))
    screen.tick()
    assert "not a picture" in screen.game.state.message(0)


def test_pause_stops_time_and_resumes_it(screen, world):
    press(pygame.K_p)
    for _ in range(3):
        screen.tick()
    assert world.actions == []
    press(pygame.K_p)
    screen.tick()
    assert world.actions == [0]


def test_holding_backspace_turns_time_back_until_it_is_let_go(screen, world, player):
    press(pygame.K_RIGHT)
    for _ in range(6):
        screen.tick()
    release(pygame.K_RIGHT)
    press(pygame.K_BACKSPACE)
    for _ in range(4):
        screen.tick()
    assert player.frame_number == 2
    assert (pixels() == player.frame[-1, -1]).all(-1).any()  # below the badge that says so
    release(pygame.K_BACKSPACE)
    screen.tick()
    assert world.actions == [2, 2, 0]


def test_r_begins_again_from_the_same_prompt_and_n_from_the_next(screen, world):
    screen.tick()
    press(pygame.K_r)
    screen.tick()
    assert world.resets[-1] == (50, 5)
    assert world.actions == [0]
    press(pygame.K_n)
    screen.tick()
    assert world.resets[-1] == (90, 5)


@pytest.mark.parametrize("event", [pygame.QUIT, pygame.KEYDOWN])
def test_closing_the_window_or_escape_ends_play(screen, world, window, event):
    pygame.event.post(pygame.event.Event(event, {"key": pygame.K_ESCAPE}))
    screen.run()
    assert world.actions == []
    assert window.closed == (event == pygame.QUIT)


def test_a_window_without_focus_lets_go_of_keys(screen, world):
    press(pygame.K_LEFT)
    screen.tick()
    pygame.event.post(pygame.event.Event(pygame.WINDOWFOCUSLOST))
    screen.tick()
    assert world.actions == [1, 0]


def test_a_frame_settles_after_it_is_shown(screen, world, window, monkeypatch):
    shown, show = [], window.show
    monkeypatch.setattr(window, "show", lambda: (shown.append(world.committed), show()))
    for _ in range(3):
        screen.tick()
    assert shown == [0, 1, 2]
    assert world.committed == 3


def test_scripted_keys_are_played_first_and_then_the_keyboard(play, world):
    press(pygame.K_LEFT)
    shown = []
    play(script=[2, 3], frames=4, on_frame=shown.append).run()
    assert world.actions == [2, 3, 1, 1]
    assert len(shown) == 4


def test_play_keeps_to_the_pace_that_is_wanted(play):
    begin = pygame.time.get_ticks()
    play(frames=8).run()
    taken = pygame.time.get_ticks() - begin
    assert 7 / 15 * 1000 * 0.9 < taken < 60_000
