"""Films of the page as GIF, read by Pillow."""

import io
from math import ceil

import numpy as np
import pytest
from PIL import Image, ImageSequence

from genie.web.record import PAGE


@pytest.fixture(scope="module")
def write(node):
    """Writes pictures with the page's encoder; returns what Pillow reads: frames, hundredths."""

    def write(pictures, scale=1, fps=10):
        height, width = pictures[0].shape[:2]
        film = {"width": width, "height": height, "scale": scale, "fps": fps}
        film["pictures"] = [picture.reshape(-1).tolist() for picture in pictures]
        with Image.open(io.BytesIO(bytes(node("gif.mjs", PAGE, given=film)))) as image:
            frames = [
                (np.array(frame.convert("RGB")), frame.info["duration"] // 10)
                for frame in ImageSequence.Iterator(image)
            ]
            assert image.info["loop"] == 0
        return [frame for frame, _ in frames], [delay for _, delay in frames]

    return write


@pytest.mark.parametrize("colors", [1, 2, 3, 4, 5, 128, 129, 255, 256])
def test_up_to_256_colors_are_kept_exactly(write, colors):
    rng = np.random.default_rng(colors)
    packed = rng.choice(1 << 24, colors, replace=False)
    palette = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=1).astype(np.uint8)
    picture = palette[rng.permutation(np.arange(64 * 56) % colors)].reshape(64, 56, 3)
    (frame,), _ = write([picture])
    assert np.array_equal(frame, picture)


def test_frames_are_enlarged_by_whole_pixels(write):
    pictures = [np.full((3, 5, 3), level, np.uint8) for level in (0, 90, 90, 255)]
    pictures[1][2, 4] = 7, 8, 9
    frames, _ = write(pictures, scale=4)
    assert len(frames) == 4  # equal ones, too
    for frame, picture in zip(frames, pictures, strict=True):
        assert np.array_equal(frame, picture.repeat(4, 0).repeat(4, 1))


def test_more_colors_are_replaced_by_near_ones(write):
    y, x = np.mgrid[:64, :64]
    rng = np.random.default_rng(0)
    shades = np.stack([3 * x, 4 * y - y // 4, 128 + 60 * np.sin(x * y / 200)], axis=-1)
    picture = np.clip(shades + rng.normal(0, 3, shades.shape), 0, 255).astype(np.uint8)
    picture[10:12, 10:12] = 255, 0, 0  # small, and like nothing else
    (frame,), _ = write([picture])
    error = np.abs(frame.astype(int) - picture)
    assert len(np.unique(frame.reshape(-1, 3), axis=0)) == 256
    with Image.fromarray(picture) as image:
        theirs = np.array(image.quantize(256, Image.Quantize.MEDIANCUT, dither=0).convert("RGB"))
    assert error.mean() < min(6, np.abs(theirs.astype(int) - picture).mean())
    assert error[10:12, 10:12].max() < 30


def test_noise_that_fills_the_code_table_is_kept(write):
    grey = np.random.default_rng(1).integers(0, 256, (128, 128, 1), dtype=np.uint8)
    picture = grey.repeat(3, 2)
    (frame,), _ = write([picture])
    assert np.array_equal(frame, picture)


@pytest.mark.parametrize("fps", [8, 10, 15, 30])
def test_a_film_lasts_as_long_as_the_play(write, fps):
    _, delays = write([np.zeros((2, 2, 3), np.uint8)] * fps, fps=fps)
    assert sum(delays) == 100 and max(delays) <= ceil(100 / fps)


def test_no_frame_is_shorter_than_browsers_show(write):
    _, delays = write([np.zeros((2, 2, 3), np.uint8)] * 60, fps=60)
    assert set(delays) == {2}
