"""The keyboard of a game: panels first, then the window's commands, then the actions."""

from __future__ import annotations

from genie.play.game.game import Game
from genie.play.game.panels import Answer
from genie.play.game.window_keys import COMMANDS, confirm


class Controls:
    """Turns the keys of a game into what they do."""

    def __init__(self, game: Game) -> None:
        """Take the game that the keys act on; its actions lose the keys of commands."""
        self._game = game
        game.bindings.reserve(COMMANDS)

    def press(self, key: str, now: float) -> None:
        """React to a key that went down, named as in `Bindings`, at `now` in seconds."""
        if self._game.panel is not None:
            self._ask_panel(key, now)
        elif key in COMMANDS:
            COMMANDS[key].run(self._game, now)
        else:
            self._game.state.press(key)

    def release(self, key: str) -> None:
        """React to a key that went up."""
        if key == "backspace":
            self._game.state.rewinding = False
        self._game.state.release(key)

    def _ask_panel(self, key: str, now: float) -> None:
        panel = self._game.panel
        answer = panel.press(key)
        if answer is Answer.STAY:
            return
        self._game.panel = None
        self._game.state.measure_afresh()
        if answer is Answer.CONFIRM:
            confirm(panel, self._game, now)
