"""Films that are written while play goes on, as `--record` asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from genie.media.recording import Recording


@contextmanager
def film(path: Path | None, fps: float) -> Iterator[Callable[[np.ndarray], None] | None]:
    """Yield what takes the frames; the file appears when the body ends without an error.

    Args:
        path: of the film; None yields None.
        fps: frames per second.
    """
    if path is None:
        yield None
        return
    recording = Recording(path, fps)
    try:
        yield recording.add
    except KeyboardInterrupt:
        if recording.num_frames:
            recording.finish()  # what was played so far is worth keeping
        raise
    except BaseException:
        recording.discard()
        raise
    if recording.num_frames:
        print(f"recorded {recording.finish()}: {recording.num_frames} frames")
    else:
        print(f"no frame was drawn, so {path} was not written")
