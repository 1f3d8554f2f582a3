"""What stands out from the background of an episode: masks of its frames."""

import warnings
from collections.abc import Iterator

import numpy as np
import torch
from scipy import ndimage

from lam.moving_player.scrolling import camera_step
from train.data.clips import to_float
from train.moving_player.method import MovingPlayerMethod

_PAIRS = 128  # frames whose camera is followed at once
_LEAST_SEEN = 3  # neighbours that show a pixel's place in the scene, for it to be judged


def camera_path(frames: np.ndarray, method: MovingPlayerMethod) -> np.ndarray:
    """Return where the camera stands in each frame, float64 (T, 2): rows and columns in pixels.

    Args:
        frames: uint8 (T, H, W, 3), one episode.
        method: without `neighbours` the picture stands still.
    """
    steps = [np.zeros((1, 2))]
    if not method.neighbours:
        return np.repeat(steps[0], len(frames), axis=0)
    for first in range(0, len(frames) - 1, _PAIRS):
        part = to_float(torch.from_numpy(frames[first : first + _PAIRS + 1]))
        steps.append(camera_step(part[:-1], part[1:]).numpy())
    return np.concatenate(steps).cumsum(axis=0)


def find_foreground(
    frames: np.ndarray, camera: np.ndarray, method: MovingPlayerMethod
) -> Iterator[np.ndarray]:
    """Yield for each frame which pixels stand out, bool (H, W).

    Args:
        frames: uint8 (T, H, W, 3), one episode.
        camera: from `camera_path`.
        method: what stands out, and from what.
    """
    if method.neighbours:
        yield from _beside_neighbours(frames, camera, method)
        return
    sample = np.linspace(0, len(frames) - 1, min(len(frames), method.background_frames))
    background = np.median(frames[sample.astype(int)], axis=0)
    for frame in frames:
        yield np.abs(frame - background.astype(np.int16)).max(axis=2) > method.foreground


def _beside_neighbours(
    frames: np.ndarray, camera: np.ndarray, method: MovingPlayerMethod
) -> Iterator[np.ndarray]:
    """Compare each frame with the median of its neighbours, moved as the camera moved.

    Far scenery moves more slowly than near one and a camera by fractions of a pixel: what the
    background shows within a pixel does not stand out, but for the rim of a thing that does.
    """
    times = [sign * step for step in method.neighbours for sign in (-1, 1)]
    for number, pixels in enumerate(frames):
        frame = pixels.astype(np.float32)
        moved = [
            _moved(frames[number + time], camera[number] - camera[number + time])
            for time in times
            if 0 <= number + time < len(frames)
        ]
        if len(moved) < _LEAST_SEEN:
            yield np.zeros(frame.shape[:2], bool)
            continue
        around = np.stack(moved)
        known = np.isfinite(around[..., 0]).sum(axis=0) >= _LEAST_SEEN
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # nothing known of a place
            background = np.nan_to_num(np.nanmedian(around, axis=0))
        highest = ndimage.maximum_filter(background, (3, 3, 1))
        lowest = ndimage.minimum_filter(background, (3, 3, 1))
        beyond = np.maximum(frame - highest, lowest - frame).max(axis=2) > method.foreground
        differs = np.abs(frame - background).max(axis=2) > method.foreground
        yield ndimage.binary_dilation(beyond & known, np.ones((2, 2))) & differs & known


def _moved(frame: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return what a camera further down and right by `shift` sees of a frame; NaN elsewhere."""
    height, width = frame.shape[:2]
    down, right = (int(round(side)) for side in shift)
    moved = np.full(frame.shape, np.nan, np.float32)
    if abs(down) < height and abs(right) < width:
        rows = slice(max(0, -down), height - max(0, down))
        columns = slice(max(0, -right), width - max(0, right))
        moved[rows, columns] = frame[
            rows.start + down : rows.stop + down, columns.start + right : columns.stop + right
        ]
    return moved
