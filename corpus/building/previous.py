"""A finished corpus that is brought up to date: what did not change is taken over as it is."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from corpus.building.dropped import read_dropped
from corpus.building.source_records import SourceRecord, read_records
from corpus.curation.options import Stretch
from corpus.lock import Lock
from corpus.store import Corpus, CorpusCard
from corpus.verify import refuse_other_frames, stored_digests
from corpus.writing.recovery import refuse_other_options

COPY_OF = "duplicate of "  # the beginning of a reason that names another recording


class Kept:
    """The kept stretches of one recording, where they lie one behind the other.

    Attributes:
        stop: one behind the last of its frames in the array.
    """

    def __init__(
        self,
        frames: Callable[[int, int], np.ndarray],
        stretches: Sequence[Stretch],
        start: int,
    ) -> None:
        """Take what reads the array, the kept stretches in order, and where the first begins."""
        self._frames, self._places = frames, []
        for stretch in stretches:
            self._places.append((stretch.start, stretch.stop, start))
            start += stretch.stop - stretch.start
        self.stop = start

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return frames of the recording that lie in one kept stretch: uint8 (n, H, W, 3)."""
        place = self.place(start)
        return self._frames(place, place + stop - start)

    def place(self, start: int) -> int:
        """Where a frame of a kept stretch lies in the array."""
        return next(at + start - first for first, last, at in self._places if first <= start < last)


class Previous:
    """What a finished corpus has of the recordings that are built again.

    Attributes:
        path: its folder.
        target: where the new corpus is built before it takes the old one's place.
    """

    def __init__(self, corpus: Corpus) -> None:
        """Take a finished corpus; see ``open``."""
        self._corpus, self.path = corpus, corpus.path
        self.target = _target(corpus.path)
        self._records = read_records(corpus.path)
        self._starts: dict[str, int] = {}
        start = 0
        for record in self._records:
            self._starts[record.file] = start
            start += sum(stretch.stop - stretch.start for stretch in record.kept)
        if start != corpus.num_frames:
            raise ValueError(
                f"{corpus.path} does not say what became of its recordings: only what genie corpus "
                "build made can be updated; build it again"
            )
        stored_digests(corpus)
        self._unchanged: set[str] = set()

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of its frames."""
        return self._corpus.height, self._corpus.width

    @classmethod
    @contextlib.contextmanager
    def open(cls, out: Path) -> Iterator[Previous | None]:
        """Open the corpus at ``out`` and keep others from changing it; None if there is none yet.

        Raises:
            LockedError: another program makes or updates it.
            ValueError: it is damaged, or was not made by a build.
        """
        target = _target(out)
        if not out.exists() and not target.exists():
            yield None
            return
        with Lock(out):
            if target.exists():  # the last update ended before its last rename
                _replace(target, out)
            shutil.rmtree(_replaced(out), ignore_errors=True)  # or before it was tidied up
            yield cls(Corpus.open(out))

    def refuse_loss(self, source: str, names: Collection[str]) -> None:
        """Refuse to remove recordings of inputs that are not given; those that left a folder go.

        Args:
            source: the names of the inputs, as the new card has them.
            names: of the recordings that are given.

        Raises:
            ValueError: an input is not given, and recordings with it.
        """
        absent = Counter(self._corpus.source.split(", ")) - Counter(source.split(", "))
        lost = [item.file for item in self._records if item.stretches and item.file not in names]
        if absent and lost:
            more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
            raise ValueError(
                f"{self._corpus.path} was built of {', '.join(absent)}, which is not given: the "
                f"update would remove {lost[0]}{more}. Name all inputs, old and new, or give "
                "another --out"
            )

    def compare(
        self,
        card: CorpusCard,
        with_actions: bool,
        stamps: Mapping[str, str],
        settled: Callable[[SourceRecord], bool],
    ) -> None:
        """Find out what did not change.

        Args:
            card: of the new corpus.
            with_actions: whether it has true actions.
            stamps: of the recordings that are given, by name.
            settled: whether a record is what it would be decided now.

        Raises:
            ValueError: the corpus was built with other options.
        """
        old = self._corpus
        refuse_other_options(
            old.path,
            old.card,
            CorpusCard(**{**card.to_attributes(), "fingerprint": old.fingerprint}),
        )
        if old.has_true_actions != with_actions:
            has, have = ("has", "have none") if old.has_true_actions else ("has no", "have")
            raise ValueError(
                f"{old.path} {has} true actions, the recordings {have}: build it again"
            )
        same = {
            record.file
            for record in self._records  # what was left out is tried again
            if record.stretches and stamps.get(record.file) == record.stamp and settled(record)
        }
        changing = True
        while changing:  # what was left out as a copy is needed where its original is gone
            stale = {record.file for record in self._records if not _originals(record) <= same}
            changing, same = bool(stale & same), same - stale
        self._unchanged = same

    @property
    def action_labels(self) -> dict[str, int] | None:
        """The numbers of actions that are words in the files; None if they are numbers there."""
        return self._corpus.action_labels

    @property
    def names(self) -> set[str]:
        """The recordings that it was built of."""
        return {record.file for record in self._records}

    def has(self, name: str) -> bool:
        """Whether a recording can be taken over."""
        return name in self._unchanged

    def take(self, name: str) -> tuple[SourceRecord, Kept, np.ndarray | None]:
        """Return a recording's record, its kept frames, and its true actions, integers (N - 1,)."""
        record = next(record for record in self._records if record.file == name)
        kept = Kept(self._corpus.read, record.kept, self._starts[name])
        return record, kept, self._actions(record, kept)

    def check(self, place: int, digest: str) -> None:
        """Refuse the episode whose frames begin at a place, if these do not have its digest."""
        episode = int(np.searchsorted(self._corpus.episode_ends, place, side="right"))
        refuse_other_frames(self._corpus, episode, digest)

    def dropped(self, record: SourceRecord, number: int) -> np.ndarray | None:
        """Return the picture of the dropped stretch in which a frame lies: uint8 (H, W, 3)."""
        for stretch in record.decided():
            if stretch.start <= number < stretch.stop:
                return read_dropped(self._corpus.path, record.file, stretch.start)
        return None

    def replace(self) -> Path:
        """Give the new corpus the name of the old one, which is removed; return its folder."""
        _replace(self.target, self._corpus.path)
        return self._corpus.path

    def _actions(self, record: SourceRecord, kept: Kept) -> np.ndarray | None:
        if not self._corpus.has_true_actions or not record.stretches:
            return None
        stored = self._corpus.true_actions()
        actions = np.zeros(record.stretches[-1][1] - 1, np.int64)
        for stretch in record.kept:
            place, count = kept.place(stretch.start), stretch.stop - stretch.start - 1
            actions[stretch.start : stretch.start + count] = stored[place : place + count]
        return actions


def _target(out: Path) -> Path:
    """Hidden, so that it is no folder of the user's."""
    return out.with_name(f".{out.name}.updating")


def _replaced(out: Path) -> Path:
    return out.with_name(f".{out.name}.replaced")


def _replace(new: Path, out: Path) -> None:
    """Put a corpus in another's place; ended in between, the next update ends it."""
    old = _replaced(out)
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        os.rename(out, old)
    os.rename(new, out)
    shutil.rmtree(old, ignore_errors=True)


def _originals(record: SourceRecord) -> set[str]:
    """The recordings of which this one holds copies that were dropped."""
    reasons = [str(stretch[3]) for stretch in record.stretches]
    copies = [reason for reason in reasons if reason.startswith(COPY_OF)]
    return {reason.removeprefix(COPY_OF).rpartition(" at ")[0] for reason in copies}
