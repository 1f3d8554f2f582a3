"""Videos to a corpus: one episode per file, streaming, resumable, atomic.

A file that is missing, empty, corrupt, cut short or shorter than two frames stops the build with
one line that names it. Episodes that are committed by then stay in ``DIR.partial``: repair the file
or leave it out, and go on with ``resume``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from corpus.progress import progress_bar
from corpus.readers import base
from corpus.readers.ffmpeg.decoding import VideoFacts
from corpus.readers.read import read_frames
from corpus.readers.shaper import FITS, Shaping
from corpus.sources import (
    Source,
    check_actions,
    common_rate,
    find_videos,
    inspect,
    load_actions,
)
from corpus.store import FRAMES_PER_CHUNK, MAX_SIDE, CorpusCard
from corpus.writing.open_writer import open_writer
from corpus.writing.writer import CorpusWriter, partial_path, refuse_existing

FPS_RANGE = (0.01, 1000.0)


def parse_size(text: str) -> tuple[int, int]:
    """Read ``HxW`` in pixels, such as ``64x64``, as (H, W)."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() and len(part) < 9 for part in parts):
        raise ValueError(f"{text!r} is no size: give height x width in pixels, such as 64x64")
    size = int(parts[0]), int(parts[1])
    if not 1 <= min(size) <= max(size) <= MAX_SIDE:
        raise ValueError(f"{text!r} is no size: give height x width, each 1 to {MAX_SIDE} pixels")
    return size


def build_corpus(
    inputs: Sequence[str | Path],
    out: str | Path,
    size: tuple[int, int],
    fps: float | None = None,
    fit: str = "crop",
    drop_actions: bool = False,
    resume: bool = False,
    source: str | None = None,
    licence: str = "unknown",
    progress: bool = True,
) -> Path:
    """Build a corpus from videos.

    Args:
        inputs: video files and folders, see ``sources.find_videos``.
        out: the folder to make.
        size: (H, W) of the frames in pixels.
        fps: frames per second to resample to; without it every frame is kept, and all files must
            share one rate.
        fit: how another shape is made to fit: ``crop`` or ``pad``.
        drop_actions: leave out the true actions that lie beside the videos.
        resume: go on with an interrupted build of the same options.
        source: what the corpus says about its origin; default: the names of the inputs.
        licence: what the corpus says about its licence.
        progress: whether to draw a progress bar on stderr.

    Returns:
        The folder of the finished corpus.

    Raises:
        FileExistsError: ``out`` exists, or an interrupted build is there and ``resume`` is not set.
        FileNotFoundError: an input is missing.
        ValueError: a video cannot be read, actions do not fit, or options are not allowed.
        OSError: the disk is full; the build can be resumed.
    """
    out = Path(out)
    refuse_existing(out)
    if fit not in FITS:
        raise ValueError(f"--fit is {fit!r}; allowed are {' and '.join(FITS)}")
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"--size is {size}; give the height and width in pixels, as 64x64")
    if fps is not None and not FPS_RANGE[0] <= fps <= FPS_RANGE[1]:
        least, most = FPS_RANGE
        raise ValueError(f"--fps is {fps}; give {least:g} to {most:g} frames per second")
    rate = None if fps is None else Fraction(fps).limit_denominator(100_000)
    sources = [inspect(name, path, drop_actions) for name, path in find_videos(inputs)]
    with_actions = check_actions(sources, rate)
    card = CorpusCard(
        fps=float(rate or common_rate(sources)),
        source=source or ", ".join(Path(item).resolve().name for item in inputs),
        licence=licence,
        options={"maker": "build", "size": list(size), "fps": fps, "fit": fit},
    )
    with open_writer(out, tuple(size), card, with_actions, resume) as writer:
        _check_committed(writer, sources)
        _write_all(writer, sources, tuple(size), fit, rate, progress)
        return writer.finish()


def _check_committed(writer: CorpusWriter, sources: list[Source]) -> None:
    """Refuse to resume with other videos than those that are committed."""
    for index, record in enumerate(writer.records):
        item = sources[index] if index < len(sources) else None
        size = item.facts.path.stat().st_size if item else None
        if item is None or (record.get("file"), record.get("bytes")) != (item.name, size):
            raise ValueError(
                f"{partial_path(writer.out)} has {record.get('file')} as episode {index}, the "
                f"videos given have {item.name if item else 'none'} or it changed: give the same "
                "videos, or delete the folder"
            )


def _write_all(
    writer: CorpusWriter,
    sources: list[Source],
    size: tuple[int, int],
    fit: str,
    rate: Fraction | None,
    progress: bool,
) -> None:
    """Write every video that is not committed yet."""
    todo = sources[len(writer.records) :]
    expected = [_expected_frames(item.facts, rate) for item in todo]
    with progress_bar("building", sum(expected), progress) as advance:
        for item, frames in zip(todo, expected, strict=True):
            written = 0
            shaping = Shaping(size=size, fit=fit)
            frames_of = read_frames(_recording(item), base.ReadOptions(), shaping, rate)
            for batch in _batches(frames_of):
                writer.add(batch)
                written += len(batch)
                advance(len(batch))
            advance(frames - written)
            record = {
                "file": item.name,
                "bytes": item.facts.path.stat().st_size,
                "video": [item.facts.height, item.facts.width],
                "video_fps": float(item.facts.fps),
            }
            try:
                actions = None if item.actions is None else load_actions(item.actions)
                writer.end_episode(record, actions)
            except ValueError as error:
                raise ValueError(f"{item.facts.path}: {error}") from error


def _recording(item: Source) -> base.Source:
    """Say of a video what its reader needs."""
    facts = item.facts
    return base.Source(
        name=item.name,
        path=facts.path,
        reader="video",
        height=facts.height,
        width=facts.width,
        fps=facts.fps,
        frames=facts.frames,
    )


def _expected_frames(facts: VideoFacts, rate: Fraction | None) -> int:
    """About how many frames a video will give."""
    return facts.frames if rate is None else round(facts.frames / facts.fps * rate)


def _batches(frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Stack frames by the chunk."""
    batch: list[np.ndarray] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) == FRAMES_PER_CHUNK:
            yield np.stack(batch)
            batch = []
    if batch:
        yield np.stack(batch)
