"""Makes lerobot_v2 and lerobot_v3, with LeRobot itself: 0.3.3 writes v2.1, 0.4.4 writes v3.0.

pip install lerobot==0.3.3 (or 0.4.4) numpy; python make_lerobot.py
"""

import shutil
import sys
from pathlib import Path

import lerobot
import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset

NAMES = ["height", "width", "channels"]
LENGTHS = (7, 4, 6)


def picture(episode, frame, camera):
    """A square that walks, on a colour of its own for each episode and camera."""
    out = np.full((64, 64, 3), (40 + 60 * episode, 90, 200 - 90 * camera), np.uint8)
    out[8 * camera + 8 : 8 * camera + 24, 6 * frame : 6 * frame + 16] = 255
    return out


def main(version):
    out = Path(__file__).parent / f"lerobot_v{version}"
    shutil.rmtree(out, ignore_errors=True)
    features = {
        f"observation.images.{name}": {"dtype": "video", "shape": (64, 64, 3), "names": NAMES}
        for name in ("front", "wrist")
    }
    features["observation.images.small"] = {"dtype": "image", "shape": (64, 64, 3), "names": NAMES}
    features["action"] = {"dtype": "int64", "shape": (1,), "names": ["key"]}
    features["observation.state"] = {"dtype": "float32", "shape": (2,), "names": ["x", "y"]}
    dataset = LeRobotDataset.create("local/tiny", fps=10, features=features, root=out)
    for episode, length in enumerate(LENGTHS):
        for frame in range(length):
            values = {
                "observation.images.front": picture(episode, frame, 0),
                "observation.images.wrist": picture(episode, frame, 1),
                "observation.images.small": picture(episode, frame, 0),
                "action": np.array([(frame + episode) % 4]),
                "observation.state": np.array([frame, episode], np.float32),
            }
            if version == 3:
                dataset.add_frame({**values, "task": "walk"})
            else:
                dataset.add_frame(values, task="walk")
        dataset.save_episode()
    if version == 3:
        dataset.finalize()
    shutil.rmtree(out / "images", ignore_errors=True)


main(3 if lerobot.__version__ >= "0.4" else 2)
sys.exit(0)
