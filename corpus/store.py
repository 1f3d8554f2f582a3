"""The corpus as it is read: one zarr group of frames, where the episodes end, and its card.

On disk a corpus is a folder::

    DIR/zarr.json          the group; its attributes are the card (``CorpusCard``)
    DIR/frames             uint8 (N, H, W, 3), zstd, chunks of 32 frames
    DIR/episode_ends       int64 (E,), the exclusive end of each episode; rises strictly
    DIR/actions            int16 (N,), optional, true actions, -1 unknown; for evaluation only
    DIR/sources.jsonl      optional, one line per recording of a build: what became of it
    DIR/dropped            optional, a picture of each stretch that a build dropped
    DIR/episodes.jsonl     one line per episode: where it came from, its digest
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import zarr

from corpus.storage import location
from corpus.whole_file import read_lines

FORMAT_VERSION = 1
FRAMES_PER_CHUNK = 32
PIECE = 8 * FRAMES_PER_CHUNK
NO_ACTION = -1
MAX_SIDE = 4096  # pixels; a larger frame or more episodes would take the memory before any check
MAX_EPISODES = 10_000_000
PROVENANCE_FILE = "episodes.jsonl"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CorpusCard:
    """What the attributes of a corpus say about it.

    Attributes:
        fps: frames per second at which the frames were taken, above 0.
        source: where the frames came from, for people.
        licence: the licence of the footage, for people.
        options: how the corpus was made; json values only.
        fingerprint: SHA-256 hex over the episode digests, or "" while the corpus is being written.
        format: version of the format on disk.
    """

    fps: float
    source: str
    licence: str
    options: dict
    fingerprint: str = ""
    format: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        """Refuse a card that no corpus can have."""
        for field in ("source", "licence", "fingerprint"):
            if not isinstance(getattr(self, field), str):
                raise ValueError(f"{field} is {getattr(self, field)!r}, not a text")
        if not isinstance(self.options, dict):
            raise ValueError(f"options are {self.options!r}, not names with values")
        if type(self.fps) not in (int, float) or not 0 < self.fps < float("inf"):
            raise ValueError(f"a corpus needs a frame rate above 0, not {self.fps}")
        if self.format != FORMAT_VERSION:
            raise ValueError(
                f"this corpus has format {self.format}; this program reads format "
                f"{FORMAT_VERSION}: update the program, or build the corpus again"
            )

    def to_attributes(self) -> dict:
        """The card as zarr attributes: a flat dict of json values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_attributes(cls, attributes: dict) -> CorpusCard:
        """Read back what ``to_attributes`` returned.

        Raises:
            ValueError: a field is missing or has a value that no corpus can have.
        """
        missing = [f.name for f in dataclasses.fields(cls) if f.name not in attributes]
        if missing:
            raise ValueError(f"the attributes lack {', '.join(missing)}")
        return cls(**{f.name: attributes[f.name] for f in dataclasses.fields(cls)})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Corpus:
    """A finished corpus, open for reading. Make one with ``Corpus.open``.

    Attributes:
        path: the folder, or a ``UPath`` on object storage.
        card: frame rate, source, licence, options, fingerprint.
        frames: zarr array, uint8 (N, H, W, 3), RGB 0-255; slices read from disk.
        episode_ends: int64 (E,), exclusive end of each episode, rising strictly to N.
    """

    path: Path
    card: CorpusCard
    frames: zarr.Array
    episode_ends: np.ndarray

    @classmethod
    def open(cls, path: str | Path) -> Corpus:
        """Open a finished corpus. No frame is read yet, and the true actions stay closed.

        Args:
            path: a folder that ``genie corpus`` made, or the URL of one on object storage.

        Raises:
            FileNotFoundError: there is no such folder.
            ValueError: the folder is not a corpus, is unfinished, damaged, or of a newer format.
        """
        path = location(path)
        if not path.is_dir():
            raise FileNotFoundError(
                f"no corpus at {path}: make one with genie corpus build or genie corpus record"
            )
        if not (path / "zarr.json").is_file():
            raise ValueError(
                f"{path} is not a corpus: it holds no zarr.json; "
                "make one with genie corpus build VIDEO --out DIR --size HxW"
            )
        try:
            group = zarr.open_group(str(path), mode="r", use_consolidated=False)
            card = CorpusCard.from_attributes(dict(group.attrs))
            frames, ends = group["frames"], group["episode_ends"]
            if ends.size > MAX_EPISODES:
                raise ValueError(f"it claims {ends.size} episodes")
            ends = np.asarray(ends[:], np.int64)
        except Exception as error:  # zarr raises many kinds; the user needs one line
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(f"{path} is not a readable corpus: {reason}") from error
        _check_layout(path, card, frames, ends)
        ends.setflags(write=False)
        return cls(path=path, card=card, frames=frames, episode_ends=ends)

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.card.fps

    @property
    def source(self) -> str:
        """Where the frames came from."""
        return self.card.source

    @property
    def licence(self) -> str:
        """The licence of the footage."""
        return self.card.licence

    @property
    def fingerprint(self) -> str:
        """SHA-256 hex over the episode digests."""
        return self.card.fingerprint

    @property
    def action_labels(self) -> dict[str, int] | None:
        """The numbers of true actions that were words, such as keys; None if they were numbers."""
        return self.card.options.get("action_labels")

    def labels_option(self) -> dict[str, dict[str, int]]:
        """Return what the options of another card say of them; nothing if there are none."""
        return {} if self.action_labels is None else {"action_labels": self.action_labels}

    @property
    def height(self) -> int:
        """Height of a frame in pixels."""
        return int(self.frames.shape[1])

    @property
    def width(self) -> int:
        """Width of a frame in pixels."""
        return int(self.frames.shape[2])

    @property
    def num_frames(self) -> int:
        """How many frames all episodes have together."""
        return int(self.frames.shape[0])

    @property
    def num_episodes(self) -> int:
        """How many episodes there are."""
        return len(self.episode_ends)

    @cached_property
    def provenance(self) -> list[dict]:
        """One dict per episode: file or level, frames, digest."""
        lines = read_lines(self.path / PROVENANCE_FILE)
        return [json.loads(line) for line in lines if line]

    def episode(self, index: int) -> tuple[int, int]:
        """Return ``(start, stop)`` of one episode: its frames are ``frames[start:stop]``.

        Raises:
            ValueError: there is no such episode.
        """
        if not 0 <= index < self.num_episodes:
            raise ValueError(
                f"episode {index} asked of a corpus with {self.num_episodes} episodes: "
                f"give 0 to {self.num_episodes - 1}"
            )
        start = int(self.episode_ends[index - 1]) if index else 0
        return start, int(self.episode_ends[index])

    def read(self, start: int, stop: int) -> np.ndarray:
        """Read consecutive frames, over episode ends if the range crosses them.

        Returns:
            uint8 (stop - start, H, W, 3), RGB 0-255.

        Raises:
            ValueError: the range does not lie inside the corpus, or its chunks are damaged.
        """
        if not 0 <= start <= stop <= self.num_frames:
            raise ValueError(
                f"frames {start}:{stop} asked of a corpus with {self.num_frames} frames"
            )
        try:
            return np.asarray(self.frames[start:stop])
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(
                f"frames {start}:{stop} of {self.path} cannot be read ({reason}): "
                "the corpus is damaged, build it again"
            ) from error

    @property
    def has_true_actions(self) -> bool:
        """Whether true actions are stored; the array stays closed."""
        return (self.path / "actions").is_dir()

    def pieces(self, index: int) -> Iterator[np.ndarray]:
        """Read one episode a few chunks at a time, so that a long one need not fit the memory."""
        start, stop = self.episode(index)
        for first in range(start, stop, PIECE):
            yield self.read(first, min(first + PIECE, stop))

    def true_actions(self) -> np.ndarray:
        """The actions that were really taken. For evaluation only: nothing that trains calls this.

        Returns:
            int64 (N,): entry t leads from frame t to t+1; -1 where it is not known, and at the
            last frame of each episode.

        Raises:
            ValueError: the corpus holds none.
        """
        group = zarr.open_group(str(self.path), mode="r", use_consolidated=False)
        if "actions" not in group:
            raise ValueError(
                f"{self.path} holds no true actions: build it from videos with NAME.actions.npy "
                "beside them, or record it"
            )
        return np.asarray(group["actions"][:], np.int64)


def _check_layout(path: Path, card: CorpusCard, frames: zarr.Array, ends: np.ndarray) -> None:
    """Refuse a corpus whose parts contradict each other."""
    if not card.fingerprint:
        raise ValueError(f"{path} is an unfinished corpus: finish it with --resume")
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8:
        raise ValueError(
            f"{path} is damaged: its frames are {frames.dtype} {frames.shape}, "
            "not uint8 (N, H, W, 3)"
        )
    height, width = frames.shape[1:3]
    chunk = (FRAMES_PER_CHUNK, height, width, 3)
    if not 1 <= min(height, width) <= max(height, width) <= MAX_SIDE or frames.chunks != chunk:
        raise ValueError(
            f"{path} is damaged: its frames are {height}x{width} in chunks of {frames.chunks}; "
            f"allowed are 1 to {MAX_SIDE} pixels in chunks of {FRAMES_PER_CHUNK} frames"
        )
    rising = len(ends) > 0 and bool(np.all(np.diff(ends, prepend=0) > 0))
    if not rising or ends[-1] != frames.shape[0]:
        raise ValueError(
            f"{path} is damaged: its episode ends do not rise to its {frames.shape[0]} frames"
        )
