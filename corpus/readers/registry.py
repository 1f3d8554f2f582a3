"""All readers by name, in the order in which ``--format auto`` asks them."""

from __future__ import annotations

from pathlib import Path

from corpus.readers.array_record import ArrayRecordReader
from corpus.readers.arrays import ArraysReader
from corpus.readers.base import Reader
from corpus.readers.hdf5 import Hdf5Reader
from corpus.readers.lerobot import LeRobotReader
from corpus.readers.parquet import ParquetReader
from corpus.readers.pictures import PicturesReader
from corpus.readers.video import VideoReader

AUTO = "auto"

# Folders and first bytes that are sure come first, suffixes later; FFmpeg takes almost anything.
READERS: dict[str, Reader] = {
    reader.name: reader
    for reader in (
        LeRobotReader(),
        ArrayRecordReader(),
        Hdf5Reader(),
        ParquetReader(),
        ArraysReader(),
        PicturesReader(),
        VideoReader(),
    )
}


def reader_for(path: Path, format: str = AUTO) -> Reader | None:
    """The reader of that name, or for ``auto`` the first that knows the path; None if none does.

    Raises:
        ValueError: there is no reader of that name.
    """
    if format != AUTO:
        if format not in READERS:
            allowed = ", ".join([AUTO, *READERS])
            raise ValueError(f"--format is {format!r}; allowed are {allowed}")
        return READERS[format]
    return matching_reader(path)


def matching_reader(path: Path, format: str = AUTO) -> Reader | None:
    """The first reader, or that of a name alone, that knows the path; None if none does."""
    asked = READERS.values() if format == AUTO else [reader_for(path, format)]
    return next((reader for reader in asked if reader.matches(path)), None)
