"""What the readers of tables and arrays share: rates, episode marks, pictures, true actions."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from corpus.readers.base import ReadOptions
from corpus.readers.ffmpeg.opening import MOST_PIXELS, MOST_SIDE

ACTION_KEYS = ("action", "actions")  # where true actions are looked for
FLAGS = re.compile(r"done|terminal|timeout|truncat|last|end", re.IGNORECASE)
"""Names of episode marks that say of each frame whether it is the last one."""


@contextlib.contextmanager
def needs_extra(path: Path) -> Iterator[None]:
    """Name the extra where an import fails."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f'{path} needs the package {error.name}: pip install "genie-worlds[formats]"',
            name=error.name,
        ) from error


def begins_with(path: Path, magic: bytes) -> bool:
    """Whether a file begins with some bytes; False of what cannot be opened, or is no file."""
    try:
        if not path.is_file():
            return False
        with open(path, "rb") as file:
            return file.read(len(magic)) == magic
    except OSError:
        return False


def rate(options: ReadOptions) -> Fraction | None:
    """Frames per second that the user gave, for formats that do not say it."""
    return None if options.fps is None else Fraction(options.fps).limit_denominator(100_000)


def natural(text: str) -> list[tuple[int, int, str]]:
    """Sort key by which ``frame10`` comes after ``frame9``."""
    parts = re.split(r"([0-9]+)", text)
    return [(1, int(part), "") if at % 2 else (0, 0, part) for at, part in enumerate(parts)]


def numbered(name: str, number: int, count: int) -> str:
    """The name of one recording of a file of ``count``."""
    return name if count == 1 else f"{name}#{number}"


def check_size(height: int, width: int, where: object) -> None:
    """Refuse pictures that are too large to be footage."""
    if not (1 <= min(height, width) <= max(height, width) <= MOST_SIDE):
        raise ValueError(
            f"{where} has pictures of {width}x{height} pixels: allowed is 1 to {MOST_SIDE}"
        )
    if height * width > MOST_PIXELS:
        raise ValueError(f"{where} has pictures of {width}x{height} pixels: scale them down first")


def picture_shape(shape: Sequence[int], where: object) -> tuple[int, int, bool]:
    """Say how an array of pictures is laid out.

    Args:
        shape: (T, h, w), (T, h, w, channels) or (T, channels, h, w); 1, 3 or 4 channels.
        where: the file and key, for the message.

    Returns:
        Height, width, and whether the channels come first.
    """
    first = len(shape) == 4 and shape[3] not in (1, 3, 4) and shape[1] in (1, 3, 4)
    if len(shape) not in (3, 4) or (len(shape) == 4 and not first and shape[3] not in (1, 3, 4)):
        raise ValueError(
            f"{where} has the shape {tuple(shape)}: pictures are (T, height, width, 3) or "
            "(T, 3, height, width)"
        )
    height, width = shape[2:4] if first else shape[1:3]
    check_size(height, width, where)
    return height, width, first


def looks_like_pictures(shape: Sequence[int], kind: str) -> bool:
    """Whether an array may hold pictures: four axes, one of them colours; bytes or floats."""
    colours = len(shape) == 4 and (shape[3] in (1, 3, 4) or shape[1] in (1, 3, 4))
    return colours and kind in "uf" and min(shape[1:]) > 0


def to_rgb(picture: np.ndarray, channels_first: bool, where: object) -> np.ndarray:
    """Make one picture of an array uint8 (h, w, 3); floats must be 0 to 1."""
    if picture.dtype.kind == "f":
        if not (picture.min() >= 0 and picture.max() <= 1):  # refuses NaN too
            raise ValueError(f"{where} has floats outside 0 to 1: store uint8, or divide by 255")
        picture = np.rint(picture.astype(np.float32) * 255).astype(np.uint8)
    elif picture.dtype != np.uint8:
        raise ValueError(f"{where} has pictures of {picture.dtype}: store them as uint8, 0 to 255")
    if channels_first:
        picture = np.moveaxis(picture, 0, -1)
    if picture.ndim == 2 or picture.shape[2] == 1:
        picture = np.repeat(picture.reshape(*picture.shape[:2], 1), 3, axis=2)
    return np.ascontiguousarray(picture[..., :3])


def episode_bounds(marks: np.ndarray, frames: int, where: object) -> list[tuple[int, int]]:
    """Read where episodes start and stop from an array of marks.

    As many marks as frames: flags that are true at the last frame of an episode, if they are
    booleans or ``where`` ends in a name such as ``done`` or ``terminals``; otherwise ids, which
    change where an episode starts. Fewer marks: where each episode starts, if the first is 0;
    otherwise where each stops.

    Returns:
        (start, stop) of each, in frames; stop is exclusive.
    """
    marks = np.asarray(marks).reshape(-1)
    if marks.dtype.kind not in "biuf":
        raise ValueError(f"{where} holds {marks.dtype}: episode marks are integers or booleans")
    if len(marks) == frames:
        last_part = re.split(r"[/:]", str(where))[-1]
        if marks.dtype.kind == "b" or FLAGS.search(last_part):
            cuts = np.flatnonzero(marks[:-1] != 0) + 1
        else:
            cuts = np.flatnonzero(np.diff(marks)) + 1
    elif marks.dtype.kind in "iu" and len(marks):
        cuts = marks[1:] if marks[0] == 0 else marks[:-1]
        rising = bool((np.diff(marks.astype(np.int64)) > 0).all())
        fits = marks[0] == 0 or marks[-1] == frames
        if not (rising and fits and marks[0] >= 0 and marks[-1] <= frames):
            raise ValueError(f"{where} are no starts or ends of episodes of {frames} frames")
    else:
        raise ValueError(f"{where} has {len(marks)} marks for {frames} frames")
    edges = [0, *(int(cut) for cut in cuts), frames]
    return list(zip(edges, edges[1:], strict=False))


def discrete(shape: Sequence[int], kind: str) -> bool:
    """Whether an array or column holds one integer per frame."""
    one = len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
    return one and kind in "iub"


def fit_actions(values: np.ndarray, frames: int, where: object) -> np.ndarray:
    """Make true actions int64 (frames - 1,): one action per frame loses the last.

    Raises:
        ValueError: there are more or fewer.
    """
    values = np.asarray(values)
    if not discrete(values.shape, values.dtype.kind) and values.size:
        raise ValueError(f"{where} holds {values.dtype} {values.shape}: actions are one integer")
    values = values.reshape(-1).astype(np.int64)
    if len(values) not in (frames, frames - 1):
        raise ValueError(
            f"{where} has {len(values)} actions for {frames} frames: give one per frame or one "
            "less, or leave them out with --drop-actions"
        )
    return values[: frames - 1]


def said(error: Exception) -> str:
    """What a library says of a damaged file, in one short line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def choose(found: Sequence[str], wanted: str | None, where: object, what: str) -> str:
    """Pick the key that was asked for, or the only one.

    Raises:
        ValueError: there is none, or several and none was asked for; the message lists them.
    """
    if wanted is not None and wanted in found:
        return wanted
    if wanted is None and len(found) == 1:
        return found[0]
    names = ", ".join(list(found)[:20]) or "none"
    if wanted is not None:
        raise ValueError(f"{where} has no {what} {wanted!r}; it has: {names}")
    if not found:
        raise ValueError(
            f"{where} has no {what} that looks like pictures: name one with --frames-key"
        )
    raise ValueError(f"{where} has several {what}s, choose one with --frames-key: {names}")


def bytes_of(shape: Sequence[int], itemsize: int) -> int:
    """Size of an array, without overflow."""
    return math.prod(int(side) for side in shape) * itemsize
