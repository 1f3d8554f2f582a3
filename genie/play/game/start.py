"""What is chosen on the start screen; `genie.play.screen.drawing.start` paints it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genie.play.game.gallery import GalleryWorld
from genie.play.prompts import read_prompt

COLUMNS = 4  # prompts beside each other
_ARROWS = {"left": -1, "right": 1, "up": -COLUMNS, "down": COLUMNS}
_LETTERS = {"a": -1, "d": 1, "w": -COLUMNS, "s": COLUMNS}
_MOVES = {**_ARROWS, **_LETTERS, **{f"pad {key}": move for key, move in _ARROWS.items()}}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is to be played: a world and one of its prompts, by their indices."""

    world: int
    prompt: int
    resume: bool = False  # whether to continue the last session instead
    picture: Path | None = None  # a picture that was dropped: whether to start from it is asked


class StartState:
    """The gallery and what is selected in it."""

    def __init__(self, worlds: Sequence[GalleryWorld], world: int = 0, prompt: int = 0) -> None:
        """Begin with a world and a prompt selected, by their indices."""
        self.worlds = list(worlds)
        self.world, self.prompt = world, prompt
        self.quit = False  # whether the player wants to leave
        self.message = ""  # how far the world has warmed up
        self.complaint = ""  # what was wrong with a picture that was dropped

    @property
    def shown(self) -> GalleryWorld:
        """The selected world."""
        return self.worlds[self.world]

    def press(self, key: str) -> Choice | None:
        """React to a key; returns a choice once one is made."""
        self.complaint = ""
        if key in _MOVES:
            self.prompt = (self.prompt + _MOVES[key]) % len(self.shown.prompts)
        elif key == "tab":
            self.select_world((self.world + 1) % len(self.worlds))
        elif key in ("return", "enter", "space", "pad 0"):
            return Choice(world=self.world, prompt=self.prompt)
        elif key == "c" and self.shown.recent is not None:
            return Choice(world=self.world, prompt=self.prompt, resume=True)
        elif key == "escape":
            self.quit = True
        return None

    def select_world(self, world: int) -> None:
        """Show another world."""
        if world != self.world:
            self.world, self.prompt = world, 0

    def drop(self, path: str) -> Choice | None:
        """Choose the selected world and a picture that was dropped, if it can be read."""
        card = self.shown.card
        try:
            read_prompt(path, card.height, card.width)
        except (ValueError, OSError) as error:
            self.complaint = str(error)
            return None
        return Choice(world=self.world, prompt=self.prompt, picture=Path(path))

    def point(self, target: Choice | None, click: bool) -> Choice | None:
        """React to the mouse over a target; a click on a prompt chooses it."""
        if target is None:
            return None
        if target.world != self.world:
            if click:
                self.select_world(target.world)
            return None
        if not target.resume:
            self.prompt = target.prompt
        return target if click else None
