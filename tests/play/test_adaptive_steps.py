import pytest

from genie.play.adaptive_steps import AdaptiveSteps, FrameTime


def play(adaptive_steps, unit, frames, fps=15, rest=0.004):
    """A machine that takes `unit` seconds for each draft and the commit."""
    chosen = []
    for _ in range(frames):
        times = FrameTime(model=unit * (adaptive_steps.steps + 1), decode=rest / 2, draw=rest / 2)
        chosen.append(adaptive_steps.note(times, fps))
    return chosen


def test_a_fast_machine_keeps_the_wanted_steps():
    assert set(play(AdaptiveSteps(3), 0.005, 60)) == {3}


@pytest.mark.parametrize(("unit", "steps"), [(0.006, 8), (0.010, 4), (0.015, 2), (0.025, 1)])
def test_steps_are_the_most_that_hold_the_pace(unit, steps):
    adaptive_steps = AdaptiveSteps(8)
    play(adaptive_steps, unit, 100)
    assert adaptive_steps.steps == steps
    assert adaptive_steps.seconds_with(steps) < 1 / 15
    assert steps == 8 or adaptive_steps.seconds_with(steps + 1) > 0.8 / 15


def test_steps_come_back_when_the_machine_is_free_again():
    adaptive_steps = AdaptiveSteps(4)
    play(adaptive_steps, 0.02, 60)
    assert adaptive_steps.steps < 4
    play(adaptive_steps, 0.005, 200)
    assert adaptive_steps.steps == 4


def test_a_wanted_rate_out_of_reach_is_said():
    adaptive_steps = AdaptiveSteps(4)
    play(adaptive_steps, 0.05, 60)
    assert adaptive_steps.steps == 1
    assert adaptive_steps.too_slow(15)
    assert not adaptive_steps.too_slow(8)


def test_steps_do_not_swing_on_an_even_machine():
    adaptive_steps = AdaptiveSteps(8)
    play(adaptive_steps, 0.0125, 60)
    assert len(set(play(adaptive_steps, 0.0125, 300))) == 1


def test_one_slow_frame_changes_nothing():
    adaptive_steps = AdaptiveSteps(3)
    play(adaptive_steps, 0.005, 30)
    play(adaptive_steps, 0.05, 1)
    assert set(play(adaptive_steps, 0.005, 30)) == {3}


def test_a_fixed_number_of_steps_is_left_alone():
    adaptive_steps = AdaptiveSteps(4, active=False)
    assert set(play(adaptive_steps, 0.05, 60)) == {4}


def rising(adaptive_steps, unit, frames):
    """For each frame, whether one step more would have left room, until the steps rise."""
    roomy = []
    for _ in range(frames):
        before = adaptive_steps.steps
        play(adaptive_steps, unit, 1)
        if adaptive_steps.steps > before:
            return roomy + [True]
        roomy.append(adaptive_steps.seconds_with(before + 1) <= 0.82 / 15)
    return roomy


def slowed():
    """Steps that a busy machine has lowered from 2 to 1, long ago."""
    adaptive_steps = AdaptiveSteps(2)
    play(adaptive_steps, 0.03, 60)
    assert adaptive_steps.steps == 1
    return adaptive_steps


def test_a_step_comes_back_only_after_twelve_frames_in_a_row_with_room_for_it():
    roomy = rising(slowed(), 0.01, 100)
    assert roomy[-12:] == [True] * 12
    assert not any(roomy[:-12])


def test_a_frame_without_room_begins_the_count_of_twelve_again():
    adaptive_steps = slowed()
    assert any(rising(adaptive_steps, 0.01, 14))
    assert adaptive_steps.steps == 1
    assert rising(adaptive_steps, 0.1, 1) == [False]
    roomy = rising(adaptive_steps, 0.01, 100)
    assert roomy[-12:] == [True] * 12
    assert not any(roomy[:-12])


def test_nothing_is_changed_before_eight_frames_are_measured():
    assert play(AdaptiveSteps(3), 0.05, 8) == [3] * 7 + [1]
