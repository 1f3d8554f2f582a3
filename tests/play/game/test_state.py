from dataclasses import replace

import pytest

from genie.library.card import NamedAction
from genie.play.game.action_keys import Bindings
from genie.play.game.state import MESSAGE_SECONDS, PACES, PlayState


@pytest.fixture
def state(card):
    return PlayState(Bindings(card), card.idle, card.fps)


def test_no_key_is_the_idle_action(state):
    assert state.action == state.take_action() == 0


def test_the_last_key_pressed_wins_and_release_falls_back(state):
    state.press("left")
    state.press("right")
    state.press("up")
    assert [state.action, state.take_action(), state.take_action()] == [3, 3, 3]
    state.release("up")
    assert state.take_action() == 2
    state.release("left")
    assert state.take_action() == 2
    state.release("right")
    assert state.take_action() == 0


def test_two_keys_of_one_action_are_held_apart(state):
    state.press("left")
    state.press("a")
    state.release("left")
    assert state.action == 1
    state.release("a")
    assert state.action == 0


def test_a_short_press_between_two_frames_counts_for_one_frame(state):
    state.press("left")
    state.press("space")
    state.release("space")
    assert [state.take_action(), state.take_action()] == [3, 1]


def test_a_repeated_press_of_a_held_key_changes_nothing(state):
    state.press("left")
    state.press("right")
    state.press("left")
    assert state.action == 2


def test_digits_choose_actions_by_id_as_far_as_there_are(state):
    for digit in range(4):
        assert state.press(str(digit))
        assert state.action == digit
    assert not state.press("4")
    assert not state.press("f7")
    assert state.action == 3


def test_losing_the_focus_lets_go_of_all_keys(state):
    state.press("left")
    state.release_all()
    assert state.take_action() == 0


def test_rate_is_that_of_the_last_frames(state):
    assert state.fps == 0
    now = 0.0
    for frame in range(100):
        now += 1.0 if frame < 50 else 0.05
        state.advanced(0, now)
    assert state.fps == pytest.approx(20)


def test_a_pause_does_not_count_as_a_slow_frame(state):
    state.advanced(0, 0.0)
    state.toggle_pause()
    state.toggle_pause()
    state.advanced(0, 60.0)
    state.advanced(0, 60.1)
    assert state.fps == pytest.approx(10)


def test_going_elsewhere_measures_the_rate_afresh_but_counts_on(state):
    state.advanced(2, 0.0)
    state.advanced(2, 0.1)
    state.moved(0)
    assert (state.total, state.shown_action, state.fps) == (2, 0, 0)


def test_the_pace_goes_from_1_to_60_and_stays_there(state):
    assert state.fps_wanted == 15
    for faster, pace in ((True, 60), (False, 1)):
        for _ in PACES:
            state.change_pace(faster, 0.0)
        assert state.fps_wanted == pace
    state.change_pace(True, 0.0)
    assert state.fps_wanted == 2
    assert state.message(0.0) == "2 frames per second"


def test_a_key_that_was_taken_away_while_held_is_idle(state):
    state.press("left")
    state._bindings.clear(1)
    assert state.action == 0


def test_a_message_goes_away(state):
    state.say("saved", 10.0)
    assert state.message(10.0) == "saved"
    assert state.message(10.0 + MESSAGE_SECONDS) == ""


def test_a_message_without_a_time_is_shown_from_when_it_is_first_asked_for(state):
    state.say("the log was damaged", None)
    assert state.message(1000.0) == "the log was damaged"
    assert state.message(1000.0 + MESSAGE_SECONDS - 0.1) == "the log was damaged"
    assert state.message(1000.0 + MESSAGE_SECONDS) == ""


@pytest.fixture
def diagonal(card):
    named = [("none", ()), ("left", ("left",)), ("right", ("right",)), ("up-left", ("q",))]
    named += [("up-right", ("e", "up", "space"))]
    actions = tuple(NamedAction(name=name, keys=keys) for name, keys in named)
    bindings = Bindings(replace(card, actions=actions))
    return PlayState(bindings, 0, card.fps), bindings


@pytest.mark.parametrize("up", ["up", "space", "w"])
def test_two_arrows_held_together_play_the_diagonal_they_spell(diagonal, up):
    state, _ = diagonal
    state.press("left")
    state.press(up)
    assert [state.take_action(), state.take_action()] == [3, 3]
    state.release("left")
    assert state.take_action() == 4  # the arrow alone
    state.press("right")
    assert state.take_action() == 4
    state.release(up)
    assert state.take_action() == 2


def test_the_last_arrow_along_an_axis_is_the_one_that_counts(diagonal):
    state, _ = diagonal
    for key in ("right", "up", "left"):
        state.press(key)
    assert state.action == 3
    state.release("left")
    assert state.action == 4


def test_a_key_that_is_no_arrow_is_played_by_itself(diagonal):
    state, _ = diagonal
    for key in ("left", "up", "e"):
        state.press(key)
    assert state.action == 4
    state.press("0")
    assert state.action == 0


def test_an_arrow_that_was_given_to_another_action_spells_nothing(diagonal):
    state, bindings = diagonal
    bindings.bind("left", 2)
    state.press("left")
    state.press("up")
    assert state.action == 4
    bindings.bind("up", 0)
    assert state.action == 0


def test_a_short_press_of_a_second_arrow_counts_as_both(diagonal):
    state, _ = diagonal
    state.press("left")
    state.press("up")
    state.release("up")
    assert [state.take_action(), state.take_action()] == [3, 1]
