"""One recording, decoded, shaped and measured: the part of a build that runs anywhere.

A staged recording waits until it is its turn to be committed, so that many can be made at once, on
any machine that sees the folder, and the corpus holds the same bytes in the same order.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np

from corpus.building.frame_file import FrameFile, FrameFileWriter
from corpus.curation.borders import find_borders
from corpus.curation.measure import Measurements, Measurer
from corpus.curation.overlays import find_overlays
from corpus.readers import sidecar
from corpus.readers.base import Box, ReadOptions, Source
from corpus.readers.layout import Shaping, check_crop, lost_share, show_box
from corpus.readers.read import Sampler, Samples, read_stacks, seek_samples
from corpus.readers.registry import READERS

LEAST_LOST = 0.01  # of a side, that is worth a word
PROGRESS_SECONDS = 0.25
SAMPLES = 32  # pictures in which borders and overlays are looked for
_FRAMES, _ACTIONS, _MEASUREMENTS, _FACTS = "frames", "actions.npy", "measured.npz", "facts.json"
_PROGRESS = "progress"


@dataclasses.dataclass(frozen=True, kw_only=True)
class StageOptions:
    """How every recording of a build is shaped.

    Attributes:
        size: (H, W) of the frames in pixels.
        fps: frames per second to resample to; None: every frame.
        fit: how another shape is made to fit: ``crop`` or ``pad``.
        crop: the part of the picture to keep; None: all, without borders where they are cut.
        masks: parts of the picture to paint black.
        cut_borders: whether bars of one colour around the picture are cut away.
        masked_overlays: kinds of what is laid over the game that are painted black where found.
        read: what the user says of the files.
    """

    size: tuple[int, int]
    fps: Fraction | None = None
    fit: str = "crop"
    crop: Box | None = None
    masks: tuple[Box, ...] = ()
    cut_borders: bool = True
    masked_overlays: tuple[str, ...] = ()
    read: ReadOptions = ReadOptions()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Staged:
    """A staged recording, open for reading.

    Attributes:
        frames: all N of them.
        actions: true actions, integers (N - 1,); None without any.
        measurements: what curation decides by.
        notes: what the user should know.
    """

    frames: FrameFile
    actions: np.ndarray | None
    measurements: Measurements
    notes: tuple[str, ...]


def stage(
    source: Source, options: StageOptions, folder: Path, poll: Callable[[], None] = lambda: None
) -> None:
    """Decode, shape and measure one recording into ``folder``, which appears when it is complete.

    Args:
        source: the recording.
        options: how it is shaped.
        folder: must not exist.
        poll: called now and then.

    Raises:
        ValueError: the recording cannot be read.
        OSError: the disk is full.
    """
    making = folder.with_name(f"{folder.name}.{os.getpid()}")
    making.mkdir(parents=True)
    try:
        count, notes = _read(source, options, making, poll)
        _save_actions(source, options, count, making / _ACTIONS)
        (making / _FACTS).write_text(json.dumps({"notes": notes}), encoding="utf-8")
        os.rename(making, folder)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise


def open_staged(folder: Path) -> Staged:
    """Open a staged recording."""
    facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    actions = folder / _ACTIONS
    return Staged(
        frames=FrameFile(folder / _FRAMES),
        actions=np.load(actions, allow_pickle=False) if actions.exists() else None,
        measurements=Measurements.load(folder / _MEASUREMENTS),
        notes=tuple(facts["notes"]),
    )


def staged_frames(folder: Path) -> int:
    """How many frames of the recordings below a folder are staged so far."""
    total = 0
    for file in folder.glob(f"*/{_PROGRESS}"):
        try:
            total += int(file.read_text() or 0)
        except (OSError, ValueError):  # it is being written, or was just removed
            continue
    return total


def _read(
    source: Source, options: StageOptions, making: Path, poll: Callable[[], None]
) -> tuple[int, list[str]]:
    """Write frames and measurements: (how many frames, what the user should know)."""
    if not (options.cut_borders or options.masked_overlays):
        shaping, notes = _shaping(source, options, None)
        return _write(source, options, shaping, making, poll), notes
    samples, sampler = seek_samples(source, options.read, SAMPLES), None
    if len(samples.pictures) <= SAMPLES / 2:  # decoding costs most: better ones come by the way
        sampler = Sampler(source, SAMPLES)
    shaping, notes = _shaping(source, options, samples)
    count = _write(source, options, shaping, making, poll, sampler)
    if sampler is not None:
        better, notes = _shaping(source, options, sampler.samples())
        if better != shaping:
            count = _write(source, options, better, making, poll)
    return count, notes


def _write(
    source: Source,
    options: StageOptions,
    shaping: Shaping,
    making: Path,
    poll: Callable[[], None],
    sampler: Sampler | None = None,
) -> int:
    """Decode, shape and measure all frames; return how many there are."""
    measurer, frames = Measurer(), FrameFileWriter(making / _FRAMES, options.size)
    told = 0.0  # when progress was last written
    with ThreadPoolExecutor(1) as behind:  # one batch is measured while the next is decoded
        before = None
        for batch in read_stacks(source, options.read, shaping, options.fps, sampler):
            poll()
            if before is not None:
                before.result()
            if time.monotonic() - told > PROGRESS_SECONDS:
                (making / _PROGRESS).write_text(str(frames.num_frames))
                told = time.monotonic()
            before = behind.submit(_take_in, batch, frames, measurer)
        if before is not None:
            before.result()
    frames.close()
    measurer.result().save(making / _MEASUREMENTS)
    return frames.num_frames


def _shaping(
    source: Source, options: StageOptions, samples: Samples | None
) -> tuple[Shaping, list[str]]:
    """How this recording is shaped, and what the user should know of that."""
    check_crop(source, options.crop)
    notes, crop, masks = list(source.notes), options.crop, options.masks
    if samples is not None:
        if options.cut_borders and crop is None and (found := find_borders(samples.pictures)):
            crop = samples.shown(found)
            notes.append(f"borders of one colour are cut: kept {show_box(crop)}")
        found = _find_overlays(samples, crop)
        masks += tuple(box for kind, box in found if kind in options.masked_overlays)
        notes += _overlay_notes(found, options)
    shaping = Shaping(size=options.size, fit=options.fit, crop=crop, masks=masks)
    for share, side in zip(lost_share(source, shaping), ("height", "width"), strict=True):
        if share >= LEAST_LOST:
            notes.append(f"{share:.0%} of the {side} is cut away to make the shape fit: see --fit")
    return shaping, notes


def _find_overlays(samples: Samples, crop: Box | None) -> list[tuple[str, Box]]:
    """Kinds and places of what is laid over the game, in the part of the picture that is kept."""
    top, left = (0, 0) if crop is None else crop[:2]
    overlays = find_overlays(samples.within(crop))
    boxes = ((overlay.kind, samples.shown(overlay.box)) for overlay in overlays)
    return [(kind, (box[0] + top, box[1] + left, *box[2:])) for kind, box in boxes]


def _overlay_notes(found: list[tuple[str, Box]], options: StageOptions) -> list[str]:
    """Say where a display or a webcam lies, or is painted black."""
    notes = []
    for masked in (True, False):
        kinds = [item for item in found if (item[0] in options.masked_overlays) == masked]
        places = ", ".join(f"{kind} at {show_box(box)}" for kind, box in kinds)
        if places and masked:
            notes.append(f"painted black: {places}")
        elif places:
            names = " ".join(sorted({kind for kind, _ in kinds}))
            notes.append(f"perhaps laid over the game: {places} (--mask {names} paints it black)")
    return notes


def _take_in(batch: np.ndarray, frames: FrameFileWriter, measurer: Measurer) -> None:
    frames.append(batch)
    measurer.add(batch)


def _save_actions(source: Source, options: StageOptions, count: int, path: Path) -> None:
    """Write the true actions of a recording, where there are some."""
    if not source.has_actions or options.read.drop_actions:
        return
    actions = READERS[source.reader].actions(source, options.read)
    if actions is None:
        actions = sidecar.load_fitting(source.path, count, options.read)
    if actions is None:
        return
    if len(actions) != count - 1:
        raise ValueError(
            f"{source.path}: an episode of {count} frames needs {count - 1} actions, "
            f"not {len(actions)}"
        )
    outside = actions[(actions < sidecar.UNKNOWN) | (actions > sidecar.MOST_ACTION)]
    if len(outside):
        raise ValueError(
            f"{source.path}: the action {outside[0]} is none of 0 to {sidecar.MOST_ACTION}, or "
            f"{sidecar.UNKNOWN} for unknown"
        )
    np.save(path, actions)
