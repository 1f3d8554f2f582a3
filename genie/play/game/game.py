"""Play itself, without a screen or keys: actions in, a frame and what is to be shown out.

`genie.play.game.controls` turns keys into the calls of this class, and the window paints what
`genie.play.game.view` makes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genie.library.card import WorldCard
from genie.library.user_paths import safe_name
from genie.media.recording import free_path
from genie.play.adaptive_steps import AdaptiveSteps, FrameTime
from genie.play.drift_meter import DriftTracker
from genie.play.game.action_keys import Bindings
from genie.play.game.exporter import Export
from genie.play.game.hand import HandPanel
from genie.play.game.panels import Panel, PromptPanel
from genie.play.game.slots import Slots
from genie.play.game.state import PlayState
from genie.play.player import Player
from genie.play.prompts import rate_prompt, read_prompt
from genie.play.recent import begin_log, end_log
from genie.session.log import Session
from spacetime.partial import plain

EXPORT_SECONDS = 0.005
"""How long a tick may decode frames for a film, at least one."""


@dataclass(frozen=True, kw_only=True)
class GameOptions:
    """What is played beside the keyboard."""

    script: Sequence[int] = ()  # action ids that are played before the keyboard
    frames: int | None = None  # play ends after so many; None leaves that to the player
    on_frame: Callable[[np.ndarray], None] | None = None  # gets each new frame, uint8 (H, W, 3)
    folder: Path = Path()  # where films and screenshots are written
    film: Path | None = None  # written once play has ended: no other film may take its name
    adaptive: bool = True  # whether the refinement steps follow the machine's speed


class Game:
    """A player, the actions they hold, and what goes on beside them.

    Attributes:
        card: of the world.
        player: steps the world; keeps the session.
        state: held actions, pause, pace, message.
        bindings: which key stands for which action.
        adaptive_steps: chooses the refinement steps.
        drift: distance to the corpus, or None for a world without statistics.
        slots: saved states.
        panel: what lies over the frame, or None.
        export: the film that is being written, or None.
        mark: first record of a recording that is running, or None.
        step_once: whether a paused game samples one frame.
    """

    def __init__(self, card: WorldCard, player: Player, options: GameOptions | None = None) -> None:
        """Begin at the player's first frame, with the keys that the player has saved."""
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
        self.state.load_keys()
        session = player.session
        if session.damage:
            self.state.say(f"the log was damaged, see {session.original}: {session.damage}", None)

    def drop(self, path: Path | str, now: float | None, fade: bool = False) -> None:
        """Show a picture that was dropped, and how far it is from what the world knows.

        In the hand it becomes the palette; if it is to `fade` in, it does so at once. `now` is as
        `PlayState.say` takes it.
        """
        try:
            picture = read_prompt(path, self.card.height, self.card.width)
        except (ValueError, OSError) as error:
            self.state.say(plain(error), now)
            return
        if isinstance(self.panel, HandPanel):
            self.panel.add(picture)
            return
        if fade:
            self.player.fade_to(picture)
            return
        self.state.release_all()
        self.panel = PromptPanel(rate_prompt(self.player.world, picture))

    def begin_frame(self, now: float) -> int | None:
        """Return the action to sample the next frame under, or None where time stands still.

        Args:
            now: seconds on a clock that never goes back.
        """
        self._work_on_export(now)
        if self.panel is not None or self.state.quit:
            return None
        if self.state.rewinding:
            if self.player.back():
                self.moved()
            return None
        if self.state.paused and not self.step_once:
            return None
        self.step_once = False
        script, action = self.options.script, self.state.take_action()
        return script[self.state.total] if self.state.total < len(script) else action

    def end_frame(self, frame: np.ndarray, action: int, now: float) -> None:
        """Take in the frame that the player has advanced to, uint8 (H, W, 3)."""
        self.state.advanced(action, now)
        if self.drift is not None:
            self.drift.follow(self.player.session, self.player.head)
        if self.options.on_frame is not None:
            self.options.on_frame(frame)
        if self.player.session.error and not self._log_error_told:
            self._log_error_told = True
            self.state.say(f"play is not logged: {self.player.session.error}", now)
        if self.options.frames is not None and self.state.total >= self.options.frames:
            self.state.quit = True

    def note_times(self, draw_seconds: float) -> None:
        """Commit the frame that is shown, and choose the steps of the next by what it took."""
        self.player.commit_pending()
        seconds = self.player.world.seconds
        times = FrameTime(model=seconds.model, decode=seconds.decode, draw=draw_seconds)
        self.player.set_steps(self.adaptive_steps.note(times, self.state.fps_wanted))

    def moved(self) -> None:
        """Note that play stands at another frame than before."""
        self.state.moved(self.player.shown_action)
        if self.drift is not None:
            self.drift.measure(self.player.session, self.player.head)

    def load(self, saved: Session) -> None:
        """Go on from the end of a saved line.

        It becomes a branch of the session. One that was played under another seed goes on in a
        session and a log of its own, as its frames are drawn otherwise.

        Raises:
            ValueError: if it was played in another world, or with another precision.
        """
        player, session = self.player, self.player.session
        if session.header.draws_like(saved.header):
            player.go_to(session.adopt(saved, len(saved) - 1))
        else:
            player.continue_session(saved)
            end_log(session)
            if session.path is not None:
                begin_log(saved, self.card.name, free_path(session.path))
            else:  # there could be no log, and the end says so
                saved.error = session.error
            self.mark = None if self.mark is None else 0  # all of its line, as of a new branch
            self._log_error_told = False
        self.moved()

    def since_mark(self) -> list[int]:
        """Return the records of the line that were played since the recording began."""
        session = self.player.session
        line = session.line(self.player.head, len(session) - self.mark)
        return [int(record) for record in line if record >= self.mark]

    @property
    def recorded_frames(self) -> int:
        """How many frames a film since the mark would have: none of a prompt, edited ones once."""
        records, session = self.since_mark(), self.player.session
        if not records:
            return 0
        first = max(session.frame_number(records[0]), session.header.prompt_frames)
        return max(0, session.frame_number(records[-1]) + 1 - first)

    def start_export(
        self, records: Sequence[int], suffix: str, now: float, show_keys: bool = False
    ) -> bool:
        """Begin to write a film of records, under a name that is free; returns whether it began."""
        if self.export is not None:
            self.state.say("one film is still being written", now)
            return False
        try:
            path = self.film_path(suffix)
            self.export = Export(path, self.player.session, records, self.player.world, show_keys)
        except (ValueError, OSError) as error:
            self.state.say(plain(error), now)
        return self.export is not None

    def film_path(self, suffix: str) -> Path:
        """Return where a new film goes."""
        # A stranger's world may have a name that leads out of the folder.
        name = f"{safe_name(self.card.name)}{suffix}"
        return free_path(self.options.folder / name, self.options.film)

    def close(self) -> None:
        """Finish what is being written; raises OSError if the disk refuses."""
        export, self.export = self.export, None
        try:
            if export is not None:
                export.finish()
        finally:
            self.player.session.close()

    def _work_on_export(self, now: float) -> None:
        if self.export is None:
            return
        try:
            if self.export.work(EXPORT_SECONDS):
                export, self.export = self.export, None
                self.state.say(f"saved {export.path} ({export.total} frames)", now)
        except OSError as error:
            self.export = None
            self.state.say(f"could not record: {plain(error)}", now)
