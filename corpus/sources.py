"""The videos that a build reads, found in folders, and the true actions beside them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from corpus.readers.ffmpeg.decoding import VideoFacts, probe
from corpus.readers.video import SUFFIXES

SAME_RATE = 0.01  # files whose rates differ by less than this fraction are taken for one rate


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """One video that becomes one episode.

    Attributes:
        name: how the corpus calls it: its path below the folder that was given.
        facts: what its header says.
        actions: the file with its true actions, or None.
    """

    name: str
    facts: VideoFacts
    actions: Path | None


def find_videos(inputs: Sequence[str | Path]) -> list[tuple[str, Path]]:
    """List the videos of files and folders.

    Args:
        inputs: video files, taken whatever their suffix, and folders, searched recursively for
            files with a suffix of ``SUFFIXES``; hidden files are left out.

    Returns:
        (name, path) of each video: inputs in the order given, a folder's files sorted by path.

    Raises:
        FileNotFoundError: an input does not exist.
        ValueError: nothing was given, a folder holds no video, a file is given twice, or its name
            is not UTF-8.
    """
    found: list[tuple[str, Path]] = []
    for item in map(Path, inputs):
        if not item.exists():
            raise FileNotFoundError(f"no video or folder at {item}")
        if not item.is_dir():
            found.append((item.name, item))
            continue
        below = [path for path in item.rglob("*") if _is_video(path.relative_to(item))]
        files = sorted((path for path in below if path.is_file()), key=lambda path: path.parts)
        if not files:
            raise ValueError(f"{item} holds no video: looked for {' '.join(SUFFIXES)}")
        found += [(path.relative_to(item).as_posix(), path) for path in files]
    if not found:
        raise ValueError("no video given: name video files or folders of them")
    seen: set[Path] = set()
    for _, path in found:
        refuse_other_encodings(str(path.resolve()))
        if path.resolve() in seen:
            raise ValueError(f"{path} is given twice")
        seen.add(path.resolve())
    return found


def refuse_other_encodings(path: str) -> None:
    """Refuse a name that is not UTF-8: neither FFmpeg nor json can hold it."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        shown = path.encode("utf-8", "backslashreplace").decode("utf-8")
        raise ValueError(f"the name of {shown} is not UTF-8: rename it") from error


def _is_video(path: Path) -> bool:
    """Whether a path below a folder looks like a video that the user means."""
    hidden = any(part.startswith(".") for part in path.parts)
    return not hidden and path.suffix.lower() in SUFFIXES


def inspect(name: str, path: Path, drop_actions: bool) -> Source:
    """Read a video's header and look for its actions.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot become an episode.
    """
    beside = path.with_name(path.stem + ".actions.npy")
    actions = beside if beside.is_file() and not drop_actions else None
    return Source(name=name, facts=probe(path), actions=actions)


def check_actions(sources: list[Source], rate: Fraction | None) -> bool:
    """Return whether every video has true actions; refuse what would misalign them.

    Args:
        sources: all videos of a build.
        rate: frames per second to resample to, or None.

    Raises:
        ValueError: only some have, the build would resample one that has, or a file is unreadable.
    """
    having = [item for item in sources if item.actions is not None]
    if not having:
        return False
    if len(having) < len(sources):
        without = next(item for item in sources if item.actions is None)
        raise ValueError(
            f"{len(having)} of {len(sources)} videos have true actions, {without.facts.path} has "
            "none: add them, or leave all out with --drop-actions"
        )
    for item in having:
        if rate is not None and rate != item.facts.fps:
            raise ValueError(
                f"--fps {float(rate):g} would drop or repeat frames of {item.facts.path} "
                f"({float(item.facts.fps):g} fps), whose true actions then fit no longer: "
                "leave --fps out, or the actions with --drop-actions"
            )
        load_actions(item.actions)
    return True


def load_actions(path: Path) -> np.ndarray:
    """Read a file ``NAME.actions.npy``: integers (frames - 1,).

    Raises:
        ValueError: it holds something else.
    """
    try:
        # Mapped, as a header that claims more than the file holds would take the memory first.
        actions = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OverflowError) as error:
        raise ValueError(f"{path} is not a readable npy file of integers") from error
    if actions.ndim != 1 or actions.dtype.kind not in "iu":
        raise ValueError(
            f"{path} holds {actions.dtype} {actions.shape}; actions are int64 (frames - 1,)"
        )
    return actions


def common_rate(sources: list[Source]) -> Fraction:
    """The frames per second of the first of one or more videos.

    Raises:
        ValueError: another one differs by more than ``SAME_RATE``.
    """
    first = sources[0].facts
    for item in sources[1:]:
        if abs(item.facts.fps / first.fps - 1) > SAME_RATE:
            raise ValueError(
                f"{first.path} has {float(first.fps):g} frames per second, {item.facts.path} has "
                f"{float(item.facts.fps):g}: choose one with --fps"
            )
    return first.fps
