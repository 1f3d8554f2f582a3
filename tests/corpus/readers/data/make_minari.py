"""Makes minari, with Minari itself: pip install minari==0.5.4 h5py; python make_minari.py."""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

os.environ["MINARI_DATASETS_PATH"] = tempfile.mkdtemp()

import gymnasium  # noqa: E402
from minari import DataCollector  # noqa: E402

LENGTHS = (5, 3)  # steps; an episode has one frame more


class Walk(gymnasium.Env):
    """A square that walks to the right, or stands."""

    observation_space = gymnasium.spaces.Box(0, 255, (16, 24, 3), np.uint8)
    action_space = gymnasium.spaces.Discrete(3)

    def __init__(self):
        self.episode = -1

    def picture(self):
        out = np.full((16, 24, 3), (40 + 60 * self.episode, 90, 200), np.uint8)
        out[4:8, 2 * self.step_count : 2 * self.step_count + 4] = 255
        return out

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.step_count, self.episode = 0, self.episode + 1
        return self.picture(), {}

    def step(self, action):
        self.step_count += 1
        return self.picture(), 0.0, self.step_count == LENGTHS[self.episode], False, {}


env = DataCollector(Walk())
for length in LENGTHS:
    env.reset(seed=0)
    for step in range(length):
        env.step(step % 3)
dataset = env.create_dataset(
    "walk-v0", algorithm_name="none", author="none", author_email="none", code_permalink="none"
)
out = Path(__file__).parent / "minari"
shutil.rmtree(out, ignore_errors=True)
shutil.copytree(Path(os.environ["MINARI_DATASETS_PATH"]) / "walk-v0", out)
