"""The true frames of an evaluation: a corpus, or one that is built of videos meanwhile."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from corpus.build import BORDERS, KINDS, build_corpus
from corpus.building.agreement import SAME_RATE, check_rate
from corpus.readers.find import find_sources
from corpus.storage import is_remote
from corpus.store import Corpus


@contextmanager
def open_true_frames(path: str | Path, size: tuple[int, int], fps: float) -> Iterator[Corpus]:
    """Open a corpus, or build a temporary one of a video or a folder of videos.

    Nothing of the videos is left out. They are cropped and scaled to the world's frames and
    resampled to its rate. Those with actions beside them (NAME.actions.npy) must have that rate
    already.

    Args:
        path: folder or URL of a corpus, a folder that holds videos, or a video.
        size: (H, W) of the world's frames.
        fps: of the world.

    Raises:
        FileNotFoundError: there is nothing at `path`.
        ValueError: it is neither a corpus nor videos, or they do not fit.
    """
    if is_remote(path) or not _holds_videos(Path(path)):
        corpus = Corpus.open(path)
        check_rate(corpus, fps)
        yield corpus
        return
    path = Path(path)
    with tempfile.TemporaryDirectory(prefix="genie-evaluate-") as folder:
        # The report names the corpus after its folder.
        built = Path(folder) / (path.resolve().stem if path.is_file() else path.resolve().name)
        try:
            build_corpus([path], built, size, fps=_rate(path, fps), keep=[*KINDS, BORDERS])
        except ValueError as error:
            raise ValueError(
                f"{error} (or make a corpus with genie corpus build and evaluate on that)"
            ) from error
        yield Corpus.open(built)


def _holds_videos(path: Path) -> bool:
    if path.is_file():
        return True
    if not path.is_dir() or (path / "zarr.json").exists():
        return False
    try:
        return bool(find_sources([path]).sources)
    except ValueError:  # there are none; opening it as a corpus says what is missing
        return False


def _rate(path: Path, fps: float) -> float | None:
    """Return the rate to resample to; None where all videos have that of the world."""
    sources = find_sources([path]).sources
    other = [item for item in sources if abs(float(item.fps or fps) / fps - 1) > SAME_RATE]
    if not other:
        return None
    for item in other:
        if item.has_actions:
            raise ValueError(
                f"{item.path} has {float(item.fps):g} frames per second and the world "
                f"{fps:g}: resampled frames would not fit its true actions; record it at {fps:g}"
            )
    return fps


def check_there(path: str | Path) -> None:
    """Raise FileNotFoundError where there is no file or folder, before a world is loaded."""
    if not is_remote(path) and not Path(path).exists():
        raise FileNotFoundError(f"there is nothing at {path}: give a corpus, or a folder of videos")
