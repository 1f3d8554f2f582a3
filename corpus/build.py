"""Recordings to a corpus: curated, many at once, resumable, atomic.

Each recording is staged (``staging.py``, by an engine of ``engine.py``), decided on
(``curation/``) and committed, stretch by stretch, in the order of the recordings. A file that
cannot be read is left out and named at the end. What is committed by an interruption stays in
``DIR.partial``: go on with ``resume``.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from corpus.building.agreement import check_actions, common_rate
from corpus.building.committing import Committer
from corpus.building.decisions import Curation, refuse_strange_rows
from corpus.building.engine import ENGINES
from corpus.building.pick_size import pick_size
from corpus.building.previous import Previous
from corpus.building.source_records import SourceRecord, stamps_of, write_records
from corpus.building.staging import StageOptions
from corpus.curation.options import CurationOptions
from corpus.curation.overrides import read_overrides
from corpus.frame_size import AUTO
from corpus.progress import Tell, no_tell
from corpus.readers import sidecar
from corpus.readers.base import Box, ReadOptions
from corpus.readers.find import Found, find_sources
from corpus.readers.layout import FITS
from corpus.store import MAX_SIDE, CorpusCard
from corpus.writing.open_writer import open_writer
from corpus.writing.writer import FOOTAGE_LEVEL, partial_path, refuse_existing

KINDS = {
    "cuts": ("cuts", "gradual"),
    "black": ("flat",),
    "frozen": ("frozen",),
    "menus": ("menus",),
    "duplicates": ("duplicates",),
}
"""What curation looks for: the name that ``keep`` takes -> fields of ``CurationOptions``."""
BORDERS = "borders"  # what ``keep`` calls the bars around a picture
FPS_RANGE = (0.01, 1000.0)
MOST_WORDS = 5  # that have no number and are named


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
    size: tuple[int, int] | str,
    *,
    format: str = "auto",
    fps: float | None = None,
    fit: str = "crop",
    crop: Box | None = None,
    masks: Sequence[Box | str] = (),
    keep: Sequence[str] = (),
    decisions: str | Path | None = None,
    read: ReadOptions | None = None,
    strict: bool = False,
    resume: bool = False,
    update: bool = False,
    jobs: int | None = None,
    engine: str = "local",
    source: str | None = None,
    licence: str = "unknown",
    progress: bool = True,
    tell: Tell = no_tell,
) -> Path:
    """Build a corpus from recordings.

    Args:
        inputs: files and folders, see ``readers.find.find_sources``.
        out: the folder to make.
        size: (H, W) of the frames in pixels; ``auto``: what moves decides, and an update keeps it.
        format: the name of a reader, or ``auto``.
        fps: frames per second to resample to, and of pictures and arrays that do not say theirs;
            without it every frame is kept, and all recordings must share one rate.
        fit: how another shape is made to fit: ``crop`` or ``pad``.
        crop: the part of the picture to keep: (top, left, height, width) in pixels as shown.
        masks: parts to paint black: boxes, or ``hud`` and ``webcam`` where such are found.
        keep: what is not looked for: names of ``KINDS``, or ``borders``.
        decisions: a csv file that overrides curation, see ``curation.overrides``.
        read: what is to be said of the files.
        strict: stop at the first recording that cannot be read.
        resume: go on with an interrupted build of the same options.
        update: ``out`` exists: take over what has not changed of the inputs, build what is new,
            and leave out what left a folder; all inputs are given again.
        jobs: recordings at once; default: one for each processor.
        engine: ``local`` processes or a ``ray`` cluster.
        source: what the corpus says about its origin; default: the names of the inputs.
        licence: what the corpus says about its licence.
        progress: whether to draw a progress bar on stderr.
        tell: takes what a user should know before the build begins: the size that was chosen.

    Returns:
        The folder of the finished corpus.

    Raises:
        FileExistsError: ``out`` exists, or an interrupted build is there and ``resume`` is not set.
        FileNotFoundError: an input is missing.
        ValueError: no recording can be read, actions do not fit, or options are not allowed.
        OSError: the disk is full; the build can be resumed.
    """
    out = Path(out)
    if out.is_symlink():  # an update gives the corpus another folder, and leaves the link
        out = out.resolve()
    rate = _check_options(size, fit, fps, engine, jobs)
    curation = Curation(
        options=_curation_options(keep),
        overrides=[] if decisions is None else read_overrides(decisions),
    )
    read = dataclasses.replace(read or ReadOptions(), fps=fps)
    with Previous.open(out) if update else contextlib.nullcontext() as previous:
        if previous is None:
            refuse_existing(out)
        elif size == AUTO:
            size = previous.size
        found = find_sources(inputs, format, read)
        _refuse_nothing(found, strict)
        names = {item.name for item in found.left_out} | (previous.names if previous else set())
        refuse_strange_rows(curation.overrides, found.sources, names)
        with_actions = check_actions(found.sources, rate)
        read = _with_labels(read, found, previous, tell)
        if size == AUTO:
            choice = pick_size(found.sources, read, fit, crop, BORDERS not in keep)
            tell(str(choice))
            size = choice.size
        shaping = StageOptions(
            size=tuple(size),
            fps=rate,
            fit=fit,
            crop=crop,
            masks=tuple(mask for mask in masks if not isinstance(mask, str)),
            cut_borders=BORDERS not in keep,
            masked_overlays=tuple(mask for mask in masks if isinstance(mask, str)),
            read=read,
        )
        card = CorpusCard(
            fps=float(rate or common_rate(found.sources)),
            source=source or ", ".join(Path(item).resolve().name for item in inputs),
            licence=licence,
            options=_recorded(shaping, fps, curation),
        )
        stamps = stamps_of(found.sources, read)
        target = out
        if previous is not None:
            by_name = {item.name: mark for item, mark in zip(found.sources, stamps, strict=True)}
            previous.refuse_loss(card.source, by_name.keys())
            previous.compare(card, with_actions, by_name, curation.settles)
            target, resume = previous.target, True
        go_on = "--resume" if previous is None else "--update"
        with open_writer(
            target, tuple(size), card, with_actions, resume, FOOTAGE_LEVEL, go_on
        ) as writer:
            committer = Committer(writer, found.sources, stamps, curation, previous, strict)
            committer.run(shaping, engine, jobs, progress)
            early = [SourceRecord(file=item.name, left_out=item.reason) for item in found.left_out]
            write_records(partial_path(target), [*committer.records, *early])
            writer.finish()
        return out if previous is None else previous.replace()


def _check_options(
    size: tuple[int, int] | str, fit: str, fps: float | None, engine: str, jobs: int | None
) -> Fraction | None:
    """Refuse what no build can do; return the rate to resample to."""
    if fit not in FITS:
        raise ValueError(f"--fit is {fit!r}; allowed are {' and '.join(FITS)}")
    if size != AUTO and (len(size) != 2 or min(size) < 1):
        raise ValueError(f"--size is {size}; give the height and width in pixels, as 64x64")
    if engine not in ENGINES:
        raise ValueError(f"--engine is {engine!r}; allowed are {' and '.join(ENGINES)}")
    if jobs is not None and jobs < 1:
        raise ValueError(f"--jobs is {jobs}; give 1 or more")
    if fps is None:
        return None
    least, most = FPS_RANGE
    if not least <= fps <= most:
        raise ValueError(f"--fps is {fps}; give {least:g} to {most:g} frames per second")
    return Fraction(fps).limit_denominator(100_000)


def _curation_options(keep: Sequence[str]) -> CurationOptions:
    """The options of curation without some kinds."""
    unknown = set(keep) - {*KINDS, BORDERS}
    if unknown:
        raise ValueError(f"--keep is {min(unknown)!r}; allowed are {', '.join([*KINDS, BORDERS])}")
    off = (field for kind in keep if kind != BORDERS for field in KINDS[kind])
    return CurationOptions(**dict.fromkeys(off, False))


def _with_labels(
    read: ReadOptions, found: Found, previous: Previous | None, tell: Tell
) -> ReadOptions:
    """Give actions that are words, such as pressed keys, their numbers; an update keeps the old."""
    if "actions" in read.actions_map:
        return read
    files = [sidecar.find(item.path, read) for item in found.sources if item.has_actions]
    numbers = sidecar.number_actions(filter(None, files), read)
    old = previous.action_labels if previous is not None else None
    if old is not None:
        new = [repr(label) for label in numbers or () if label not in old]
        if new:
            more = f" and {len(new) - MOST_WORDS} more" if len(new) > MOST_WORDS else ""
            tell(
                f"{previous.path} has no number for the actions {', '.join(new[:MOST_WORDS])}{more}"
                ": they become -1, unknown; build it again to number them"
            )
        numbers = old
    if numbers is None:
        return read
    return dataclasses.replace(read, actions_map={**read.actions_map, "actions": numbers})


def _refuse_nothing(found: Found, strict: bool) -> None:
    """Refuse to build of nothing, or, where asked, beside anything that was left out."""
    if found.left_out and (strict or not found.sources):
        first = found.left_out[0]
        more = len(found.left_out) - 1
        raise ValueError(f"{first.path} {first.reason}" + (f" (and {more} more)" if more else ""))


def _recorded(shaping: StageOptions, fps: float | None, curation: Curation) -> dict:
    """The options as the corpus keeps them; resuming and updating compare them."""
    return {
        "maker": "build",
        "size": list(shaping.size),
        "fps": fps,
        "fit": shaping.fit,
        "crop": None if shaping.crop is None else list(shaping.crop),
        "masks": [*map(list, shaping.masks), *shaping.masked_overlays],
        "cut_borders": shaping.cut_borders,
        "action_labels": shaping.read.actions_map.get("actions"),
        "curation": dataclasses.asdict(curation.options),
        "decisions": [list(dataclasses.astuple(row)) for row in curation.overrides],
    }
