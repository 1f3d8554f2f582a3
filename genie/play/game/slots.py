"""Saved states: numbered slots, each a small session log and a thumbnail."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genie.library.user_paths import safe_name, saves_folder
from genie.media.charts import save_png
from genie.media.pictures import read_picture
from genie.session.format import SUFFIX
from genie.session.log import Session

SLOTS = 6


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One numbered place for a state."""

    number: int  # 1 to 6
    path: Path  # of its log
    thumbnail: np.ndarray | None = None  # uint8 (H, W, 3), or None if the slot is empty
    label: str = ""  # when it was saved


class Slots:
    """The slots of one world. A state is the line that leads to it, so it can be replayed."""

    def __init__(self, folder: Path) -> None:
        """Take the folder where they lie; it is made with the first save."""
        self.folder = folder

    @classmethod
    def of(cls, name: str, fingerprint: str) -> Slots:
        """Return the slots of a world in the user's folder."""
        return cls(saves_folder() / f"{safe_name(name)}-{fingerprint[:12]}")

    def save(self, number: int, session: Session, head: int, frame: np.ndarray) -> Path:
        """Save the state at a record, with its frame as the thumbnail; returns the log's path."""
        from PIL import Image

        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(number)
        session.cut(head).write(path)
        save_png(Image.fromarray(frame), path.with_suffix(".png"))
        return path

    def load(self, number: int) -> Session:
        """Read a saved state: a session of one line.

        Raises:
            FileNotFoundError: if the slot is empty.
            ValueError: if the file is damaged.
        """
        path = self._path(number)
        if not path.is_file():
            raise FileNotFoundError(f"slot {number} is empty: F5 saves")
        session = Session.read(path)
        if not len(session):
            raise ValueError(f"{path} holds no frame: save again")
        return session

    def all(self) -> list[Slot]:
        """Return every slot with its thumbnail."""
        return [self._describe(number) for number in range(1, SLOTS + 1)]

    def _path(self, number: int) -> Path:
        return self.folder / f"slot-{number}{SUFFIX}"

    def _describe(self, number: int) -> Slot:
        path = self._path(number)
        try:
            stamp = time.localtime(path.stat().st_mtime)
            thumbnail = read_picture(path.with_suffix(".png"))
        except (ValueError, OSError):
            return Slot(number=number, path=path)
        label = time.strftime("%d.%m. %H:%M", stamp)
        return Slot(number=number, path=path, thumbnail=thumbnail, label=label)
