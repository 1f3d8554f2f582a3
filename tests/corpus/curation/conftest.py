"""Small drawn games for the tests of curation."""

import io
import sys

import av
import numpy as np
import pytest

from corpus.curation.measure import Measurements, Measurer

FPS = 15
SIDE = 64


def texture(seed: int, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    """A picture of coloured tiles, another one for each seed."""
    rng = np.random.default_rng(seed)
    tiles = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    return tiles.repeat(8, 0).repeat(8, 1)[:height, :width]


def scrolling(seed: int, frames: int, speed: int = 2) -> np.ndarray:
    """A camera that pans over a level."""
    level = texture(seed, SIDE, SIDE + 8 + frames * speed)
    return np.stack([level[:, t * speed : t * speed + SIDE] for t in range(frames)])


def walking(seed: int, frames: int) -> np.ndarray:
    """A sprite that walks about on a background that stands still."""
    rng = np.random.default_rng(seed)
    scene = np.repeat(texture(seed)[None] // 2, frames, axis=0)
    y, x = rng.integers(8, 48, 2)
    for t in range(frames):
        if t % 8 == 0:
            dy, dx = rng.choice([-3, -2, -1, 1, 2, 3], 2)
        y, x = np.clip([y + dy, x + dx], 2, 54)
        scene[t, y : y + 6, x : x + 6] = 255
    return scene


def pong(seed: int, frames: int) -> np.ndarray:
    """A ball of two pixels and two paddles on a plain field."""
    rng = np.random.default_rng(seed)
    field = np.full((frames, SIDE, SIDE, 3), (140, 70, 20), np.uint8)
    y, x = rng.uniform(10, 50, 2)
    dy, dx = rng.uniform(1, 2.5), 2.0 * rng.choice([-1, 1])
    player, speed = 28, 2
    for t in range(frames):
        y, x = y + dy, x + dx
        dy = -dy if not 2 < y < 60 else dy
        if not 4 < x < 58:
            dx, dy = -dx, np.sign(dy) * rng.uniform(1, 2.5)
        field[t, int(y) : int(y) + 2, int(x) : int(x) + 2] = 236
        speed = rng.choice([-3, 0, 3]) if t % 6 == 0 else speed
        player = int(np.clip(player + speed, 4, 52))
        left, right = int(np.clip(y + 6 * np.sin(t / 9), 4, 52)), player
        field[t, left : left + 8, 2:4] = (210, 160, 80)
        field[t, right : right + 8, 60:62] = (90, 190, 90)
    return field


def noisy(frames: np.ndarray, seed: int = 0, level: float = 2.0) -> np.ndarray:
    """What an encoder leaves: noise that differs from frame to frame."""
    noise = np.random.default_rng(seed).normal(0, level, frames.shape)
    return np.clip(frames + noise, 0, 255).astype(np.uint8)


def reencoded(frames: np.ndarray, quality: int = 30, scale: int = 4) -> np.ndarray:
    """What comes back from H.264 at a larger size."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=FPS)
        stream.width = stream.height = SIDE * scale
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(quality), "preset": "ultrafast", "threads": "1"}
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame.repeat(scale, 0).repeat(scale, 1))
            out.mux(stream.encode(picture))
        out.mux(stream.encode())
    memory.seek(0)
    small = {"width": SIDE, "height": SIDE, "format": "rgb24", "interpolation": "AREA"}
    with av.open(memory) as back:
        return np.stack([f.reformat(**small).to_ndarray() for f in back.decode(video=0)])


def measure(frames: np.ndarray) -> Measurements:
    measurer = Measurer()
    measurer.add(frames)
    return measurer.result()


@pytest.fixture(scope="session")
def games():
    """The functions of this file."""
    return sys.modules[__name__]
