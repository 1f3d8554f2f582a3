import pytest

from genie.play.adaptive_steps import FrameTime, Governor


def play(governor, unit, frames, fps=15, rest=0.004):
    """A machine that takes `unit` seconds for each draft and the commit."""
    chosen = []
    for _ in range(frames):
        times = FrameTime(model=unit * (governor.steps + 1), decode=rest / 2, draw=rest / 2)
        chosen.append(governor.note(times, fps))
    return chosen


def test_a_fast_machine_keeps_the_wanted_steps():
    assert set(play(Governor(3), 0.005, 60)) == {3}


@pytest.mark.parametrize(("unit", "steps"), [(0.006, 8), (0.010, 4), (0.015, 2), (0.025, 1)])
def test_steps_are_the_most_that_hold_the_pace(unit, steps):
    governor = Governor(8)
    play(governor, unit, 100)
    assert governor.steps == steps
    assert governor.seconds_with(steps) < 1 / 15
    assert steps == 8 or governor.seconds_with(steps + 1) > 0.8 / 15


def test_steps_come_back_when_the_machine_is_free_again():
    governor = Governor(4)
    play(governor, 0.02, 60)
    assert governor.steps < 4
    play(governor, 0.005, 200)
    assert governor.steps == 4


def test_a_wanted_rate_out_of_reach_is_said():
    governor = Governor(4)
    play(governor, 0.05, 60)
    assert governor.steps == 1
    assert governor.too_slow(15)
    assert not governor.too_slow(8)


def test_steps_do_not_swing_on_an_even_machine():
    governor = Governor(8)
    play(governor, 0.0125, 60)
    assert len(set(play(governor, 0.0125, 300))) == 1


def test_one_slow_frame_changes_nothing():
    governor = Governor(3)
    play(governor, 0.005, 30)
    play(governor, 0.05, 1)
    assert set(play(governor, 0.005, 30)) == {3}


def test_a_fixed_number_of_steps_is_left_alone():
    governor = Governor(4, active=False)
    assert set(play(governor, 0.05, 60)) == {4}
