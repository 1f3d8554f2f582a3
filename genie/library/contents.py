"""What a world may consist of where it travels: in a zip, and on a hub."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from corpus.lock import Lock, LockedError

ALLOWED = (".safetensors", ".json", ".png")
"""What a world consists of: nothing that is loaded may execute code."""
CARD = "README.md"  # a folder of a world has it, and no program reads it
MOST_BYTES = 256 << 20  # of a zip, and of what it unpacks to; worlds that ship have 7 to 15 MB
MOST_FILES = 100


def files_to_send(world: Path) -> list[Path]:
    """List the files of a world's folder that a zip or a hub gets.

    Raises:
        ValueError: if they are larger than a world may be.
    """
    files = sorted(file for file in world.rglob("*") if file.is_file() and _fits(file, world))
    check_size(world, [file.stat().st_size for file in files])
    return files


def check_size(source: object, sizes: Sequence[int]) -> None:
    """Refuse files, of these bytes each, that are larger than a world may be."""
    if sum(sizes) > MOST_BYTES or len(sizes) > MOST_FILES:
        raise ValueError(
            f"{source} unpacks to more than {MOST_BYTES >> 20} MiB or {MOST_FILES} files: it is no "
            "world"
        )


def check_names(source: object, names: Sequence[str]) -> None:
    """Refuse names that lead out of a world's folder, or that no file of a world has.

    Args:
        source: where they are from, for the message.
        names: relative, with /; those of folders end in one.
    """
    for name, count in Counter(names).items():
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts or "\\" in name:
            raise ValueError(
                f"{source} holds {name!r}, which leads out of its folder: do not use it"
            )
        if str(place) != name.removesuffix("/") or count > 1:
            raise ValueError(f"{source} holds {name!r} twice, or misspells it: do not use it")
        known = name.endswith("/") or place.suffix in ALLOWED or name == CARD
        if ":" in name or not known:
            raise ValueError(
                f"{source} holds {name!r}: a world has only {', '.join(ALLOWED)} files"
            )


@contextmanager
def waiting_lock(path: Path, seconds: float) -> Iterator[None]:
    """Take the lock of a path; wait while another process holds it.

    Raises:
        LockedError: if it still does after so many seconds.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            lock = Lock(path)
            break
        except LockedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
    with lock:
        yield


def _fits(file: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    return file.suffix in ALLOWED and not hidden and not file.is_symlink()
