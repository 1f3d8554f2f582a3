"""What is planted in footage: menus, test cards, encodings, and pieces of recorded games."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from corpus.curation.grids import pooling
from corpus.store import Corpus

SIDE = 64


def shaped(frames: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Average uint8 (n, H, W, 3) to (n, side, side, 3), or repeat pixels of a smaller one."""
    while min(frames.shape[1:3]) < side:
        frames = frames.repeat(2, 1).repeat(2, 2)
    if frames.shape[1:3] == (side, side):
        return frames
    down, across = (pooling(pixels, side) for pixels in frames.shape[1:3])
    rows = np.einsum("nhwc,hk->nkwc", frames.astype(np.float32), down, optimize=True)
    both = np.einsum("nkwc,wj->nkjc", rows, across, optimize=True)
    return np.ascontiguousarray(np.rint(both).astype(np.uint8))


def episodes(path: Path, parity: int, limit: int, shortest: int = 40) -> list[np.ndarray]:
    """Read every second episode that is long enough, up to a number of frames."""
    corpus, kept, total = Corpus.open(path), [], 0
    for index in range(parity, corpus.num_episodes, 2):
        start, stop = corpus.episode(index)
        if stop - start >= shortest:
            kept.append(shaped(corpus.read(start, min(stop, start + 400))))
            total += len(kept[-1])
        if total >= limit:
            break
    return kept


def menu(rng: np.random.Generator, length: int, background: np.ndarray | None) -> np.ndarray:
    """Draw a menu or loading screen: text that stands, and a cursor or spinner that does not."""
    if background is None:
        ramp = np.linspace(0, 1, SIDE)[:, None, None]
        picture = rng.integers(0, 120, 3) * ramp + rng.integers(0, 120, 3) * (1 - ramp)
        picture = np.broadcast_to(picture, (SIDE, SIDE, 3)).astype(np.uint8).copy()
    else:
        picture = background // 2
    for line in range(int(rng.integers(2, 6))):
        y, x = 8 + 9 * line, int(rng.integers(6, 20))
        for letter in range(int(rng.integers(4, 10))):
            picture[y : y + 4, x + 4 * letter : x + 4 * letter + 3] = rng.integers(170, 256)
    frames = np.repeat(picture[None], length, axis=0)
    kind, y, x = rng.integers(3), int(rng.integers(8, 50)), int(rng.integers(8, 50))
    period, time = int(rng.integers(4, 12)), np.arange(length)
    if kind == 0:  # a cursor
        frames[time // period % 2 == 0, y : y + 5, x : x + 3] = 250
    elif kind == 1:  # a line of text that blinks
        for letter in range(5):
            left = 4 + x % 36 + 4 * letter
            frames[time // period % 2 == 0, y : y + 4, left : left + 3] = 230
    else:  # a spinner
        for t in time:
            dy, dx = 5 * np.sin(t * 0.7), 5 * np.cos(t * 0.7)
            frames[t, int(y + dy) : int(y + dy) + 2, int(x + dx) : int(x + dx) + 2] = 240
    return frames


def test_card(rng: np.random.Generator, length: int) -> np.ndarray:
    """Draw colour bars."""
    bars = rng.integers(0, 256, (8, 3), dtype=np.uint8).repeat(SIDE // 8, 0)
    return np.broadcast_to(bars, (length, SIDE, SIDE, 3)).copy()


def encoded(frames: np.ndarray, quality: int, scale: int = 4, fps: int = 15) -> np.ndarray:
    """Encode as a screen recorder would, larger and with H.264, and shape what comes back."""
    import av

    side, memory = frames.shape[1] * scale, io.BytesIO()
    with av.open(memory, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=fps)
        stream.width = stream.height = side
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(quality), "preset": "veryfast", "threads": "1"}
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame.repeat(scale, 0).repeat(scale, 1))
            out.mux(stream.encode(picture))
        out.mux(stream.encode())
    memory.seek(0)
    small = {"width": SIDE, "height": SIDE, "format": "rgb24", "interpolation": "AREA"}
    with av.open(memory) as back:
        return np.stack([f.reformat(**small).to_ndarray() for f in back.decode(video=0)])
