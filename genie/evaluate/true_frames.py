"""The true frames of an evaluation: a corpus, or videos that become one while it runs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from corpus.build import build_corpus
from corpus.sources import SAME_RATE, find_videos, inspect
from corpus.store import Corpus


@contextmanager
def open_true_frames(path: Path, size: tuple[int, int], fps: float) -> Iterator[Corpus]:
    """Open a corpus, or make one of a video or a folder of videos for as long as it is needed.

    Videos are cropped and scaled to the world's frames. Actions beside them (NAME.actions.npy) are
    taken along; such videos must have the world's frame rate, others are resampled to it.

    Args:
        path: folder of a corpus, a folder that holds videos, or a video.
        size: (H, W) of the world's frames.
        fps: of the world.

    Yields:
        The corpus.

    Raises:
        FileNotFoundError: there is nothing at `path`.
        ValueError: it is neither a corpus nor videos, or the videos do not fit.
    """
    if not _holds_videos(path):
        yield Corpus.open(path)
        return
    with tempfile.TemporaryDirectory(prefix="genie-evaluate-") as folder:
        # The report names the corpus after its folder.
        built = Path(folder) / (path.resolve().stem if path.is_file() else path.resolve().name)
        try:
            build_corpus([path], built, size, fps=_rate(path, fps))
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
        return bool(find_videos([path]))
    except ValueError:  # none: whoever opens it as a corpus says what is missing
        return False


def _rate(path: Path, fps: float) -> float | None:
    """Return the rate to resample to; None where all videos have the world's already."""
    sources = [inspect(name, file, drop_actions=False) for name, file in find_videos([path])]
    other = [item for item in sources if abs(float(item.facts.fps) / fps - 1) > SAME_RATE]
    if not other:
        return None
    for item in other:
        if item.actions is not None:
            raise ValueError(
                f"{item.facts.path} has {float(item.facts.fps):g} frames per second and the world "
                f"{fps:g}: resampled frames would not fit its true actions; record it at {fps:g}"
            )
    return fps
