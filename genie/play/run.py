"""One play from end to end: what `genie play` calls."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from genie.library.card import read_card
from genie.media.film import film
from genie.media.recording import free_path
from genie.play.compare.opponents import check_opponent
from genie.play.compare.run import compare_headless
from genie.play.headless import play_headless
from genie.play.options import PlayOptions
from genie.play.prompts import rate_prompt
from genie.play.scripted_keys import scripted_actions
from genie.play.setup import LoadWorld, PlaySetup, load_with
from genie.session.logged import logged

DEMO_RECORDING = "rollout.gif"


def play(path: Path, options: PlayOptions, load: LoadWorld = load_with) -> None:
    """Play the world in a folder, in a window or, if asked or without a display, without one.

    Raises:
        ValueError: if an option or the world is not as it must be.
        OSError: if something cannot be found or written.
    """
    setup = PlaySetup(read_card(path), options, load)
    setup.check()
    if options.versus is not None:
        check_opponent(setup)
    if options.headless:
        _play_without_window(setup)
        return
    # Without this, importing pygame prints an advertisement.
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    from genie.play.screen.display import start_display

    if start_display():
        from genie.play.screen.app import run_window

        run_window(setup)
        return
    print("No display found: playing without a window (the same as --headless).", flush=True)
    if options.record is None:
        print("To play it in a browser: genie serve", flush=True)
    record = options.record or free_path(DEMO_RECORDING)
    _play_without_window(replace(setup, options=replace(options, record=record)))


def _play_without_window(setup: PlaySetup) -> None:
    options = setup.options
    if options.versus is not None:
        compare_headless(setup)
        return
    player = setup.player()
    bundle = player.world.bundle
    if options.prompt is not None:
        print(f"prompt {rate_prompt(player.world, player.prompts[0]).text}")
    actions = scripted_actions(bundle.keymap, options.keys, options.frames, bundle.demo_keys)
    log = options.record if options.records_log else None
    with logged(player.session, log), film(options.film, setup.card.fps) as on_frame:
        play_headless(player, actions, on_frame)
    if options.records_log:
        print(f"recorded {options.record}: {len(actions)} frames")
    setup.report(player)
