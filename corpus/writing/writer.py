"""The only code that writes a corpus: append-only, committed per episode, resumable, atomic.

An episode is committed in this order: its frames, its actions, its line in ``episodes.jsonl``, its
end in ``episode_ends``. The last is the commit mark: whatever lies behind it was left by an
interruption and is dropped when the writing goes on. Everything happens in ``DIR.partial``, which
gets its name when it is complete.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from pathlib import Path

import numpy as np
import zarr
from zarr.codecs import ZstdCodec

from corpus.digest import EpisodeDigest, fingerprint
from corpus.store import FRAMES_PER_CHUNK, NO_ACTION, PROVENANCE_FILE, CorpusCard
from corpus.writing.chunks import ChunkWriter, MarkWriter
from corpus.writing.recovery import recover, refuse_other_options

ZSTD_LEVEL = 9  # measured: level 9 halves level 1 on pixel art and still outruns the readers
FOOTAGE_LEVEL = 2  # a video's noise hardly compresses: 4 % more than at level 3, in half the time
MARKS_PER_CHUNK = 16384
ACTION_TYPE = np.int16


def partial_path(out: str | Path) -> Path:
    """The folder in which the corpus ``out`` is built: ``out`` with ``.partial`` behind it."""
    out = Path(out)
    return out.with_name(out.name + ".partial")


class CorpusWriter:
    """Writes one corpus. Make one with ``create`` or ``resume``; end it with ``finish``.

    Args:
        out: the folder that the finished corpus will have.
        group: the open zarr group in ``partial_path(out)``.
        records: provenance of the episodes that are committed already.
    """

    def __init__(self, out: Path, group: zarr.Group, records: list[dict]) -> None:
        """Go on behind the last commit mark; see the class."""
        self.out = out
        self.records = records
        self._group = group
        self._frames = group["frames"]
        self._chunks = ChunkWriter(self._frames, partial_path(out) / "frames")
        self._ends = group["episode_ends"]
        self._marks = MarkWriter(self._ends, partial_path(out) / "episode_ends")
        self._actions = group.get("actions", None)
        self._committed = int(self._ends[-1]) if self._ends.shape[0] else 0
        stored = self._committed // FRAMES_PER_CHUNK * FRAMES_PER_CHUNK
        self._stored = stored  # frames in whole chunks on disk
        self._tail = np.asarray(self._frames[stored : self._committed])
        self._digest = EpisodeDigest()

    @property
    def num_frames(self) -> int:
        """How many frames are committed."""
        return self._committed

    @property
    def committed_frames(self) -> zarr.Array:
        """The frames of the committed episodes, one behind the other; uint8 (n, H, W, 3)."""
        return self._frames

    @property
    def fps(self) -> float:
        """Frames per second."""
        return float(self._group.attrs["fps"])

    @property
    def digest(self) -> str:
        """SHA-256 hex of the open episode's frames so far."""
        return self._digest.hexdigest()

    @classmethod
    def create(
        cls,
        out: str | Path,
        size: tuple[int, int],
        card: CorpusCard,
        with_actions: bool,
        level: int = ZSTD_LEVEL,
    ) -> CorpusWriter:
        """Start a new corpus.

        Args:
            out: the folder that the finished corpus will have; must not exist.
            size: (H, W) of the frames in pixels, each at least 1.
            card: frame rate, source, licence, options; no fingerprint yet.
            with_actions: whether true actions are stored, too.
            level: how hard zstd compresses frames, 1 to 22.

        Raises:
            FileExistsError: ``out`` or its partial folder exists.
            ValueError: the size is not positive.
        """
        out = Path(out)
        partial = partial_path(out)
        refuse_existing(out)
        if partial.exists():
            raise FileExistsError(
                f"{partial} is left from an interrupted run: go on with --resume, or delete it"
            )
        height, width = size
        if height < 1 or width < 1:
            raise ValueError(f"a frame needs at least 1x1 pixels, not {height}x{width}")
        partial.mkdir(parents=True)
        group = zarr.create_group(partial, zarr_format=3, attributes=card.to_attributes())
        chunk = (FRAMES_PER_CHUNK, height, width, 3)
        _create(group, "frames", (0, height, width, 3), chunk, np.uint8, level)
        _create(group, "episode_ends", (0,), (MARKS_PER_CHUNK,), np.int64)
        if with_actions:
            _create(group, "actions", (0,), (MARKS_PER_CHUNK,), ACTION_TYPE)
        (partial / PROVENANCE_FILE).touch()
        return cls(out, group, [])

    @classmethod
    def resume(
        cls,
        out: str | Path,
        size: tuple[int, int],
        card: CorpusCard,
        with_actions: bool,
        level: int = ZSTD_LEVEL,
    ) -> CorpusWriter:
        """Go on with an interrupted corpus, or start it if nothing is there yet.

        The arguments are those of ``create`` and must be what the corpus was begun with; only the
        source may differ.

        Raises:
            FileExistsError: ``out`` is finished already.
            ValueError: the interrupted corpus was made with other options, or is damaged.
        """
        out = Path(out)
        partial = partial_path(out)
        refuse_existing(out)
        if not (partial / PROVENANCE_FILE).is_file():
            shutil.rmtree(partial, ignore_errors=True)  # interrupted before it was set up
            return cls.create(out, size, card, with_actions, level)
        try:
            group = zarr.open_group(partial, mode="r+", use_consolidated=False)
            old = CorpusCard.from_attributes(dict(group.attrs))
            old_size, old_actions = tuple(group["frames"].shape[1:3]), "actions" in group
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(f"{partial} cannot be resumed ({reason}): delete it") from error
        refuse_other_options(partial, old, dataclasses.replace(card, fingerprint=old.fingerprint))
        if old_size != tuple(size) or old_actions != with_actions:
            raise ValueError(
                f"{partial} was begun at {old_size[0]}x{old_size[1]} "
                f"{'with' if old_actions else 'without'} actions: give the same, or delete it"
            )
        group.attrs["source"] = card.source  # the list of videos may have changed behind the marks
        return cls(out, group, recover(partial, group))

    def add(self, frames: np.ndarray) -> None:
        """Append frames to the episode that is open.

        Args:
            frames: uint8 (n, H, W, 3), RGB 0-255.

        Raises:
            OSError: the disk is full or fails; what is committed stays.
        """
        expected = self._frames.shape[1:]
        if frames.dtype != np.uint8 or frames.shape[1:] != expected:
            raise ValueError(
                f"frames of {frames.dtype} {frames.shape[1:]} given to a corpus of uint8 {expected}"
            )
        self._digest.add(frames)
        frames = np.concatenate((self._tail, frames))
        whole = len(frames) // FRAMES_PER_CHUNK * FRAMES_PER_CHUNK
        if whole:
            self._store(frames[:whole])
            self._stored += whole
        self._tail = frames[whole:].copy()  # a copy, or the whole episode would stay in memory

    def end_episode(self, record: dict, actions: np.ndarray | None = None) -> None:
        """Close the open episode and commit it.

        Args:
            record: provenance (json values); ``frames`` and ``digest`` are added to it.
            actions: integers (n - 1,) for an episode of n frames, if the corpus stores actions.

        Raises:
            ValueError: the episode is shorter than 2 frames, or the actions do not fit it.
            OSError: the disk is full or fails; what was committed before stays.
        """
        total = self._stored + len(self._tail)
        length = total - self._committed
        if length < 2:
            raise ValueError(f"an episode needs at least 2 frames, not {length}")
        if len(self._tail):
            self._store(self._tail)
        if self._actions is not None:
            self._store_actions(actions, length)
        stamp = {"frames": length, "digest": self.digest}
        record = {"episode": len(self.records), **record, **stamp}
        with (partial_path(self.out) / PROVENANCE_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._marks.add(total)
        self.records.append(record)
        self._committed = total
        self._digest = EpisodeDigest()

    def finish(self) -> Path:
        """Stamp the fingerprint, give the corpus its name, and return its folder.

        Raises:
            ValueError: no episode was written.
        """
        if not self.records:
            raise ValueError(f"nothing to write: {self.out} would hold no episode")
        self._resize(self._frames, self._committed)
        self._resize(self._ends, len(self.records))
        self._group.attrs["fingerprint"] = fingerprint([r["digest"] for r in self.records])
        refuse_existing(self.out)
        os.rename(partial_path(self.out), self.out)
        return self.out

    def discard_if_empty(self) -> None:
        """Remove the partial folder if no episode is committed: nothing in it is worth keeping."""
        if not self.records:
            shutil.rmtree(partial_path(self.out), ignore_errors=True)

    def _store(self, frames: np.ndarray) -> None:
        """Write frames behind the whole chunks on disk.

        Only whole chunks are written, the last one filled up with zeros, so that an interruption
        leaves no trace in the bytes of the finished corpus. The array is longer than what is in it
        until the end, because zarr takes time in proportion to all chunks for each cut.
        """
        padding = -len(frames) % FRAMES_PER_CHUNK
        if padding:
            frames = np.pad(frames, ((0, padding), (0, 0), (0, 0), (0, 0)))
        stop = self._stored + len(frames)
        if stop > self._frames.shape[0]:  # a quarter more, as each change of the length is a write
            self._resize(self._frames, stop + stop // 4)
        self._chunks.write(self._stored // FRAMES_PER_CHUNK, frames)

    def _store_actions(self, actions: np.ndarray | None, length: int) -> None:
        """Write the actions of the open episode and the mark at its last frame."""
        if actions is None or len(actions) != length - 1:
            got = "none" if actions is None else str(len(actions))
            raise ValueError(f"an episode of {length} frames needs {length - 1} actions, not {got}")
        limits = np.iinfo(ACTION_TYPE)
        if length > 1 and not (np.min(actions) >= NO_ACTION and np.max(actions) <= limits.max):
            raise ValueError(f"actions must lie in 0 to {limits.max}, or be {NO_ACTION}: unknown")
        self._resize(self._actions, self._committed + length)
        row = np.append(actions, NO_ACTION).astype(ACTION_TYPE)
        self._actions[self._committed :] = row

    @staticmethod
    def _resize(array: zarr.Array, length: int) -> None:
        """Set the length of an array's first axis."""
        if array.shape[0] != length:
            array.resize((length, *array.shape[1:]))


def refuse_existing(out: Path) -> None:
    """Refuse an output that exists."""
    if out.exists():
        raise FileExistsError(f"{out} exists; a corpus is never written twice: give another --out")


def _create(
    group: zarr.Group,
    name: str,
    shape: tuple,
    chunks: tuple,
    dtype: type,
    level: int = ZSTD_LEVEL,
) -> None:
    """Create one empty array of the corpus."""
    group.create_array(
        name,
        shape=shape,
        chunks=chunks,
        dtype=dtype,
        compressors=ZstdCodec(level=level),
        fill_value=0,
        # one flat folder per array: a chunk costs one file, not a chain of folders
        chunk_key_encoding={"name": "default", "separator": "."},
    )
