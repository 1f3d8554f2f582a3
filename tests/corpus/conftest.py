"""Tiny videos and corpora, drawn by the tests themselves."""

from pathlib import Path

import numpy as np
import pytest

from corpus.store import CorpusCard
from corpus.writing.writer import CorpusWriter

LOSSLESS = ("libx264rgb", "rgb24", {"qp": "0"})


def noise(count, height=16, width=24, seed=0):
    """Random frames: no two are alike, so that a frame out of place is seen."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def write_video(path, frames, fps=15, codec=LOSSLESS, options=None, pts=None, rotate=None):
    """Encode uint8 (T, H, W, 3); lossless unless another codec is given."""
    import av

    name, pix_fmt, settings = codec
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=options or {}) as out:
        stream = out.add_stream(name, rate=fps, options=settings)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        if rotate is not None:
            stream.set_display_rotation(rotate)
        for number, rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            if pts is not None:
                frame.pts = pts[number]
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def make_card(**changes):
    """A card with nothing special on it."""
    values = {"fps": 15.0, "source": "test", "licence": "none", "options": {}}
    return CorpusCard(**{**values, **changes})


def make_corpus(path, lengths, height=8, width=12, actions=None, seed=0):
    """Write episodes of noise; return their frames."""
    card = make_card()
    writer = CorpusWriter.create(path, (height, width), card, actions is not None)
    episodes = [noise(length, height, width, seed + i) for i, length in enumerate(lengths)]
    for index, episode in enumerate(episodes):
        writer.add(episode)
        writer.end_episode({"file": f"{index}"}, None if actions is None else actions[index])
    writer.finish()
    return np.concatenate(episodes)


def tree(path):
    """Every file below a folder, with its bytes."""
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in Path(path).rglob("*")
        if file.is_file()
    }


@pytest.fixture
def drawn():
    """The helpers of this file, as attributes; test files cannot import each other."""

    class Drawn:
        pass

    for helper in (noise, write_video, make_card, make_corpus, tree):
        setattr(Drawn, helper.__name__, staticmethod(helper))
    return Drawn
