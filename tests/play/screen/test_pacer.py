"""Keys are answered at once, also while a frame is being sampled."""

import threading
import time

import pygame
import pytest

from genie.play.game.view import view_of
from genie.play.screen.compare_loop import CompareScreen
from genie.play.screen.events import Drop, Key
from genie.play.screen.pacer import Pacer

SLOW = 0.6


def press_after(seconds, *keys, kind=pygame.KEYDOWN):
    def post():
        for key in keys:
            pygame.event.post(pygame.event.Event(kind, key=key))

    timer = threading.Timer(seconds, post)
    timer.start()
    return timer


@pytest.fixture
def slow(world, monkeypatch):
    """The world takes a while for a frame; returns when each step began and ended."""
    steps, step = [], world.step

    def wait(action):
        begin = time.monotonic()
        time.sleep(SLOW)
        frame = step(action)
        steps.append((begin, time.monotonic()))
        return frame

    monkeypatch.setattr(world, "step", wait)
    return steps


def watch(monkeypatch, window, lit):
    """Note what `lit` returns each time that the window is shown, and when."""
    shown, show = [], window.show
    monkeypatch.setattr(window, "show", lambda: (shown.append((time.monotonic(), lit())), show()))
    return shown


def lit_keys(screen):
    actions = view_of(screen.game, 0.0).hud.actions
    return [action.name for action in actions if action.lit]


def test_a_key_lights_up_while_a_frame_is_sampled_and_counts_for_the_next(
    screen, window, world, slow, monkeypatch
):
    shown = watch(monkeypatch, window, lambda: lit_keys(screen))
    press_after(SLOW / 4, pygame.K_LEFT)
    screen.tick()
    ((begin, end),) = slow
    first = next(when for when, names in shown if names == ["left"])
    assert begin < first < begin + SLOW * 3 / 4 < end
    screen.tick()
    assert world.actions == [0, 1]


def test_a_key_that_is_let_go_dims_and_a_short_press_still_counts(
    screen, window, world, slow, monkeypatch
):
    shown = watch(monkeypatch, window, lambda: lit_keys(screen))
    press_after(SLOW / 5, pygame.K_LEFT)
    press_after(SLOW / 2.5, pygame.K_LEFT, kind=pygame.KEYUP)
    for _ in range(2):
        screen.tick()
    screen.tick()
    assert world.actions == [0, 1, 0]
    assert shown[-1][1] == []


def test_a_command_waits_for_the_frame_and_so_do_the_keys_after_it(screen, world, slow):
    press_after(SLOW / 4, pygame.K_F2, pygame.K_DOWN, pygame.K_RETURN, pygame.K_q)
    screen.tick()
    assert screen.game.panel is None and screen.game.state.lit_action is None
    screen.tick()
    assert screen.game.panel.note == "q is left now"
    assert world.actions == [0]


def test_between_frames_every_key_is_answered_at_once(screen, window, monkeypatch):
    screen.game.state.fps_wanted = 1.0
    shown = watch(monkeypatch, window, lambda: (lit_keys(screen), screen.game.panel is not None))
    screen.tick()
    begin = time.monotonic()
    press_after(0.1, pygame.K_RIGHT)
    press_after(0.3, pygame.K_F1)
    press_after(0.5, pygame.K_ESCAPE)
    screen._pacer._last = begin
    screen._pacer.wait(lambda: 1.0, screen.handle)
    seen = {what: when - begin for when, what in reversed([(w, str(v)) for w, v in shown])}
    assert 0.1 < seen["(['right'], False)"] < 0.3 < seen["(['right'], True)"] < 0.5
    assert 0.99 < time.monotonic() - begin < 1.5


def test_the_keys_of_a_comparison_light_up_at_once(card, player, world, window, slow, monkeypatch):
    from genie.play.compare.comparison import Comparison, EpisodeOpponent

    frames = [player.frame] * 5
    comparison = Comparison(card, player, EpisodeOpponent("film", frames, [0] * 4))
    screen = CompareScreen(window, comparison)
    shown = watch(monkeypatch, window, lambda: comparison.state.lit_action)
    press_after(SLOW / 4, pygame.K_LEFT)
    screen.tick()
    ((begin, end),) = slow
    assert next(when for when, action in shown if action == 1) < begin + SLOW * 3 / 4 < end


def test_an_error_of_a_job_is_raised_and_an_interruption_waits_for_it(window):
    def fail():
        raise ValueError("damaged")

    pacer = Pacer(window, lambda event: False, lambda: None)
    with pytest.raises(ValueError, match="damaged"):
        pacer.run(fail)
    done = []

    def interrupt(event):
        raise KeyboardInterrupt

    pacer = Pacer(window, interrupt, lambda: None)
    press_after(0.05, pygame.K_LEFT)
    with pytest.raises(KeyboardInterrupt):
        pacer.run(lambda: (time.sleep(0.4), done.append(True)))
    assert done == [True]
    pacer.close()


def test_what_cannot_be_answered_during_a_job_comes_afterwards_in_order(window, monkeypatch):
    events = [Drop(path="a"), Key(name="left", down=True)]
    monkeypatch.setattr(window.events, "poll", lambda: iter(events))
    pacer = Pacer(window, lambda event: isinstance(event, Key), lambda: None)
    pacer.run(lambda: time.sleep(0.3))
    monkeypatch.setattr(window.events, "poll", lambda: iter(()))
    assert list(pacer.events())[:2] == events
    assert list(pacer.events()) == []
