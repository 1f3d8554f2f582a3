import time

import numpy as np
import pytest

from genie.evaluate.speed import measure_speed

PROMPT = np.zeros((16, 16, 3), np.uint8)


def test_a_frame_that_takes_longer_shows_in_the_late_figure(toy):
    class Growing(toy.ToyWorld):
        def step(self, action):
            time.sleep(0.0005 if self.steps < 1000 else 0.003)
            return super().step(action)

    speed = measure_speed(Growing(), PROMPT, 4)
    assert speed.fps_at_2000 < 0.5 * speed.fps_at_100
    assert speed.p50_ms <= speed.p95_ms and speed.frames == 2040


def test_a_slow_world_ends_within_its_budget_and_says_what_is_missing(toy):
    class Slow(toy.ToyWorld):
        def step(self, action):
            time.sleep(0.01)
            return super().step(action)

    speed = measure_speed(Slow(), PROMPT, 4, budget_seconds=0.3)
    assert speed.fps_at_2000 is None and speed.fps_at_100 is None
    assert 1 <= speed.frames <= 30 and speed.fps == pytest.approx(100, rel=0.3)


def test_every_key_is_pressed(toy):
    class Listening(toy.ToyWorld):
        heard = set()

        def step(self, action):
            self.heard.add(action)
            return super().step(action)

    world = Listening()
    measure_speed(world, PROMPT, 4, frames=130)
    assert world.heard == {0, 1, 2, 3}
