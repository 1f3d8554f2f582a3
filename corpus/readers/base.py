"""What a reader of recordings is: it lists what a file holds, and yields the pictures of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

Box = tuple[int, int, int, int]  # top, left, height, width; pixels of the picture as it is shown


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """One recording; a file may hold many.

    It travels to other processes and machines, so it holds plain values and no open file.

    Attributes:
        name: how the corpus calls it: the path below the folder that was given, and ``#NUMBER``
            behind it where one file holds many recordings.
        path: the file or folder that is read.
        reader: the name of its reader.
        number: which recording of the file it is, from 0.
        height: of the picture as it is shown, in pixels.
        width: of the picture as it is shown, in pixels.
        fps: frames per second, by the time stamps where there are some; None where the format does
            not say.
        frames: about how many there are, or 0 if nothing is known.
        has_actions: whether true actions are known.
        notes: what the user should know of it, such as "variable frame rate: 31 to 60 fps".
    """

    name: str
    path: Path
    reader: str
    number: int = 0
    height: int
    width: int
    fps: Fraction | None
    frames: int
    has_actions: bool = False
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What the user says of the files, for all readers; json values only.

    Attributes:
        frames_key: the column, array or camera that holds the pictures; None: the reader looks.
        actions_key: that of the true actions.
        episode_key: that which tells the episodes of a table apart.
        fps: frames per second of formats that do not say it.
        drop_actions: leave true actions out.
        actions_map: the mapping of true actions, see `sidecar`; empty: none.
        threads: that decode one video; 0: as many as there are cores. Pictures do not depend on it.
    """

    frames_key: str | None = None
    actions_key: str | None = None
    episode_key: str | None = None
    fps: float | None = None
    drop_actions: bool = False
    actions_map: dict[str, Any] = dataclasses.field(default_factory=dict)
    threads: int = 0


class Reader(Protocol):
    """Reads one format. Import its libraries inside the methods: they are extras."""

    name: ClassVar[str]
    takes_subfolders: ClassVar[bool]  # all below a folder that matches belongs to it

    def matches(self, path: Path) -> bool:
        """Whether a file or folder looks like one of this format; opens little and never fails."""

    def sources(self, path: Path, name: str, options: ReadOptions) -> list[Source]:
        """List the recordings of a file or folder, by its headers alone.

        Raises:
            ValueError: it cannot be read; one line that names the file and what to do.
            ModuleNotFoundError: a library is missing; the line names the extra.
        """

    def pictures(
        self, source: Source, options: ReadOptions
    ) -> Iterator[tuple[Fraction, np.ndarray | object]]:
        """Yield (seconds, picture), times rising: uint8 (h, w, 3) RGB, or a ``VideoPicture``.

        Raises:
            ValueError: the file is damaged or cut short.
        """

    def actions(self, source: Source, options: ReadOptions) -> np.ndarray | None:
        """Return the true actions, integers (frames - 1,), -1 where unknown; None without any."""
