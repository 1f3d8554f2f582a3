"""What a player keeps of a play in the window: GIFs and pictures."""

import time

import numpy as np
import pygame
from PIL import Image


def press(key):
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))


def until(screen, done):
    """Tick until something is so, as a film that is written between frames."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if done():
            return
        screen.tick()
        time.sleep(0.01)
    raise AssertionError("it never came about")


def test_g_records_a_gif_of_the_frames_between(screen, workplace):
    screen.tick()
    press(pygame.K_g)
    press(pygame.K_RIGHT)
    for _ in range(5):
        screen.tick()
    assert screen.game.mark is not None
    press(pygame.K_g)
    until(screen, lambda: list(workplace.glob("toy.gif")))
    assert screen.game.mark is None
    assert [path.name for path in workplace.iterdir()] == ["toy.gif"]
    with Image.open(workplace / "toy.gif") as image:
        assert image.n_frames == 5
        assert image.info["duration"] == 70  # the rate nearest to the world's 15 a second
        red = np.asarray(image.convert("RGB"))[..., 0]
    assert (red == 120).all()


def test_a_second_gif_does_not_replace_the_first_and_leaving_completes_it(play, workplace):
    (workplace / "toy.gif").write_bytes(b"mine")
    screen = play(frames=3)
    for _ in range(2):
        screen.tick()
    press(pygame.K_l)
    screen.run()
    assert (workplace / "toy.gif").read_bytes() == b"mine"
    with Image.open(workplace / "toy-2.gif") as image:
        assert image.n_frames == 2


def test_g_twice_without_a_frame_between_writes_nothing(screen, workplace):
    press(pygame.K_g)
    press(pygame.K_g)
    screen.tick()
    assert list(workplace.iterdir()) == []


def test_a_full_disk_while_recording_does_not_end_play(play, monkeypatch, workplace):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("genie.play.game.exporter.BackgroundRecording.add", full)
    screen = play(frames=4)
    screen.tick()
    press(pygame.K_l)
    screen.run()
    assert screen.game.state.total == 4
    assert list(workplace.iterdir()) == []


def test_a_screenshot_equals_the_last_frame(screen, player, workplace):
    press(pygame.K_RIGHT)
    screen.tick()
    press(pygame.K_p)
    press(pygame.K_F12)
    press(pygame.K_F12)
    screen.tick()
    for name in ("toy-frame.png", "toy-frame-2.png"):
        assert (np.asarray(Image.open(workplace / name)) == player.frame).all()
