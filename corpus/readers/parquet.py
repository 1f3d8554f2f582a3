"""Parquet tables of pictures, as Hugging Face's image data sets are: a row is a frame.

The files of one folder are one table, in the order of their names. A row's picture is bytes of a
png or jpeg, or a struct {bytes, path} of them. Rows with one value of the episode column are one
recording, in the order of the frame column where there is one.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from corpus.readers import sidecar
from corpus.readers.base import ReadOptions, Source
from corpus.readers.parts.table import Table, damage_named
from corpus.readers.parts.values import (
    ACTION_KEYS,
    begins_with,
    choose,
    fit_actions,
    natural,
    numbered,
    rate,
)
from corpus.readers.pictures import picture_size

EPISODE_KEYS = ("episode_index", "episode_id", "episode")
ORDER_KEYS = ("frame_index", "frame_id", "frame", "step_index", "step", "timestep")
MAGIC = b"PAR1"


class ParquetReader:
    """Reads tables of pictures in constant memory."""

    name: ClassVar[str] = "parquet"
    takes_subfolders: ClassVar[bool] = False

    def matches(self, path: Path) -> bool:
        """Whether it is a parquet file, or a folder that holds some."""
        try:
            file = next(iter(_files(path)), None)
        except OSError:  # a folder that may not be listed
            return False
        return file is not None and begins_with(file, MAGIC)

    def sources(self, path: Path, name: str, options: ReadOptions) -> list[Source]:
        """List the episodes of a table; the first picture says the size."""
        table, episodes, notes = _episodes(path, options)
        key = picture_column(table, options)
        height, width = picture_size(next(table.cells(key, episodes[0][:1])), f"{path}:{key}")
        actions, note = action_column(table, options)
        beside = actions is None and sidecar.find(path, options) is not None
        return [
            Source(
                name=numbered(name, number, len(episodes)),
                path=path,
                reader=self.name,
                number=number,
                height=height,
                width=width,
                fps=rate(options),
                frames=len(rows),
                has_actions=(actions is not None or beside) and not options.drop_actions,
                notes=notes + note,
            )
            for number, rows in enumerate(episodes)
        ]

    def pictures(
        self, source: Source, options: ReadOptions
    ) -> Iterator[tuple[Fraction, np.ndarray]]:
        """Decode the pictures of one episode."""
        table, rows = _rows(source, options)
        key = picture_column(table, options)
        for at, picture in enumerate(table.pictures(key, rows)):
            yield at / (source.fps or Fraction(1)), picture

    def actions(self, source: Source, options: ReadOptions) -> np.ndarray | None:
        """The actions of one episode."""
        if not source.has_actions:
            return None
        table, rows = _rows(source, options)
        key, _ = action_column(table, options)
        if key is not None:
            return fit_actions(table.integers(key)[rows], len(rows), f"{source.path}:{key}")
        found = sidecar.load_fitting(source.path, table.count, options)
        return None if found is None else found[rows[:-1]]


def picture_column(table: Table, options: ReadOptions) -> str:
    """The column of pictures: the one that was asked for, or the only one that may be."""
    import pyarrow.types as types

    def binary(kind: Any) -> bool:
        return types.is_binary(kind) or types.is_large_binary(kind)

    def struct(kind: Any) -> bool:
        inside = types.is_struct(kind) and kind.get_field_index("bytes")
        return inside is not False and inside >= 0 and binary(kind.field(inside).type)

    structs = [field.name for field in table.schema if struct(field.type)]
    plain = [field.name for field in table.schema if binary(field.type)]
    wanted = options.frames_key
    if wanted is not None and wanted not in structs + plain:
        raise ValueError(
            f"{table.where} has no column of pictures {wanted!r}; it has: "
            f"{', '.join(structs + plain) or 'none'}"
        )
    return choose(structs + plain if wanted else structs or plain, wanted, table.where, "column")


def action_column(table: Table, options: ReadOptions) -> tuple[str | None, tuple[str, ...]]:
    """The column of true actions, and a note where it cannot be used."""
    import pyarrow.types as types

    names = table.schema.names
    if options.actions_key is not None:
        choose(names, options.actions_key, table.where, "column")
    keys = (options.actions_key,) if options.actions_key else ACTION_KEYS
    key = next((key for key in keys if key in names), None)
    if key is None:
        return None, ()
    kind = table.schema.field(key).type
    one = types.is_fixed_size_list(kind) and kind.list_size == 1
    kind = kind.value_type if one else kind
    if types.is_integer(kind) or types.is_boolean(kind):
        return key, ()
    return None, (f"{key} is {str(kind)[:60]}, not one integer a frame: left out",)


def _episodes(path: Path, options: ReadOptions) -> tuple[Table, list[np.ndarray], tuple[str, ...]]:
    """The table, the rows of each episode in the order of the first of each, and notes."""
    stamps = tuple((file, file.stat().st_mtime_ns, file.stat().st_size) for file in _files(path))
    return _listed(path, stamps, options.episode_key)


@functools.lru_cache(maxsize=2)  # each recording of a table asks for the list
def _listed(
    path: Path, stamps: tuple[tuple[Path, int, int], ...], episode_key: str | None
) -> tuple[Table, list[np.ndarray], tuple[str, ...]]:
    table = Table([file for file, _, _ in stamps], path)
    import pyarrow.types as types

    kinds = {field.name: field.type for field in table.schema}
    if episode_key is not None:
        choose(list(kinds), episode_key, table.where, "column")
    whole = [name for name, kind in kinds.items() if types.is_integer(kind)]
    texts = [name for name, kind in kinds.items() if types.is_string(kind)]
    key = episode_key or next((key for key in EPISODE_KEYS if key in whole + texts), None)
    order_key = next((item for item in ORDER_KEYS if item in whole and item != key), None)
    with damage_named(table.where):
        ids = np.zeros(table.count, np.int64)
        if key is not None:
            ids = table.column(key).dictionary_encode().indices.fill_null(-1).to_numpy()
        order = np.arange(table.count) if order_key is None else table.integers(order_key)
    rows = np.lexsort((order, ids))
    episodes = np.split(rows, np.flatnonzero(np.diff(ids[rows])) + 1)
    notes = () if key else ("no column says where episodes start: one recording",)
    if any((np.diff(part) <= 0).any() for part in episodes):
        notes += ("rows out of order: slow to read, sort the table first",)
    return table, episodes, notes


def _rows(source: Source, options: ReadOptions) -> tuple[Table, np.ndarray]:
    table, episodes, _ = _episodes(source.path, options)
    if source.number >= len(episodes):
        raise ValueError(f"{source.path} has changed since its episodes were listed")
    return table, episodes[source.number]


def _files(path: Path) -> list[Path]:
    """The parquet files of a folder itself, or the file."""
    if not path.is_dir():
        return [path]
    found = (item for item in path.iterdir() if item.suffix == ".parquet" and item.is_file())
    return sorted((item for item in found if item.name[0] != "."), key=lambda x: natural(x.name))
