"""The window from its opening to its end: the gallery, loading, play."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import pygame

from corpus.lock import LockedError
from genie.library.progress import Say
from genie.media.film import film
from genie.media.recording import free_path
from genie.play.compare.run import make_comparison
from genie.play.game.gallery import GalleryWorld, read_gallery
from genie.play.game.game import Game, GameOptions
from genie.play.game.start import StartState
from genie.play.loader import Loader, Loaders
from genie.play.player import Player
from genie.play.recent import Recent, begin_log, end_log
from genie.play.screen.compare_loop import CompareScreen
from genie.play.screen.drawing.compare import comparison_window_size
from genie.play.screen.drawing.draw import first_window_size
from genie.play.screen.drawing.start import paint_loading
from genie.play.screen.loop import PlayScreen
from genie.play.screen.start_loop import StartScreen
from genie.play.screen.window import Window
from genie.play.setup import PlaySetup
from genie.session.log import Session
from spacetime.partial import plain

T = TypeVar("T")
_FPS = 30


def run_window(setup: PlaySetup) -> None:
    """Play in a window, and close it at the end.

    Raises:
        ValueError: if an option or the world is not as it must be.
        OSError: if something cannot be found or written.
    """
    card, options = setup.card, setup.options
    try:
        if options.versus is not None:
            window = Window(comparison_window_size(card.height, card.width), card.title)
            _compare(window, setup)
            return
        window = Window(first_window_size(card), card.title)
        if options.gallery:
            Gallery(window, setup).run()
            return
        player = _load(window, card.title, lambda say: setup.player(say=say))
        if player is not None:
            play_game(window, setup, player, None if options.scripted else options.prompt)
    finally:
        pygame.quit()


class Gallery:
    """Worlds to choose from, one game after the other."""

    def __init__(self, window: Window, setup: PlaySetup) -> None:
        """Read the gallery; raises FileNotFoundError if there is no world."""
        self._window, self._setup = window, setup
        self._loaders: Loaders[Player] = Loaders(self._load)
        self._worlds: list[GalleryWorld] = []
        self._loaders.want(setup.card.path)  # chosen at first, so loaded before pictures are read
        self._read()

    def run(self) -> None:
        """Choose and play until the window is closed or left."""
        try:
            self._run()
        finally:
            self._loaders.close()

    def _run(self) -> None:
        world, prompt, complaint = 0, 0, ""
        while not self._window.closed:
            state = StartState(self._worlds, world, prompt)
            state.complaint = complaint
            choice = StartScreen(self._window, state, self._prepare).run()
            if choice is None:
                return
            world, prompt = choice.world, choice.prompt
            shown = self._worlds[world]
            loader = self._loaders.retry(shown.card.path)
            try:
                player = _await(self._window, shown.card.title, loader)
            except (ValueError, OSError) as error:
                complaint = plain(error)
                continue
            if player is None:
                return
            settings = player.world.settings
            complaint = _begin(player, prompt, shown.recent if choice.resume else None)
            if complaint:
                self._loaders.replace(shown.card.path, lambda player=player: player)
                continue
            setup = self._setup.of(shown.card)
            play_game(self._window, setup, player, choice.picture)
            self._read()
            places = [found.card.path for found in self._worlds]  # a world may be gone by now
            world = places.index(setup.card.path) if setup.card.path in places else 0
            prompt = min(prompt, len(self._worlds[world].prompts) - 1)
            self._choose_free_name()
            # The world is loaded already: begin a new session of it behind the start screen.
            player.world.settings = settings
            again = partial(setup.player, player.world)
            self._loaders.replace(shown.card.path, again)

    def _read(self) -> None:
        self._worlds = read_gallery()
        if not self._worlds:
            raise FileNotFoundError("there is no world to choose: give the folder of one")

    def _choose_free_name(self) -> None:
        """Let the next game's recording leave that of the last one in its place."""
        options = self._setup.options
        if options.record is not None:
            options = replace(options, record=free_path(options.record))
            self._setup = replace(self._setup, options=options)

    def _prepare(self, world: int) -> bool:
        """Warm a world up behind the start screen; returns whether it is ready."""
        return self._loaders.want(self._worlds[world].card.path).done

    def _load(self, path: Path, say: Say) -> Player:
        cards = [world.card for world in self._worlds if world.card.path == path]
        return self._setup.of(cards[0] if cards else self._setup.card).player(say=say)


def play_game(
    window: Window, setup: PlaySetup, player: Player, picture: Path | None = None
) -> None:
    """Play one game in the window and print its speed.

    If there is a picture, the player is asked whether to start from it.
    """
    card, options = setup.card, setup.options
    with film(options.film, card.fps) as on_frame:
        game_options = GameOptions(
            script=setup.script(player),
            frames=options.frames,
            on_frame=on_frame,
            film=options.film,
            adaptive=options.steps is None and not options.scripted,
        )
        game = Game(card, player, game_options)
        if player.session.path is None:  # otherwise a session that is continued has its log
            begin_log(player.session, card.name, options.record if options.records_log else None)
        if picture is not None:
            game.drop(picture, None)
        PlayScreen(window, game).run()
    session = player.session
    if session.error:
        print(f"the log of this play is not whole: {session.error}")
    elif options.records_log:
        print(f"recorded {_named_log(session, options.record)}: {player.timings().frames} frames")
    if not options.records_log:
        end_log(session)
    setup.report(player, game.state)


def _named_log(session: Session, wanted: Path) -> Path | None:
    """Return where the log of a play lies that was to have a name.

    A session that was continued has its own log, which stays, and gets a copy of that name.
    """
    if wanted.exists():
        return session.path
    session.write(wanted)
    return wanted


def _begin(player: Player, prompt: int, recent: Recent | None) -> str:
    """Begin from a prompt, or continue a session; returns why that is not possible."""
    try:
        if recent is None:
            player.start_from(prompt)
        else:
            player.continue_session(Session.resume(recent.path))
    except LockedError:
        return "the session is open in another window: close it there first"
    except (ValueError, OSError) as error:
        return f"the session cannot be continued: {plain(error)}"
    return ""


def _compare(window: Window, setup: PlaySetup) -> None:
    """Play a world and its opponent in the window."""
    comparison = _load(window, setup.card.title, lambda say: make_comparison(setup, say))
    if comparison is None:
        return
    with film(setup.options.record, setup.card.fps) as on_frame:
        CompareScreen(window, comparison).run(setup.options.frames, on_frame)
    setup.report(comparison.player, comparison.state)


def _load(window: Window, title: str, work: Callable[[Say], T]) -> T | None:
    """Load something in the background; returns it, or None if the window is closed meanwhile."""
    paint_loading(window.surface, title)
    window.pump()
    loaders = Loaders(lambda key, say: work(say))
    try:
        return _await(window, title, loaders.want(title))
    finally:
        loaders.close()


def _await(window: Window, title: str, loader: Loader[T]) -> T | None:
    """Show that a world is being loaded until it is; raises what loading raises."""
    while not loader.done:
        paint_loading(window.surface, title, loader.what, loader.fraction)
        window.pump()
        if any(event.type == pygame.QUIT for event in pygame.event.get(pygame.QUIT)):
            window.closed = True
            return None
        window.wait(_FPS)
    return loader.result()
