"""What the choice of a method rests on, drawn: the player in its frames, and where it goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from corpus.background import sample_frames
from corpus.clips import read_clips
from corpus.store import Corpus
from genie.media.charts import save_png
from train.auto.chosen import Choice

AUTO_PICTURE = "auto.png"
"""Of a run's folder."""
PANELS = 4
PANEL_SIDE = 240
"""At least so many pixels of the picture for the longer side of a frame."""
GAP, LINE_HEIGHT, FONT_SIZE = 8, 20, 14
INK, PAPER, MARK = (40, 40, 40), (255, 255, 255), (255, 0, 200)
LONGEST_ARROW = 0.3
"""Of a panel's shorter side: the longest step that the keys make, whatever it is in pixels."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the player is in a frame: middle and size in pixels."""

    row: float
    column: float
    height: float
    width: float


def draw_choice(choice: Choice, corpus: Corpus, path: Path) -> None:
    """Write a PNG of frames with the player in a box and an arrow for each way that it goes.

    Arrows are the steps of the player, or of a camera that moves by whole steps; only their
    direction and how they compare are to scale.
    """
    frames, places = _shown(choice, corpus)
    zoom = max(1, -(-PANEL_SIDE // max(corpus.height, corpus.width)))
    height, width = corpus.height * zoom, corpus.width * zoom
    lines = str(choice).split("\n")
    font = ImageFont.load_default(FONT_SIZE)
    text_width = max(int(font.getlength(line)) for line in lines)
    size = (
        max(PANELS * (width + GAP), text_width + GAP) + GAP,
        height + 2 * GAP + LINE_HEIGHT * len(lines) + GAP,
    )
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, (frame, place) in enumerate(zip(frames, places, strict=True)):
        left = GAP + number * (width + GAP)
        panel = _panel(frame, zoom, place, _steps(choice))
        sheet.paste(panel, (left, GAP))
    for number, line in enumerate(lines):
        draw.text((GAP, height + 2 * GAP + number * LINE_HEIGHT), line, fill=INK, font=font)
    save_png(sheet, path)


def _shown(choice: Choice, corpus: Corpus) -> tuple[np.ndarray, list[Place | None]]:
    """Choose frames (P, H, W, 3), and find the player in them."""
    if choice.kind in ("moving_player", "scrolling_player") and choice.survey is not None:
        player = choice.survey.player
        seen = np.flatnonzero(~np.isnan(player.positions).any(axis=1))
        chosen = seen[np.linspace(0, len(seen) - 1, PANELS).round().astype(int)]
        side = player.area**0.5 + 4  # pixels, so that the box does not cover it
        places = [
            Place(row=row, column=column, height=side, width=side)
            for row, column in player.positions[chosen].tolist()
        ]
        return read_clips(corpus, player.frames[chosen], 1)[:, 0], places
    frames = sample_frames(corpus, PANELS)
    if "box" in choice.figures:
        top, left, height, width = choice.figures["box"]
        place = Place(row=top + height / 2, column=left + width / 2, height=height, width=width)
        return frames, [place] * len(frames)
    return frames, [None] * len(frames)


def _steps(choice: Choice) -> Sequence[Sequence[float]]:
    """Return the steps (dy, dx) of the player, or else of the camera, in pixels."""
    return choice.figures.get("motions") or choice.figures.get("steps") or []


def _panel(
    frame: np.ndarray, zoom: int, place: Place | None, steps: Sequence[Sequence[float]]
) -> Image.Image:
    """Draw one enlarged frame; arrows begin at the player, or in the middle of the frame."""
    image = Image.fromarray(frame.repeat(zoom, axis=0).repeat(zoom, axis=1))
    draw = ImageDraw.Draw(image)
    middle = np.array([image.height / 2, image.width / 2])
    if place is not None:
        middle = zoom * np.array([place.row, place.column])
        half = zoom * np.array([place.height, place.width]) / 2
        (top, left), (bottom, right) = (middle - half).tolist(), (middle + half).tolist()
        draw.rectangle((left, top, right, bottom), outline=MARK, width=2)
    longest = max((float(np.hypot(*step)) for step in steps), default=0.0)
    for step in steps:
        if any(step):
            length = LONGEST_ARROW * min(image.size) / longest
            _arrow(draw, middle, middle + length * np.asarray(step, dtype=float))
    return image


def _arrow(draw: ImageDraw.ImageDraw, start: np.ndarray, end: np.ndarray) -> None:
    """Draw an arrow between two points, given as row and column."""
    along = (end - start) / np.hypot(*(end - start))
    across = np.array([-along[1], along[0]])
    barbs = [end - 8 * along + side * 5 * across for side in (-1, 1)]
    draw.line([*start[::-1].tolist(), *end[::-1].tolist()], fill=MARK, width=3)
    draw.polygon([tuple(point[::-1].tolist()) for point in (end, *barbs)], fill=MARK)
