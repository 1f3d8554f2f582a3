"""The window from its opening to its end: the gallery, loading, play."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pygame

from genie.library.card import WorldCard
from genie.media.film import film
from genie.media.side_by_side import draw_side_by_side
from genie.play.compare.run import make_comparison
from genie.play.game.gallery import GalleryWorld, read_gallery
from genie.play.game.game import Game, GameOptions
from genie.play.game.start import StartState
from genie.play.keys import parse_keys
from genie.play.loader import Loader
from genie.play.options import PlayOptions
from genie.play.player import Player
from genie.play.recent import end_log, new_log
from genie.play.run import LoadWorld, make_player, report
from genie.play.screen.compare_loop import CompareScreen
from genie.play.screen.draw import first_window_size
from genie.play.screen.draw_compare import comparison_window_size
from genie.play.screen.draw_start import paint_loading
from genie.play.screen.loop import PlayScreen
from genie.play.screen.start_loop import StartScreen
from genie.play.screen.window import Window
from genie.session.log import Session

_FPS = 30


def run_window(card: WorldCard, options: PlayOptions, load: LoadWorld) -> None:
    """Play in a window, and close it at the end.

    Args:
        card: the world to play, or the one that decides the window's size in front of the gallery.
        options: how.
        load: makes the world.

    Raises:
        ValueError: if an option or the world is not as it must be.
        OSError: if something cannot be found or written.
    """
    try:
        if options.versus is not None:
            window = Window(comparison_window_size(card.height, card.width), card.title)
            _compare(window, card, options, load)
            return
        window = Window(first_window_size(card), card.title)
        if options.gallery:
            Gallery(window, options, load).run()
        else:
            player = _loaded(window, card, options, load)
            if player is not None:
                play_game(window, card, player, options)
    finally:
        pygame.quit()


class Gallery:
    """Worlds to choose from, one game after the other."""

    def __init__(self, window: Window, options: PlayOptions, load: LoadWorld) -> None:
        """Read the gallery; the first world begins to warm up.

        Raises:
            FileNotFoundError: if there is no world.
        """
        self._window, self._options, self._load = window, options, load
        self._worlds = read_gallery()
        self._loaders: dict[int, Loader[Player]] = {}
        if not self._worlds:
            raise FileNotFoundError("there is no world to choose: give the folder of one")

    def run(self) -> None:
        """Choose and play until the window is closed or left."""
        world = prompt = 0
        while not self._window.closed:
            state = StartState(self._worlds, world, prompt)
            choice = StartScreen(self._window, state, self._prepare).run()
            if choice is None:
                return
            world, prompt = choice.world, choice.prompt
            shown = self._worlds[world]
            player = await_loader(self._window, shown.card.title, self._loaders.pop(world))
            if player is None:
                return
            if choice.resume:
                player.continue_session(Session.resume(shown.recent.path))
            else:
                player.start_from(prompt)
            play_game(self._window, shown.card, player, self._options)
            self._worlds = read_gallery()
            self._loaders[world] = self._again(shown, player.world)

    def _prepare(self, world: int) -> bool:
        """Warm a world up behind the start screen; returns whether it is ready."""
        if world not in self._loaders:
            card = self._worlds[world].card
            self._loaders[world] = Loader(
                lambda: make_player(card, self._load(card.path, self._options), self._options)
            )
        return self._loaders[world].done

    def _again(self, shown: GalleryWorld, world: Any) -> Loader[Player]:
        """Begin a new session of a world that is loaded already."""
        world.settings = world.bundle.settings
        return Loader(lambda: make_player(shown.card, world, self._options))


def await_loader(window: Window, title: str, loader: Loader[Any]) -> Any:
    """Show that a world is being loaded until it is; returns it, or None if the window is closed.

    Raises:
        Exception: what loading raises.
    """
    while not loader.done:
        paint_loading(window.surface, title)
        window.settle()
        if any(event.type == pygame.QUIT for event in pygame.event.get(pygame.QUIT)):
            window.closed = True
            return None
        window.wait(_FPS)
    return loader.result()


def play_game(window: Window, card: WorldCard, player: Player, options: PlayOptions) -> None:
    """Play one game in the window and print its speed.

    Raises:
        ValueError: if scripted keys cannot be read.
        OSError: if something cannot be written.
    """
    keymap = player.world.bundle.keymap
    script = parse_keys(options.keys, keymap) if options.keys else []
    record = None if options.records_log else options.record
    with film(record, card.fps) as on_frame:
        game = Game(
            card,
            player,
            GameOptions(
                script=script,
                frames=options.frames,
                on_frame=on_frame,
                adaptive=options.steps is None and not options.scripted,
            ),
        )
        _begin_log(game, options.record if options.records_log else new_log(card.name))
        if options.prompt is not None and not options.scripted:
            game.drop(options.prompt, 0.0)
        PlayScreen(window, game).run()
    if options.records_log:
        print(f"recorded {options.record}: {player.timings().frames} frames")
    else:
        end_log(player.session)
    report(card, player, options)


def _begin_log(game: Game, path: Path) -> None:
    """Log the session; a disk that refuses is told, and play goes on without."""
    session = game.player.session
    if session.path is not None:
        return  # a session that is gone on with has its log
    try:
        session.log_to(path)
    except OSError as error:
        game.state.say(f"play is not logged: {error}", 0.0)


def _compare(window: Window, card: WorldCard, options: PlayOptions, load: LoadWorld) -> None:
    """Play a world and its rival in the window; raises as `make_comparison` does."""
    loader = Loader(lambda: make_comparison(card, load(card.path, options), options, load))
    comparison = await_loader(window, card.title, loader)
    if comparison is None:
        return
    with film(options.record, card.fps) as on_frame:

        def record() -> None:
            if on_frame is not None:
                on_frame(draw_side_by_side(comparison.panels))

        CompareScreen(window, comparison).run(options.frames, record)
    report(card, comparison.player, options)


def _loaded(
    window: Window, card: WorldCard, options: PlayOptions, load: LoadWorld
) -> Player | None:
    paint_loading(window.surface, card.title)
    window.settle()
    loader = Loader(lambda: make_player(card, load(card.path, options), options))
    return await_loader(window, card.title, loader)
