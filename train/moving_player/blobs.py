"""What stands out from the background of an episode: connected blobs, and their kinds."""

import numpy as np
from scipy import ndimage
from scipy.cluster import hierarchy

from train.moving_player.foreground import find_foreground
from train.moving_player.method import MovingPlayerMethod

FRAME, ROW, COLUMN, AREA, RED = 0, 1, 2, 3, 4
"""Columns of a table of blobs; RED and the two behind it are the mean colour."""
LEAST_AREA = 2
MOST_COMPARED = 3000


def find_blobs(
    frames: np.ndarray, first: int, camera: np.ndarray, method: MovingPlayerMethod
) -> np.ndarray:
    """List the blobs of one episode.

    Args:
        frames: uint8 (T, H, W, 3).
        first: number in the corpus of its first frame.
        camera: from `camera_path`.
        method: what a blob is.

    Returns:
        float64 (blobs, 7): frame in the corpus, row and column of the middle in pixels, counted
        from where the camera stood at first, area in pixels, and mean red, green and blue, 0 to
        255.
    """
    most, table = method.largest_blob * frames[0, ..., 0].size, []
    for number, mask in enumerate(find_foreground(frames, camera, method)):
        labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
        if not count:
            continue
        index, pixels = np.arange(1, count + 1), labels.ravel()
        area = np.bincount(pixels, minlength=count + 1)[1:]
        middle = np.array(ndimage.center_of_mass(mask, labels, index)) + 0.5 + camera[number]
        colour = [
            np.bincount(pixels, frames[number, ..., channel].ravel(), count + 1)[1:] / area
            for channel in range(3)
        ]
        rows = np.column_stack((np.full(count, first + number), middle, area, *colour))
        table.append(rows[(area >= LEAST_AREA) & (area <= most)])
    return np.concatenate(table) if table else np.empty((0, 7))


def kinds_of_colour(colours: np.ndarray, same: float, rng: np.random.Generator) -> np.ndarray:
    """Return the mean colours, float64 (kinds, 3), of the kinds of things that there are.

    Args:
        colours: float64 (things, 3).
        same: things are of one kind if their colours are nearer than this.
        rng: of the sample that is compared.
    """
    colours = colours[rng.permutation(len(colours))[:MOST_COMPARED]]
    if len(colours) < 2:
        return colours
    kinds = hierarchy.fcluster(hierarchy.linkage(colours, "average"), same, "distance")
    return np.stack([colours[kinds == kind].mean(axis=0) for kind in np.unique(kinds)])
