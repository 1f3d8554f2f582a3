"""The hand: pieces of frames, picked up and put down by whole tokens. Pure state, no mouse.

It is a panel, so time stands still while it is open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genie.edit import token_grid
from genie.play.game.panels import ENTER, LEAVE, Answer
from genie.play.player import Player

CLOSE_KEYS = ("e", *ENTER)
UNDO_KEYS = ("z", "backspace")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A frame, uint8 (H, W, 3), and its tokens, uint16 (h, w)."""

    frame: np.ndarray
    ids: np.ndarray

    def piece(self, area: Area) -> Picture:
        """Cut a rectangle of tokens out."""
        high, wide = (n // m for n, m in zip(self.frame.shape, self.ids.shape, strict=False))
        rows = slice(area.top * high, (area.top + area.rows) * high)
        columns = slice(area.left * wide, (area.left + area.columns) * wide)
        cells = np.s_[area.top : area.top + area.rows, area.left : area.left + area.columns]
        return Picture(frame=self.frame[rows, columns], ids=self.ids[cells])


@dataclass(frozen=True, kw_only=True)
class Spot:
    """Where the pointer is: over the scene that is played or the palette, at which token."""

    scene: bool
    row: int
    column: int


@dataclass(frozen=True, kw_only=True)
class Area:
    """A rectangle of tokens."""

    top: int
    left: int
    rows: int = 1
    columns: int = 1


class HandPanel:
    """Pick a piece of the scene or of a picture, and put it down in the scene.

    Attributes:
        grid: rows and columns of tokens in a frame.
        pictures: prompts to pick from, uint8 (H, W, 3) each.
        shown: which of them is the palette.
        piece: what is in the hand, or None.
        spot: where the pointer is, or None if it is over neither picture.
    """

    def __init__(self, player: Player) -> None:
        """Begin with an empty hand; raises ValueError for a world whose tokens form no grid."""
        height, width = player.frame.shape[:2]
        self.grid = token_grid(height, width, player.session.header.tokens)
        self.pictures, self.shown = list(player.prompts), player.prompt_index
        self.piece: Picture | None = None
        self.spot: Spot | None = None
        self._player = player
        self._seen: dict[int, Picture] = {}
        self._start: Spot | None = None  # where the button went down to pick
        self._painting = False  # whether the button is down with a piece in the hand
        self._undo: list[int] = []  # records, before each piece that was put down

    @property
    def scene(self) -> Picture:
        """What is played."""
        return Picture(
            frame=self._player.frame,
            ids=self._player.session.ids([self._player.head])[0].reshape(self.grid),
        )

    @property
    def palette(self) -> Picture:
        """The picture beside it, as the world sees it."""
        if self.shown not in self._seen:
            ids, frame = self._player.world.see(self.pictures[self.shown])
            self._seen[self.shown] = Picture(frame=frame, ids=ids.reshape(self.grid))
        return self._seen[self.shown]

    @property
    def outline(self) -> Area | None:
        """What is being picked, or where the piece in the hand would be put down."""
        if self.spot is None:
            return None
        start = self._start if self._start is not None else self.spot
        if self.piece is None:
            if start.scene != self.spot.scene:
                return None
            rows, columns = (
                sorted(pair) for pair in zip(_cell(start), _cell(self.spot), strict=True)
            )
            return Area(
                top=rows[0],
                left=columns[0],
                rows=rows[1] - rows[0] + 1,
                columns=columns[1] - columns[0] + 1,
            )
        return self._landing() if self.spot.scene else None

    @property
    def can_undo(self) -> bool:
        """Whether a piece was put down."""
        return bool(self._undo)

    def add(self, picture: np.ndarray) -> None:
        """Add a picture, uint8 (H, W, 3), and show it as the palette."""
        self.pictures.append(picture)
        self.shown = len(self.pictures) - 1

    def show(self, picture: int) -> None:
        """Choose the palette by number."""
        self.shown = picture % len(self.pictures)

    def point(self, spot: Spot | None) -> None:
        """Move the pointer; with the button down and a piece in the hand, it paints."""
        moved, self.spot = spot != self.spot, spot
        if moved and self._painting:
            self._put()

    def grab(self) -> None:
        """The button goes down: put the piece down, or begin to pick one."""
        if self.spot is None:
            return
        if self.piece is not None and self.spot.scene:
            self._painting = True
            self._put()
        else:
            self.piece, self._start = None, self.spot

    def let_go(self) -> None:
        """The button goes up: a rectangle that was begun is in the hand now."""
        self._painting = False
        if self._start is not None and self.outline is not None:
            picture = self.scene if self._start.scene else self.palette
            self.piece = picture.piece(self.outline)
        self._start = None

    def empty(self) -> None:
        """Throw away what is in the hand."""
        self.piece, self._start, self._painting = None, None, False

    def press(self, key: str) -> Answer:
        """Arrows choose the palette, Z undoes, Esc empties the hand and then leaves."""
        if key in ("left", "right"):
            self.show(self.shown + (1 if key == "right" else -1))
        elif key in UNDO_KEYS and self._undo:
            self._player.go_to(self._undo.pop())
        elif key == LEAVE and self.piece is not None:
            self.empty()
        elif key in (LEAVE, *CLOSE_KEYS):
            return Answer.CONFIRM
        return Answer.STAY

    def _landing(self) -> Area:
        """Return where the piece in the hand lies with its middle under the pointer, cut to fit."""
        rows, columns = self.piece.ids.shape
        top = min(max(self.spot.row - (rows - 1) // 2, 0), self.grid[0] - rows)
        left = min(max(self.spot.column - (columns - 1) // 2, 0), self.grid[1] - columns)
        return Area(top=top, left=left, rows=rows, columns=columns)

    def _put(self) -> None:
        if self.spot is None or not self.spot.scene:
            return
        picture = self._player.frame.copy()
        Picture(frame=picture, ids=self.scene.ids).piece(self._landing()).frame[:] = (
            self.piece.frame
        )
        if np.array_equal(picture, self._player.frame):
            return
        self._undo.append(self._player.head)
        # As pixels, not as the piece's tokens: what a token looks like depends on those around it.
        self._player.edit(picture)


def _cell(spot: Spot) -> tuple[int, int]:
    return spot.row, spot.column
