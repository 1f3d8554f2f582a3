from types import SimpleNamespace

import numpy as np
import pytest

from genie.speed import measure_speed

PROMPT = np.zeros((16, 16, 3), np.uint8)


class StillWorld:
    steps = 0

    def reset(self, prompt, seed):
        return prompt

    def step(self, action):
        self.steps += 1
        return PROMPT


class Clock:
    """A clock that stands still until it is moved."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("genie.speed.time", SimpleNamespace(perf_counter=clock))
    return clock


def test_a_frame_that_takes_longer_shows_in_the_late_figure(clock):
    class Growing(StillWorld):
        def step(self, action):
            clock.now += 0.0005 if self.steps < 1000 else 0.003
            return super().step(action)

    speed = measure_speed(Growing(), PROMPT, 4)
    assert speed.fps_at_100 == pytest.approx(2000)
    assert speed.fps_at_2000 == pytest.approx(1000 / 3)
    assert speed.p50_ms == pytest.approx(3) and speed.frames == 2040
    assert speed.fps == pytest.approx(2040 / (990 * 0.0005 + 1050 * 0.003))


def test_percentiles_are_in_milliseconds_and_the_first_ten_frames_do_not_count(clock):
    class Warming(StillWorld):
        def step(self, action):
            clock.now += 9.0 if self.steps < 10 else (0.02 if self.steps % 10 else 0.05)
            return super().step(action)

    speed = measure_speed(Warming(), PROMPT, 4, frames=110, budget_seconds=1000)
    assert (speed.p50_ms, speed.p95_ms) == pytest.approx((20, 50))
    assert speed.frames == 100


def test_a_slow_world_ends_within_its_budget_and_says_what_is_missing(clock):
    class Slow(StillWorld):
        def step(self, action):
            clock.now += 0.01
            return super().step(action)

    speed = measure_speed(Slow(), PROMPT, 4, budget_seconds=0.295)
    assert speed.fps_at_2000 is None and speed.fps_at_100 is None
    assert speed.frames == 30 - 10 and speed.fps == pytest.approx(100)


def test_every_key_is_pressed():
    class Listening(StillWorld):
        heard = set()

        def step(self, action):
            self.heard.add(action)
            return super().step(action)

    world = Listening()
    measure_speed(world, PROMPT, 4, frames=130)
    assert world.heard == {0, 1, 2, 3}
