"""The window: events in, frames out, at the world's pace."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pygame

from genie.catalog import WorldCard
from genie.play.draw import View, first_window_size, help_pieces, make_font, paint
from genie.play.player import Player
from genie.play.state import PlayState, key_bindings
from genie.recording import Recording, free_path

_PAUSED_FPS = 30  # how often a paused window looks for events
_OPENING_MS = 30


@dataclass(frozen=True, kw_only=True)
class WindowOptions:
    """What a window plays beside the keyboard.

    Attributes:
        script: action ids that are played first, one per frame; then the keyboard takes over.
        frames: the window closes after so many frames; None leaves that to the player.
        on_frame: called with each new frame, uint8 (H, W, 3).
        folder: where GIFs are written.
    """

    script: Sequence[int] = ()
    frames: int | None = None
    on_frame: Callable[[np.ndarray], None] | None = None
    folder: Path = Path()


class Window:
    """A window on a world. Make one with SDL's video started (`genie.play.display`).

    Attributes:
        state: keys, pause, messages.
        area: where the frame stands in the window, or None before the first.
    """

    def __init__(self, card: WorldCard) -> None:
        """Open the window and name the world and its keys; no weights are needed for that."""
        self.state = PlayState(
            key_bindings(card), card.idle, [action.name for action in card.actions]
        )
        self.area: pygame.Rect | None = None
        self._card, self._options = card, WindowOptions()
        self._help = help_pieces(card)
        self._font = make_font()
        self._size = first_window_size(card, self._font)
        self._fullscreen = False
        self._gif: Recording | None = None
        self._clock = pygame.time.Clock()
        pygame.display.set_caption(f"{card.title} – genie")
        pygame.display.set_mode(self._size, pygame.RESIZABLE)
        # Twice: what is painted before the desktop has put the window up may be lost.
        for _ in range(2):
            self._paint(View(frame=None, status="loading …", help=self._help))
            pygame.event.pump()
            pygame.time.wait(_OPENING_MS)

    def run(self, player: Player, options: WindowOptions | None = None) -> None:
        """Play until the player leaves, or the options' frames are drawn.

        Args:
            player: at its first frame.
            options: what is played beside the keyboard; None leaves all to the keyboard.
        """
        self._options = options or WindowOptions()
        try:
            self.show(player)
            while not self.state.quit:
                self.turn(player)
                self._clock.tick(_PAUSED_FPS if self.state.paused else self._card.fps)
        finally:
            self.stop_gif()

    def turn(self, player: Player) -> None:
        """Handle what happened, draw one frame unless paused, and show it."""
        for event in pygame.event.get():
            self.handle(event, player)
        if not self.state.paused and not self.state.quit:
            self._advance(player)
        self.show(player)
        frames = self._options.frames
        if frames is not None and self.state.total >= frames:
            self.state.quit = True

    def handle(self, event: pygame.event.Event, player: Player) -> None:
        """React to one event."""
        match event.type:
            case pygame.QUIT:
                self.state.quit = True
            case pygame.KEYDOWN:
                self._command(event.key, player) or self.state.press(key_name(event.key))
            case pygame.KEYUP:
                self.state.release(key_name(event.key))
            case pygame.WINDOWFOCUSLOST:
                self.state.release_all()

    def show(self, player: Player) -> None:
        """Paint the window as play stands now."""
        state = self.state
        status = (
            f"{state.fps:4.1f} fps   {state.names[state.shown_action]}   frame {state.frame}"
            f"{'   paused' if state.paused else ''}{'   recording' if state.recording else ''}"
        )
        self._paint(
            View(
                frame=player.frame,
                status=status,
                help=self._help,
                message=state.message(time.monotonic()),
                recording=state.recording,
            )
        )

    def stop_gif(self) -> None:
        """Finish the GIF, if one is being recorded, under a name that does not exist yet."""
        recording, self._gif = self._gif, None
        self.state.recording = False
        if recording is None:
            return
        if not recording.num_frames:
            self._say("nothing was recorded: no frame was drawn")
            return
        try:
            recording.path = free_path(recording.path)
            path = recording.finish()
            self._say(f"saved {path} ({recording.num_frames} frames)")
        except OSError as error:
            self._say(f"could not save the GIF: {error}")

    def _command(self, key: int, player: Player) -> bool:
        """Carry out a key that is not an action; returns whether it was one."""
        match key:
            case pygame.K_ESCAPE:
                self.state.quit = True
            case pygame.K_r:
                player.restart()
                self.state.restarted()
            case pygame.K_n:
                player.next_prompt()
                self.state.restarted()
                self._say(f"prompt {player.prompt_index + 1}")
            case pygame.K_p:
                self.state.toggle_pause()
            case pygame.K_g:
                self._toggle_gif()
            case pygame.K_F11:
                self._toggle_fullscreen()
            case _:
                return False
        return True

    def _advance(self, player: Player) -> None:
        """Draw one frame, scripted while the script lasts."""
        script, held = self._options.script, self.state.take_action()
        action = script[self.state.total] if self.state.total < len(script) else held
        frame = player.advance(action)
        self.state.drawn(action, time.monotonic())
        if self._options.on_frame is not None:
            self._options.on_frame(frame)
        if self._gif is None:
            return
        try:
            self._gif.add(frame)
        except OSError as error:
            self._gif.discard()
            self._gif, self.state.recording = None, False
            self._say(f"could not record: {error}")

    def _toggle_gif(self) -> None:
        if self._gif is not None:
            self.stop_gif()
            return
        self._gif = Recording(self._options.folder / f"{self._card.name}.gif", self._card.fps)
        self.state.recording = True
        self._say("recording: G stops")

    def _toggle_fullscreen(self) -> None:
        self._fullscreen = not self._fullscreen
        if self._fullscreen:
            self._size = pygame.display.get_window_size()
            pygame.display.set_mode((0, 0), pygame.FULLSCREEN)
        else:
            pygame.display.set_mode(self._size, pygame.RESIZABLE)

    def _say(self, text: str) -> None:
        self.state.say(text, time.monotonic())

    def _paint(self, view: View) -> None:
        self.area = paint(pygame.display.get_surface(), self._font, view)
        pygame.display.flip()


def key_name(key: int) -> str:
    """Return pygame's name of a key; the number block's digits are digits too."""
    return pygame.key.name(key).strip("[]")
