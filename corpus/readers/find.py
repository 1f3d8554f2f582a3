"""The recordings of files and folders, and what was left out of them, with the reasons."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from corpus.readers import sidecar
from corpus.readers.base import ReadOptions, Source
from corpus.readers.registry import READERS, matching_reader, reader_for
from corpus.storage import CARD

ACTIONS = ".actions.npy"  # the end of a name of true actions beside a recording
MOST_NAMED = 5  # kinds of other files that a message lists


@dataclasses.dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A file or folder that gives nothing, and why."""

    name: str
    path: Path
    reason: str


@dataclasses.dataclass(kw_only=True)
class Found:
    """What the inputs hold.

    Attributes:
        sources: the recordings: inputs in the order given, a folder's files sorted by path.
        left_out: what should have given recordings and does not.
        others: files of no known kind, counted by suffix.
    """

    sources: list[Source] = dataclasses.field(default_factory=list)
    left_out: list[LeftOut] = dataclasses.field(default_factory=list)
    others: Counter[str] = dataclasses.field(default_factory=Counter)

    def other_files(self) -> str | None:
        """Say which files are of no known kind; None without any."""
        if not self.others:
            return None
        kinds = ", ".join(f"{n} {kind or 'without suffix'}" for kind, n in self._commonest())
        return f"{self.others.total()} other files are no recordings: {kinds}"

    def _commonest(self) -> list[tuple[str, int]]:
        return sorted(self.others.items(), key=lambda item: (-item[1], item[0]))[:MOST_NAMED]


def find_sources(
    inputs: Sequence[str | Path], format: str = "auto", options: ReadOptions | None = None
) -> Found:
    """Look through files and folders for recordings; opens headers only.

    A bad file ends nothing: it is among those left out. Hidden files and corpora are passed over,
    and links to folders are not followed.

    Args:
        inputs: files, taken as recordings whatever their suffix, and folders, searched with all
            folders below.
        format: the name of the one reader to use, or ``auto``.
        options: what the user says of the files.

    Raises:
        FileNotFoundError: an input does not exist.
        ValueError: nothing was given, the format is unknown, or nothing at all was found.
    """
    if not inputs:
        raise ValueError("nothing given: name files or folders with recordings")
    options, found = options or ReadOptions(), Found()
    names: set[str] = set()
    seen: dict[Path, str] = {}
    if format != "auto" and format not in READERS:
        raise ValueError(f"--format is {format!r}; allowed are auto, {', '.join(READERS)}")
    for item in map(Path, inputs):
        if not os.path.lexists(item):
            raise FileNotFoundError(f"no file or folder at {item}")
        if is_corpus(item):
            raise ValueError(f"{item} is a corpus, no footage: see genie corpus join and sample")
        before = len(found.sources) + len(found.left_out)
        for name, path in _candidates(item, format, found):
            name = _free_name(name, item, names)
            names.add(name)
            _read_headers(name, path, format, options, found, seen)
        if len(found.sources) + len(found.left_out) == before:
            raise ValueError(f"{item} holds no recording" + _looked_for(found))
    return found


def is_corpus(folder: Path) -> bool:
    """Whether a folder holds a corpus, finished or not; its pictures are no footage."""
    return os.path.isfile(folder / CARD)


def _free_name(name: str, item: Path, names: set[str]) -> str:
    """Put folders above an input before a name that another input has, until it is free."""
    above = item.resolve() if item.is_dir() else item.resolve().parent
    while name in names and above.name:
        name, above = f"{above.name}/{name}", above.parent
    free, number = name, 2
    while free in names:  # an input that is named over and over
        free, number = f"{name} ({number})", number + 1
    return free


def _candidates(item: Path, format: str, found: Found) -> Iterator[tuple[str, Path]]:
    """Yield (name, path) of what a reader may know: ``item`` itself, or what lies below it."""
    if not item.is_dir():
        yield item.name, item
        return

    def leave_out(error: OSError) -> None:
        _leave_out(found, item, Path(error.filename), f"cannot be opened: {error.strerror}")

    known: list[Path] = []
    for folder, folders, files in os.walk(item, onerror=leave_out):
        here = Path(folder)
        reader = matching_reader(here, format)
        if reader is not None:  # its own files belong to it
            known.append(here)
            files.clear()
            if reader.takes_subfolders:
                folders.clear()
        visible = [here / name for name in folders if not name.startswith(".")]
        visible = [path for path in visible if not is_corpus(path)]
        for path in visible:
            if path.is_symlink():
                _leave_out(found, item, path, "is a link to a folder: name that folder itself")
        folders[:] = [path.name for path in visible if not path.is_symlink()]
        for path in (here / name for name in files if not name.startswith(".")):
            if path.is_symlink() or matching_reader(path, format) is not None:
                known.append(path)
            elif not path.name.endswith(ACTIONS):
                found.others[path.suffix.lower()] += 1
    for path in sorted(known, key=lambda path: path.parts):
        yield _label(item, path), path


def _leave_out(found: Found, item: Path, path: Path, reason: str) -> None:
    found.left_out.append(LeftOut(name=_label(item, path), path=path, reason=reason))


def _label(item: Path, path: Path) -> str:
    """How a corpus calls a path that lies below an input."""
    return path.relative_to(item).as_posix() if path != item else item.resolve().name


def _read_headers(
    name: str, path: Path, format: str, options: ReadOptions, found: Found, seen: dict[Path, str]
) -> None:
    """Add the recordings of one file, or the reason why it has none."""
    try:
        name.encode("utf-8")
        real = _resolved(path)
        if real in seen:
            raise ValueError(f"is the same file as {seen[real]}")
        reader = reader_for(path, format) or READERS["video"]
        sources = reader.sources(path, name, options)
        seen[real] = name
        if len(sources) == 1 and not sources[0].has_actions:
            beside = sidecar.find(path, options)
            sources = [dataclasses.replace(sources[0], has_actions=beside is not None)]
        found.sources += sources
    except UnicodeEncodeError:
        shown = name.encode("utf-8", "backslashreplace").decode("utf-8")
        reason = "has a name that is not UTF-8: rename it"
        found.left_out.append(LeftOut(name=shown, path=path, reason=reason))
    except (ValueError, OSError) as error:
        found.left_out.append(LeftOut(name=name, path=path, reason=_reason(error, path)))


def _resolved(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except (FileNotFoundError, RuntimeError):  # Python 3.11 and 3.12 raise the latter of circles
        raise ValueError("is a link to nothing") from None


def _reason(error: Exception, path: Path) -> str:
    """The message of an error without the path in front, which the list names already."""
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be opened: {error.strerror}"
    return str(error).removeprefix(str(path)).strip()


def _looked_for(found: Found) -> str:
    """What to add to a message that nothing was found."""
    others = found.other_files()
    return f": {others}" if others else ": it is empty"
