"""One play from end to end: what `genie play` calls."""

from __future__ import annotations

import dataclasses
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genie.device import pick_device
from genie.library.card import WorldCard, read_card
from genie.library.loading import load_world_on
from genie.media.film import film
from genie.media.recording import free_path
from genie.play.headless import play_headless
from genie.play.keys import scripted_actions
from genie.play.options import PlayOptions
from genie.play.player import Player
from genie.play.prompts import rate_prompt, read_prompt

DEMO_RECORDING = "rollout.gif"

LoadWorld = Callable[[Path, PlayOptions], Any]


def play(path: Path, options: PlayOptions, load: LoadWorld | None = None) -> None:
    """Play a world in a window, or without one if so asked or if there is no display.

    Args:
        path: folder of a world, as `genie.library.catalog.find_world` returns it.
        options: how.
        load: makes the world; None takes `load_world`.

    Raises:
        ValueError: if an option or the world is not as it must be.
        OSError: if something cannot be found or written.
    """
    card, load = read_card(path), load or load_world
    if options.headless:
        _without_window(card, options, load)
        return
    # Without this, importing pygame prints an advertisement.
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    from genie.play.screen.display import start_display

    if start_display():
        from genie.play.screen.app import run_window

        run_window(card, options, load)
        return
    print("No display found: playing without a window (the same as --headless).", flush=True)
    record = options.record or free_path(DEMO_RECORDING)
    _without_window(card, dataclasses.replace(options, record=record), load)


def load_world(path: Path, options: PlayOptions) -> Any:
    """Load a `genie.world.World` with the settings that the options ask for.

    Raises:
        ValueError: if the device is not there, or the world is damaged.
        OSError: if a file is missing.
    """
    return load_world_on(path, options.device, options.threads, options.steps, options.temperature)


def make_player(card: WorldCard, world: Any, options: PlayOptions) -> Player:
    """Return a player at its first frame; the picture of the options goes before the world's."""
    prompts = list(world.bundle.prompts)
    if options.prompt is not None:
        prompts.insert(0, read_prompt(options.prompt, card.height, card.width))
    return Player(world, prompts, options.seed, card.path, str(pick_device(options.device)))


def report(card: WorldCard, player: Player, options: PlayOptions) -> None:
    """Print the speed, and write it where the options ask for it."""
    import torch

    from spacetime.weights import write_json

    timings, settings = player.timings(), player.world.settings
    machine = {
        "world": card.name,
        "fingerprint": player.world.bundle.fingerprint,
        "steps": settings.steps,
        "temperature": settings.temperature,
        "seed": options.seed,
        "device": str(pick_device(options.device)),
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "torch": torch.__version__,
    }
    print(
        f"{card.title}: {timings.frames} frames at {timings.fps:.1f} frames per second "
        f"(p50 {timings.p50_ms:.1f} ms, p95 {timings.p95_ms:.1f} ms; {machine['device']}, "
        f"{machine['threads']} threads, {machine['steps']} steps)"
    )
    if options.timings is not None:
        write_json(options.timings, timings.record() | machine)
        print(f"timings in {options.timings}")


def _without_window(card: WorldCard, options: PlayOptions, load: LoadWorld) -> None:
    world = load(card.path, options)
    if options.versus is not None:
        from genie.play.compare.run import compare_headless

        compare_headless(card, world, options, load)
        return
    player = make_player(card, world, options)
    if options.prompt is not None:
        print(f"prompt {rate_prompt(world, player.prompts[0]).text}")
    bundle = world.bundle
    actions = scripted_actions(bundle.keymap, options.keys, options.frames, bundle.demo_keys)
    if options.records_log:
        player.session.log_to(options.record)
    try:
        with film(None if options.records_log else options.record, card.fps) as on_frame:
            play_headless(player, actions, on_frame)
    finally:
        player.session.close()
    if options.records_log:
        print(f"recorded {options.record}: {len(actions)} frames")
    report(card, player, options)
