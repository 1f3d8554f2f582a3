"""Where corpora lie: folders of this machine, or object storage that fsspec reads.

A corpus on object storage is read where it lies: ``s3://``, ``gs://``, ``az://``, ``https://`` and
whatever else fsspec has a package for. It is written on a disk first, and copied.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from corpus.progress import progress_bar

CARD = "zarr.json"  # of the corpus as a whole; written last, so that a torn copy is no corpus
COPYING = "copying.json"  # the card of a corpus that is being copied, until all of it is there
COPIES = 16  # files on their way at once: object storage answers late, and many at a time


def location(path: str | Path | Any) -> Any:
    """Return a folder as a ``Path``, or a URL as a ``UPath``, which has the same methods.

    Raises:
        ModuleNotFoundError: for a URL without the packages that read it.
    """
    if not is_remote(path):
        return Path(path)
    try:
        from upath import UPath

        return UPath(str(path))
    except ImportError as error:  # UPath imports the package of the protocol
        raise ModuleNotFoundError(
            f'{path} is read by fsspec: pip install "genie-worlds[remote]", and for storage other '
            f"than S3 its package ({error})"
        ) from error


def is_remote(path: object) -> bool:
    """Whether a path is a URL."""
    return "://" in str(path)


def file_sizes(folder: Any) -> dict[str, int]:
    """Return the size in bytes of each file below a folder, by its path there."""
    if not is_remote(folder):
        files = (file for file in Path(folder).rglob("*") if file.is_file())
        return {file.relative_to(folder).as_posix(): file.stat().st_size for file in files}
    listed = folder.fs.find(folder.path, detail=True)
    start = len(folder.fs._strip_protocol(folder.path).rstrip("/")) + 1
    return {name[start:]: entry["size"] for name, entry in listed.items()}


def copy_corpus(source: str | Path, target: str | Path, progress: bool = True) -> Any:
    """Copy a corpus to or from object storage, or to another folder.

    An interrupted copy of the same corpus goes on: files that the target has at the same size are
    passed over.

    Args:
        source: a folder or URL.
        target: a folder or URL.
        progress: whether to draw a progress bar on stderr.

    Returns:
        The target.

    Raises:
        FileExistsError: the target is a corpus already.
        FileNotFoundError: there is no corpus at the source.
        ValueError: the target is an interrupted copy of another corpus.
    """
    source, target = location(source), location(target)
    sizes = file_sizes(source)
    if CARD not in sizes:
        raise FileNotFoundError(f"no corpus at {source}: make one with genie corpus build")
    if (target / CARD).exists():
        raise FileExistsError(f"{target} exists; a corpus is never written twice: name another")
    there = _begin(source, target)
    todo = [name for name in sizes if name != CARD and there.get(name) != sizes[name]]
    with progress_bar("copying", len(todo) + 1, progress, "files") as advance:
        with ThreadPoolExecutor(COPIES) as pool:
            for _ in pool.map(lambda name: _copy(source / name, target / name), todo):
                advance(1)
        _copy(source / CARD, target / CARD)
        (target / COPYING).unlink()
        advance(1)
    return target


def _begin(source: Any, target: Any) -> dict[str, int]:
    """Note in the target what is copied; return the sizes of those files that are there already.

    Frames of two corpora have chunks of the same names, which only the card tells apart.
    """
    if not (target / COPYING).exists():
        _copy(source / CARD, target / COPYING)
        return {}
    if (target / COPYING).read_bytes() != (source / CARD).read_bytes():
        raise ValueError(
            f"{target} is an interrupted copy of another corpus: name another folder, or delete it"
        )
    return file_sizes(target)


def _copy(source: Any, target: Any) -> None:
    """Copy one file; on a disk, under another name first."""
    if is_remote(target):
        with source.open("rb") as reading, target.open("wb") as writing:
            shutil.copyfileobj(reading, writing)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(target.name + ".new")
    with source.open("rb") as reading, new.open("wb") as writing:
        shutil.copyfileobj(reading, writing)
    new.replace(target)
