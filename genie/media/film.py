"""The film of `--record`, written while play goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from genie.media.recording import Recording


@contextmanager
def film(path: Path | None, fps: float) -> Iterator[Callable[[np.ndarray], None] | None]:
    """Yield a function that takes each frame, or None without a path.

    The file appears when the body ends without an error, or with Ctrl-C.
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
        else:
            recording.discard()
        raise
    except BaseException:
        recording.discard()
        raise
    if recording.num_frames:
        print(f"recorded {recording.finish()}: {recording.num_frames} frames")
    else:
        print(f"no frame was drawn, so {path} was not written")
