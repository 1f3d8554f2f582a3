"""Places, and plays that are kept."""

import pytest

pytest.importorskip("starlette", reason="optional extra serve: starlette")

from genie.serve.limits import (
    KEPT_PER_PLACE,
    KEPT_SECONDS,
    QUESTIONS_AT_ONCE,
    QUESTIONS_PER_SECOND,
    RELOAD_SECONDS,
    Rate,
    RefusalError,
)
from genie.serve.lobby import Lobby


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def enter(clock):
    """Enters a lobby of two places."""
    lobby = Lobby(2, clock)

    def enter(session=None, world="w"):
        connection = object()
        visitor = lobby.enter(world, session, connection, object)
        visitor.leave = lambda keep=True: lobby.leave(visitor, connection, keep)
        return visitor

    enter.lobby = lobby
    return enter


def test_a_place_is_held_for_a_page_that_is_loaded_again(enter, clock):
    one, _ = enter(), enter()
    one.leave()
    with pytest.raises(RefusalError, match="2 of 2 play"):
        enter()
    assert enter(one.id).play is one.play
    one.leave()
    clock.now += RELOAD_SECONDS
    enter()
    with pytest.raises(RefusalError):
        enter(one.id)


def test_a_play_is_kept_for_a_while_in_its_world(enter, clock):
    one = enter()
    one.leave()
    assert enter(one.id, world="other").play is not one.play
    clock.now += KEPT_SECONDS
    assert enter(one.id).play is one.play
    one.leave()
    clock.now += KEPT_SECONDS + 1
    assert enter(one.id).play is not one.play


def test_what_is_kept_is_bounded_and_the_oldest_goes(enter, clock):
    left = []
    for _ in range(2 * KEPT_PER_PLACE + 3):
        left.append(enter())
        left[-1].leave()
        clock.now += RELOAD_SECONDS
    enter()
    assert len(enter.lobby._visitors) == 2 * KEPT_PER_PLACE + 1
    assert enter(left[-1].id).play is left[-1].play
    left[-1].leave()
    clock.now += RELOAD_SECONDS
    assert enter(left[0].id).play is not left[0].play


def test_a_play_that_failed_is_not_kept(enter):
    one = enter()
    one.leave(keep=False)
    assert enter(one.id).play is not one.play
    assert len(enter.lobby._visitors) == 1


def test_questions_have_a_rate(clock):
    rate = Rate(clock)
    for _ in range(QUESTIONS_AT_ONCE):
        rate.take()
    with pytest.raises(RefusalError):
        rate.take()
    clock.now += 2.5 / QUESTIONS_PER_SECOND
    rate.take()
    with pytest.raises(RefusalError):
        rate.take()
