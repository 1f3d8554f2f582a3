"""Folders of numbered pictures, such as ``frame_0001.png``: each run of numbers is a recording.

The pictures of a folder are sorted by the last number of their names, apart for each text before
it. Where a number is missing a new recording begins, as a jump in time is no transition; a fixed
step (every tenth picture) is no gap, and numbers that mostly jump are taken for time stamps.
"""

from __future__ import annotations

import io
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np

from corpus.readers import sidecar
from corpus.readers.base import ReadOptions, Source
from corpus.readers.parts.values import check_size, natural, numbered, rate, said

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")
COMPANIONS = (".csv", ".db", ".ini", ".json", ".jsonl", ".md", ".npy", ".txt", ".xml", ".yaml")
"""Files that may lie beside the pictures of a recording."""
MOST_BYTES = 80_000_000
ORIENTATION = 0x0112  # where a camera notes how it was held
MOST_JUMPS = 0.1  # of the steps between numbers; with more, they are no frame numbers
STARTS = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff", "BMP": b"BM"}


class PicturesReader:
    """Reads folders of png, jpg, webp or bmp files."""

    name: ClassVar[str] = "pictures"
    takes_subfolders: ClassVar[bool] = False

    def matches(self, path: Path) -> bool:
        """Whether a folder holds at least two pictures, and nothing else but notes on them."""
        try:
            if not path.is_dir():
                return False
            files = [item for item in path.iterdir() if item.name[0] != "." and item.is_file()]
        except OSError:
            return False
        others = {item.suffix.lower() for item in files} - {*SUFFIXES}
        return others <= {*COMPANIONS} and len(_files(path)) >= 2

    def sources(self, path: Path, name: str, options: ReadOptions) -> list[Source]:
        """List the runs of numbers; the first picture of each says the size."""
        runs, notes = _runs(path)
        actions = sidecar.find(path, options)
        found = []
        for number, files in enumerate(runs):
            height, width = picture_size(_read(files[0]), files[0])
            found.append(
                Source(
                    name=numbered(name, number, len(runs)),
                    path=path,
                    reader=self.name,
                    number=number,
                    height=height,
                    width=width,
                    fps=rate(options),
                    frames=len(files),
                    has_actions=actions is not None,
                    notes=notes,
                )
            )
        return found

    def pictures(
        self, source: Source, options: ReadOptions
    ) -> Iterator[tuple[Fraction, np.ndarray]]:
        """Decode the pictures of one run; all must have one size."""
        for at, file in enumerate(_run(source)):
            picture = decode_picture(_read(file), file)
            if picture.shape[:2] != (source.height, source.width):
                raise ValueError(
                    f"{file} has {picture.shape[1]}x{picture.shape[0]} pixels, the first picture "
                    f"{source.width}x{source.height}: put other sizes into folders of their own"
                )
            yield at / (source.fps or Fraction(1)), picture

    def actions(self, source: Source, options: ReadOptions) -> np.ndarray | None:
        """The actions beside the folder, one for each of its pictures."""
        runs, _ = _runs(source.path)
        start = sum(len(run) for run in runs[: source.number])
        found = sidecar.load_fitting(source.path, sum(map(len, runs)), options)
        return None if found is None else found[start : start + len(_run(source)) - 1]


def decode_picture(data: bytes, where: object) -> np.ndarray:
    """Decode a png, jpeg, webp or bmp, turned as a camera stored it: uint8 (h, w, 3)."""
    from PIL import ImageOps

    image = _opened(data, where)
    try:
        if image.getexif().get(ORIENTATION, 1) != 1:
            image = ImageOps.exif_transpose(image)
        return np.array(image if image.mode == "RGB" else image.convert("RGB"))
    except Exception as error:  # decoders raise whatever damaged data leads them to
        raise ValueError(f"{where} is a damaged picture ({said(error)})") from None


def picture_size(data: bytes, where: object) -> tuple[int, int]:
    """Height and width of a picture as it is shown, by its header."""
    image = _opened(data, where)
    try:
        turned = image.getexif().get(ORIENTATION) in (5, 6, 7, 8)  # by a quarter
    except Exception:  # damaged notes of a camera; decoding says more
        turned = False
    return (image.width, image.height) if turned else (image.height, image.width)


def _opened(data: bytes, where: object) -> object:
    """Read the header of a picture by the one decoder that its first bytes name."""
    from PIL import Image

    kind = "WEBP" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None
    kind = next((name for name, start in STARTS.items() if data.startswith(start)), kind)
    if kind is None or len(data) > MOST_BYTES:
        raise ValueError(
            f"{where} is no picture that is read here: give png, jpeg, webp or bmp of at most "
            f"{MOST_BYTES // 1_000_000} MB"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of sizes that are refused below
            # One format: left alone, Pillow would try them all, Ghostscript's among them.
            image = Image.open(io.BytesIO(data), formats=[kind])
    except Image.DecompressionBombError:
        raise ValueError(f"{where} has too many pixels: scale it down first") from None
    except Exception as error:
        raise ValueError(f"{where} is a damaged picture ({said(error)})") from None
    check_size(image.height, image.width, where)
    if image.mode.startswith(("I", "F")):
        raise ValueError(f"{where} has {image.mode} pixels: convert it to 8 bits a colour")
    return image


def _read(file: Path) -> bytes:
    with open(file, "rb") as opened:
        return opened.read(MOST_BYTES + 1)


def _files(folder: Path) -> list[Path]:
    """The pictures of a folder itself, in natural order."""
    found = (item for item in folder.iterdir() if item.suffix.lower() in SUFFIXES)
    found = [item for item in found if item.name[0] != "." and item.is_file()]
    return sorted(found, key=lambda item: (natural(item.name), item.name))


def _run(source: Source) -> list[Path]:
    runs, _ = _runs(source.path)
    if source.number >= len(runs):
        raise ValueError(f"{source.path} has changed since its pictures were listed")
    return runs[source.number]


def _runs(folder: Path) -> tuple[list[list[Path]], tuple[str, ...]]:
    """The recordings of a folder, and what to say of them."""
    files = _files(folder)
    if not files:
        raise ValueError(f"{folder} holds no picture: looked for {' '.join(SUFFIXES)}")
    series: dict[str, list[tuple[int, Path]]] = {}
    for file in files:
        match = re.fullmatch(r"(.*?)([0-9]+)([^0-9]*)", file.stem)
        if match is None:  # names without numbers: one recording in the order of names
            return [files], ("pictures without numbers: in the order of their names",)
        series.setdefault(match[1], []).append((int(match[2]), file))
    if min(map(len, series.values())) < 2:
        return [files], ("pictures of several names: one recording in the order of names",)
    runs: list[list[Path]] = []
    notes: list[str] = []
    for items in series.values():
        items.sort(key=lambda item: (item[0], item[1].name))
        parts, note = _split(items)
        runs += parts
        notes += [note] if note else []
    return runs, tuple(dict.fromkeys(notes))


def _split(items: list[tuple[int, Path]]) -> tuple[list[list[Path]], str | None]:
    """Cut a series where a number is missing."""
    steps = [after[0] - before[0] for before, after in pairwise(items)]
    (step, _), *_ = Counter(steps).most_common(1)
    cuts = [at + 1 for at, found in enumerate(steps) if found != step]
    if len(cuts) > max(1, MOST_JUMPS * len(steps)):
        return [[file for _, file in items]], "uneven numbers: taken for even steps in time"
    if not cuts:
        return [[file for _, file in items]], None
    edges = [0, *cuts, len(items)]
    missing = ", ".join(f"{items[at - 1][0]} to {items[at][0]}" for at in cuts[:5])
    parts = [[file for _, file in items[start:stop]] for start, stop in pairwise(edges)]
    return parts, f"numbers are missing ({missing}): a new recording starts there"
