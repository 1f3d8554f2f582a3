"""How far a fit is, by time and by steps."""

import math

import pytest

from train.loop import clock as clock_module
from train.loop.clock import Clock


@pytest.fixture
def time(monkeypatch):
    """A time that the test moves."""

    class Time:
        now = 100.0

    monkeypatch.setattr(clock_module.time, "monotonic", lambda: Time.now)
    return Time


def test_steps_are_the_progress_when_no_time_is_given():
    clock = Clock(total_steps=8, step=2)
    assert clock.progress == 0.25
    clock.step = 8
    assert clock.finished and clock.slice_over
    clock.step = 9
    assert clock.progress == 1.0


def test_time_is_the_progress_over_several_slices(time):
    first = Clock(total_steps=10**6, total_seconds=40.0)
    first.start()
    time.now += 10
    assert first.progress == 0.0  # the time is not read yet: within a step it stands still
    first.read()
    assert first.progress == 0.25
    time.now += 500  # between two slices
    second = Clock(total_steps=1, total_seconds=40.0, step=first.step, seconds=first.spent)
    assert second.progress == 0.25
    second.start()
    time.now += 20
    second.read()
    assert (second.spent, second.slice_spent, second.progress) == (30.0, 20.0, 0.75)
    assert second.seconds_left() == 10.0
    time.now += 20
    second.read()
    assert second.progress == 1.0 and second.finished


def test_a_new_total_stretches_what_is_left():
    assert Clock(total_steps=1, total_seconds=40.0, seconds=20.0).progress == 0.5
    assert Clock(total_steps=1, total_seconds=200.0, seconds=20.0).progress == 0.1


def test_a_slice_ends_by_its_own_time_and_not_by_that_of_earlier_ones(time):
    clock = Clock(total_steps=10, slice_seconds=5.0, seconds=1000.0)
    clock.start()
    time.now += 4.9
    clock.read()
    assert not clock.slice_over
    time.now += 0.1
    clock.read()
    assert clock.slice_over and not clock.finished


def test_compiling_before_the_first_step_is_time_of_the_slice_but_not_of_the_fit(time):
    clock = Clock(total_steps=10, total_seconds=100.0, slice_seconds=5.0)
    time.now += 4.0
    clock.start()
    time.now += 1.0
    clock.read()
    assert clock.slice_over and clock.spent == 1.0


def test_a_slice_is_as_long_as_it_or_the_fit_lets_it():
    assert Clock(total_steps=9).seconds_to_fit() == math.inf
    assert Clock(total_steps=9, slice_seconds=20.0).seconds_to_fit() == 20.0
    assert Clock(total_steps=9, total_seconds=100.0, seconds=30.0).seconds_to_fit() == 70.0
    clock = Clock(total_steps=9, total_seconds=100.0, seconds=30.0, slice_seconds=20.0)
    assert clock.seconds_to_fit() == 20.0


def test_an_interruption_ends_the_slice_but_not_the_fit():
    clock = Clock(total_steps=10, step=3)
    assert not clock.slice_over
    clock.interrupted = True
    assert clock.slice_over and not clock.finished


def test_time_left_of_a_fit_in_steps_follows_its_speed(time):
    clock = Clock(total_steps=10)
    clock.start()
    assert clock.seconds_left() is None
    time.now += 6
    clock.read()
    clock.step = 4
    assert clock.seconds_left() == pytest.approx(9.0)


def test_what_is_not_counted_costs_the_fit_no_time_and_the_slice_its_own(time):
    clock = Clock(total_steps=1, total_seconds=40.0, slice_seconds=25.0)
    clock.start()
    time.now += 10
    clock.read()
    with clock.uncounted():
        time.now += 12
    assert (clock.spent, clock.progress, clock.slice_over) == (10.0, 0.25, False)
    time.now += 4
    clock.read()
    assert clock.spent == 14.0 and clock.slice_over


def test_a_clock_that_follows_another_ends_with_it_and_goes_on_from_there(time):
    first = Clock(total_steps=1, total_seconds=40.0, slice_seconds=25.0, seconds=8.0)
    time.now += 3  # made 3 seconds before it starts
    other = Clock(total_steps=1, total_seconds=40.0, slice_seconds=25.0, seconds=8.0)
    first.start()
    time.now += 2
    other.start()
    time.now += 10
    first.read()
    other.read()
    other.follow(first.slice_spent, first.age)
    assert (other.spent, other.age, other.progress) == (20.0, 15.0, 0.5)
    time.now += 10
    for clock in (first, other):
        with clock.uncounted():
            time.now += 1
        clock.read()
    assert first.slice_over and other.slice_over
    assert (first.spent, other.spent) == (30.0, 31.0)  # each leaves out only its own second


def test_waiting_for_other_processes_counts(time):
    """The one whose time it is reads it, waits for the others, and follows what it has sent."""
    clock = Clock(total_steps=1, total_seconds=40.0, slice_seconds=25.0)
    clock.start()
    for step in (1, 2):
        time.now += 3
        clock.read()
        time.now += 2
        clock.follow(clock.slice_spent, clock.age)
        assert clock.spent == clock.age == 5.0 * step - 2
    clock.read()
    assert clock.spent == clock.age == 10.0
