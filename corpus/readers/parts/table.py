"""Parquet files as one table, of which cells are read in constant memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from corpus.readers.parts.values import needs_extra, said
from corpus.readers.pictures import decode_picture

ROWS_AT_ONCE = 16


class Table:
    """Parquet files as one table.

    Args:
        files: with the same columns.
        where: what messages call it.
    """

    def __init__(self, files: Sequence[Path], where: object) -> None:
        """Read the footers; see the class."""
        if not files:
            raise ValueError(f"{where} holds no parquet file")
        self.files, self.where = list(files), where
        starts = [0]
        for file in self.files:
            with _opened(file) as opened:
                starts.append(starts[-1] + opened.metadata.num_rows)
                schema = opened.schema_arrow
            if len(starts) == 2:
                self.schema = schema
            elif schema.names != self.schema.names:
                raise ValueError(f"{file} has other columns than {self.files[0]}")
        self.starts = starts
        self.count = starts[-1]
        if not self.count:
            raise ValueError(f"{where} is a table without rows")

    def column(self, key: str) -> Any:
        """A whole column of small values as an Arrow array."""
        import pyarrow

        parts = []
        for file in self.files:
            with _opened(file) as opened:
                parts += opened.read(columns=[key]).column(key).chunks
        with damage_named(self.where):
            return pyarrow.chunked_array(parts).combine_chunks()

    def integers(self, key: str) -> np.ndarray:
        """A column of integers, or of lists of one: int64 (rows,), -1 where empty."""
        import pyarrow

        with damage_named(f"{self.where}:{key}"):
            values = self.column(key)
            if hasattr(values, "flatten") and not pyarrow.types.is_primitive(values.type):
                values = values.flatten()
            if len(values) != self.count:
                raise ValueError(f"{self.where}:{key} has not one integer in each row")
            values = values.cast("int8") if values.type == "bool" else values
            return values.cast("int64").fill_null(-1).to_numpy(zero_copy_only=False)

    def cells(self, key: str, rows: np.ndarray) -> Iterator[bytes]:
        """The bytes of the pictures in some rows, in that order.

        Rising rows are read in one pass; each fall begins another pass.
        """
        falls = np.flatnonzero(np.diff(rows) <= 0) + 1
        for run in np.split(np.asarray(rows), falls):
            yield from self._rising(key, run)

    def pictures(self, key: str, rows: np.ndarray) -> Iterator[np.ndarray]:
        """The decoded pictures of some rows, uint8 (h, w, 3); all must have one size."""
        shape = None
        for row, data in zip(rows, self.cells(key, rows), strict=True):
            picture = decode_picture(data, f"row {row} of {self.where}")
            if shape not in (None, picture.shape):
                raise ValueError(f"row {row} of {self.where} has another size than those before")
            shape = picture.shape
            yield picture

    def _rising(self, key: str, rows: np.ndarray) -> Iterator[bytes]:
        for file, (start, stop) in zip(self.files, pairwise(self.starts), strict=True):
            here = rows[(rows >= start) & (rows < stop)] - start
            if not len(here):
                continue
            with _opened(file) as opened:
                metadata, first = opened.metadata, 0
                for group in range(opened.num_row_groups):
                    last = first + metadata.row_group(group).num_rows
                    wanted = here[(here >= first) & (here < last)] - first
                    if len(wanted):
                        yield from self._of_group(opened, group, key, wanted)
                    first = last

    def _of_group(self, opened: Any, group: int, key: str, rows: np.ndarray) -> Iterator[bytes]:
        batches = opened.iter_batches(ROWS_AT_ONCE, row_groups=[group], columns=[key])
        first = 0
        for batch in batches:
            if first > rows[-1]:
                return
            for row in rows[(rows >= first) & (rows < first + len(batch))]:
                value = batch.column(0)[int(row) - first].as_py()
                value = value.get("bytes") if isinstance(value, dict) else value
                if not isinstance(value, bytes):
                    raise ValueError(
                        f"{self.where}:{key} has a row without a picture in it: files that are "
                        "named instead are not opened; store the bytes"
                    )
                yield value
            first += len(batch)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[Any]:
    with needs_extra(file):
        import pyarrow.parquet
    # A small buffer: without it, a row group of pictures is read as a whole.
    buffers = {"buffer_size": 1 << 20, "pre_buffer": False}
    with damage_named(file), pyarrow.parquet.ParquetFile(file, **buffers) as opened:
        yield opened


@contextlib.contextmanager
def damage_named(where: object) -> Iterator[None]:
    """Make one line that names the file of what Arrow says of a damaged one."""
    import pyarrow

    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"{where} is damaged or of another kind ({said(error)})") from None
