"""Play itself, without a screen: key names in, a frame and what is to be shown out.

The window translates its events into the calls of this class and paints what `genie.play.game.view`
makes of it; tests and headless play drive it directly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genie.library.card import WorldCard
from genie.media.recording import free_path
from genie.play.adaptive_steps import AdaptiveSteps, FrameTime
from genie.play.drift_meter import DriftTracker
from genie.play.game.bindings import Bindings
from genie.play.game.commands import COMMANDS, confirm
from genie.play.game.exporter import Export
from genie.play.game.panels import Answer, Panel, PromptPanel
from genie.play.game.slots import Slots
from genie.play.game.state import PlayState
from genie.play.player import Player
from genie.play.prompts import rate_prompt, read_prompt

EXPORT_SECONDS = 0.03
"""How long a turn may write to a film."""


@dataclass(frozen=True, kw_only=True)
class GameOptions:
    """What is played beside the keyboard.

    Attributes:
        script: action ids that are played first, one per frame; then the keyboard takes over.
        frames: play ends after so many frames; None leaves that to the player.
        on_frame: called with each new frame, uint8 (H, W, 3).
        folder: where films and screenshots are written.
        adaptive: whether the refinement steps follow the machine's speed.
    """

    script: Sequence[int] = ()
    frames: int | None = None
    on_frame: Callable[[np.ndarray], None] | None = None
    folder: Path = Path()
    adaptive: bool = True


class Game:
    """A player, what they hold, and everything that the keys can do.

    Attributes:
        card: of the world.
        player: steps the world; keeps the session.
        state: keys, pause, pace, message.
        bindings: which key stands for which action.
        adaptive_steps: chooses the refinement steps.
        drift: distance to what the world knows, or None for a world without statistics.
        slots: saved moments.
        panel: what lies over the picture, or None.
        export: the film that is being written, or None.
        mark: first record of a recording that is running, or None.
    """

    def __init__(self, card: WorldCard, player: Player, options: GameOptions | None = None) -> None:
        """Begin at the player's first frame; takes over the player's saved keys."""
        self.card, self.player = card, player
        self.options = options or GameOptions()
        self.bindings = Bindings(card)
        self.state = PlayState(self.bindings, card.idle, card.fps)
        steps = player.world.settings.steps
        self.adaptive_steps = AdaptiveSteps(steps, active=self.options.adaptive)
        self.drift = DriftTracker.of(player.world.bundle.statistics)
        self.slots = Slots.of(card.name, player.session.header.fingerprint)
        self.panel: Panel | None = None
        self.export: Export | None = None
        self.mark: int | None = None
        self.step_once = False
        self._log_error_told = False
        self._load_bindings()
        session = player.session
        if session.damage:
            self.state.say(f"the log was damaged, see {session.original}: {session.damage}", 0.0)

    def press(self, key: str, now: float) -> None:
        """React to a key that went down.

        Args:
            key: its name, as pygame spells it; a gamepad's as `Bindings` does.
            now: seconds on a clock that never goes back.
        """
        if self.panel is not None:
            self._ask_panel(key, now)
        elif key in COMMANDS:
            COMMANDS[key].run(self, now)
        else:
            self.state.press(key)

    def release(self, key: str) -> None:
        """React to a key that went up."""
        if key == "backspace":
            self.state.rewinding = False
        self.state.release(key)

    def drop(self, path: Path | str, now: float) -> None:
        """Show a picture that was dropped, and how far it is from what the world knows."""
        try:
            picture = read_prompt(path, self.card.height, self.card.width)
        except (ValueError, OSError) as error:
            self.state.say(str(error), now)
            return
        self.state.release_all()
        self.panel = PromptPanel(rate_prompt(self.player.world, picture))

    def turn(self, now: float) -> bool:
        """Let one frame's time pass; returns whether a frame was drawn."""
        self._work_on_export(now)
        if self.panel is not None or self.state.quit:
            return False
        if self.state.rewinding:
            if self.player.back():
                self.moved()
            return False
        if self.state.paused and not self.step_once:
            return False
        self.step_once = False
        self._advance(now)
        return True

    def note_times(self, draw_seconds: float) -> None:
        """Commit the frame that is shown; all that it took decides how the next is sampled."""
        self.player.commit_pending()
        seconds = self.player.world.seconds
        times = FrameTime(model=seconds.model, decode=seconds.decode, draw=draw_seconds)
        self.player.set_steps(self.adaptive_steps.note(times, self.state.fps_wanted))

    def moved(self) -> None:
        """Note that play stands at another moment than before."""
        self.state.moved(self.player.shown_action)
        if self.drift is not None:
            self.drift.measure(self.player.session, self.player.head)

    def keep(self, records: Sequence[int], suffix: str, show_keys: bool, now: float) -> None:
        """Begin to write a film of records, under a name that does not exist yet."""
        if self.export is not None:
            self.state.say("one recording is still being written", now)
            return
        path = free_path(self.options.folder / f"{self.card.name}{suffix}")
        try:
            self.export = Export(path, self.player.session, records, self.player.world, show_keys)
        except (ValueError, OSError) as error:
            self.state.say(str(error), now)

    def close(self) -> None:
        """Finish what is being written; raises OSError if the disk refuses."""
        export, self.export = self.export, None
        try:
            if export is not None:
                export.finish()
        finally:
            self.player.session.close()

    def _advance(self, now: float) -> None:
        """Draw one frame, scripted while the script lasts."""
        script, held = self.options.script, self.state.take_action()
        action = script[self.state.total] if self.state.total < len(script) else held
        frame = self.player.advance(action)
        self.state.drawn(action, now)
        if self.drift is not None:
            self.drift.follow(self.player.session, self.player.head)
        if self.options.on_frame is not None:
            self.options.on_frame(frame)
        if self.player.session.error and not self._log_error_told:
            self._log_error_told = True
            self.state.say(f"play is no longer logged: {self.player.session.error}", now)
        if self.options.frames is not None and self.state.total >= self.options.frames:
            self.state.quit = True

    def _ask_panel(self, key: str, now: float) -> None:
        panel = self.panel
        answer = panel.press(key)
        if answer is Answer.STAY:
            return
        self.panel = None
        self.state.measure_afresh()
        if answer is Answer.CONFIRM:
            confirm(panel, self, now)

    def _work_on_export(self, now: float) -> None:
        if self.export is None:
            return
        try:
            if self.export.work(EXPORT_SECONDS):
                export, self.export = self.export, None
                self.state.say(f"saved {export.path} ({export.total} frames)", now)
        except OSError as error:
            self.export = None
            self.state.say(f"could not record: {error}", now)

    def _load_bindings(self) -> None:
        try:
            self.bindings.load()
        except ValueError as error:
            self.state.say(str(error), 0.0)
