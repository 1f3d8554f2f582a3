"""What the door for pictures lets in: known formats, told by their content, of bounded size."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from genie.media import pictures
from genie.media.pictures import read_picture, read_prompts

EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 32 32
%%EndComments
0 0 32 32 rectfill showpage
"""
FRAME = np.arange(16 * 24 * 3, dtype=np.uint8).reshape(16, 24, 3)


def encode(kind, frame=FRAME, **options):
    out = io.BytesIO()
    Image.fromarray(frame).save(out, kind, **options)
    return out.getvalue()


def claiming(width, height):
    """A small PNG whose header claims another size."""
    data = encode("PNG")
    head = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Programs that a decoder may call, which leave a mark when they are."""
    mark = tmp_path / "started"
    (tmp_path / "bin").mkdir()
    for name in ("gs", "ffmpeg", "ffprobe"):
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\necho {name} >> {mark}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return mark


def refused(tmp_path, data, words="not a picture"):
    """Both doors refuse some bytes that are called 00.png, in one line."""
    folder = tmp_path / "prompts"
    folder.mkdir(exist_ok=True)
    (folder / "00.png").write_bytes(data)
    for read in (lambda: read_picture(folder / "00.png"), lambda: read_prompts(folder, 16, 24)):
        with pytest.raises(ValueError, match="00.png") as caught:
            read()
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=words):
        read_picture(folder / "00.png")


@pytest.mark.parametrize(
    "data", [EPS, b"ffconcat version 1.0\nfile secret.mp4\n", b"P6 1 1 255 abc", b"II*\0", b""]
)
def test_other_formats_are_refused_and_start_no_program(tmp_path, started, data):
    refused(tmp_path, data)
    assert not started.exists()


@pytest.mark.parametrize("start", [b"\x89PNG\r\n\x1a\n", b"BM", b"GIF89a", b"RIFFxxxxWEBP"])
def test_a_borrowed_signature_does_not_help(tmp_path, started, start):
    refused(tmp_path, start + EPS)
    assert not started.exists()


@pytest.mark.parametrize("size", [(100_000, 100_000), (1 << 31 - 1, 1), (6000, 6000)])
def test_a_picture_that_claims_to_be_huge_is_refused_by_its_header(tmp_path, recwarn, size):
    refused(tmp_path, claiming(*size), "pixels|not a picture")
    assert not recwarn.list


def test_a_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "MOST_BYTES", 100)
    refused(tmp_path, encode("PNG"))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_a_picture_is_read_by_its_content_whatever_its_name(tmp_path, kind):
    path = tmp_path / "picture.eps"
    path.write_bytes(encode(kind))
    assert read_picture(path).shape == (16, 24, 3)
    if kind in ("PNG", "BMP"):
        assert (read_picture(path) == FRAME).all()


def test_of_a_film_only_the_first_frame_is_decoded(tmp_path):
    still = Image.fromarray(np.full((200, 200), 9, np.uint8))
    more = [Image.fromarray(np.full((200, 200), n, np.uint8)) for n in range(60)]
    still.save(tmp_path / "a.gif", save_all=True, append_images=more)
    data = (tmp_path / "a.gif").read_bytes()
    (tmp_path / "a.gif").write_bytes(data[: len(data) // 2])  # a later frame is damaged
    assert (read_picture(tmp_path / "a.gif") == 9).all()


def test_a_picture_cut_short_is_refused(tmp_path):
    refused(
        tmp_path, encode("PNG", np.random.default_rng(0).integers(0, 255, FRAME.shape, "u1"))[:300]
    )


def test_prompts_are_pngs_only_and_not_too_many(tmp_path):
    for kind in ("JPEG", "GIF", "WEBP"):
        (tmp_path / "00.png").write_bytes(encode(kind))
        with pytest.raises(ValueError, match="give a PNG"):
            read_prompts(tmp_path, 16, 24)
    for number in range(65):
        (tmp_path / f"{number:02d}.png").write_bytes(encode("PNG"))
    with pytest.raises(ValueError, match="65 prompts"):
        read_prompts(tmp_path, 16, 24)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "00.png")
    with pytest.raises(ValueError, match="no file"):
        read_prompts(tmp_path, 16, 24)
    with pytest.raises(FileNotFoundError):
        read_picture(tmp_path / "00.png")


def test_grey_of_16_bits_keeps_its_levels(tmp_path):
    levels = np.arange(16 * 24, dtype=np.uint16).reshape(16, 24) * 170
    (tmp_path / "a.png").write_bytes(encode("PNG", levels))
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode.startswith("I")
    assert (read_picture(tmp_path / "a.png") == (levels >> 8)[..., None]).all()
