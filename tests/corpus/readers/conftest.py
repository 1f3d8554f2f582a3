"""Reading a video file at once."""

from types import SimpleNamespace

import numpy as np
import pytest

from corpus.readers.base import ReadOptions, Source
from corpus.readers.ffmpeg.decoding import probe
from corpus.readers.layout import Shaping
from corpus.readers.read import read_frames

SIZE = (16, 24)


def frames(path, size=SIZE, fit="crop", fps=None):
    """Read what the header alone describes, as the quick pass would refuse a bad file first."""
    facts = probe(path)
    source = Source(
        name=path.name,
        path=path,
        reader="video",
        height=facts.height,
        width=facts.width,
        fps=facts.fps,
        frames=facts.frames,
    )
    return read_frames(source, ReadOptions(), Shaping(size=size, fit=fit), fps)


def read(path, size=SIZE, **options):
    return np.stack(list(frames(path, size, **options)))


@pytest.fixture
def videos():
    """The helpers of this file, as attributes; test files cannot import each other."""
    return SimpleNamespace(frames=frames, read=read)
