"""What every way to open a game needs: a world's card, the options, and how to load the world."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from genie.device import check_precision, pick_device, pick_threads
from genie.library.card import WorldCard, read_object
from genie.library.catalog import playable_folder
from genie.library.loading import load_world_on
from genie.library.progress import Say, silent
from genie.play.game.state import PlayState
from genie.play.options import PlayOptions
from genie.play.player import Player
from genie.play.prompts import read_prompt
from genie.play.scripted_keys import parse_keys

LoadWorld = Callable[[Path, PlayOptions, Say], Any]


def load_with(path: Path, options: PlayOptions, say: Say = silent) -> Any:
    """Load a `genie.world.World` with the settings of the options; see `load_world_on`."""
    settings = (options.steps, options.temperature)
    world = load_world_on(path, options.device, options.threads, *settings, say, options.precision)
    if options.threads is None and pick_device(options.device).type == "cpu":
        pick_threads(lambda: _draft(world.bundle.dynamics))
    return world


def _draft(dynamics: Any) -> None:
    """Draft a frame without a history."""
    import torch

    config = dynamics.config
    with torch.inference_mode():
        unknown = torch.full((1, config.num_tokens), config.num_codes)
        action = torch.full((1,), config.num_actions)
        dynamics.draft(unknown, action, dynamics.new_cache(1))


@dataclass(frozen=True)
class PlaySetup:
    """A world that is to be played."""

    card: WorldCard
    options: PlayOptions
    load: LoadWorld = load_with  # makes the `genie.world.World`

    def check(self) -> None:
        """Refuse wrong prompts, keys and devices before the world is loaded."""
        card, options = self.card, self.options
        if options.prompt is not None:
            read_prompt(options.prompt, card.height, card.width)
        if options.keys is not None:
            from lam.keymap.keymap import Keymap

            parse_keys(options.keys, Keymap.from_json(read_object(card.path / "keymap.json")))
        if options.device != "auto" or options.precision != "float32":
            # last: this loads torch
            check_precision(options.precision, pick_device(options.device))

    def of(self, card: WorldCard) -> PlaySetup:
        """Return the setup of another world under the same options."""
        return replace(self, card=card)

    def player(self, world: Any = None, say: Say = silent) -> Player:
        """Return a player at its first frame, in a world that is loaded if none is given.

        The prompt of the options comes before the world's.
        """
        card, options = self.card, self.options
        place = playable_folder(card.path)
        world = world or self.load(place, options, say)
        prompts = list(world.bundle.prompts)
        if options.prompt is not None:
            prompts.insert(0, read_prompt(options.prompt, card.height, card.width))
        return Player(world, prompts, options.seed, place, str(pick_device(options.device)), say)

    def script(self, player: Player) -> list[int]:
        """Return the action ids of the scripted keys; raises ValueError if they cannot be read."""
        keys = self.options.keys
        return parse_keys(keys, player.world.bundle.keymap) if keys else []

    def report(self, player: Player, state: PlayState | None = None) -> None:
        """Print the speed, and write it where the options ask for it; `state` of a window's play.

        A window waits between frames, so the rate of play is not what the models can make.
        """
        import torch

        from spacetime.weights import write_json

        timings, settings = player.timings(), player.world.settings
        machine = {
            "world": self.card.name,
            "fingerprint": player.world.bundle.fingerprint,
            "steps": settings.steps,
            "temperature": settings.temperature,
            "seed": self.options.seed,
            "device": str(pick_device(self.options.device)),
            "threads": torch.get_num_threads(),
            "precision": player.world.bundle.precision,
            "cores": os.cpu_count(),
            "machine": platform.machine(),
            "torch": torch.__version__,
        }
        rate = ""
        if state is not None and state.played_fps:
            rate = f" played at {state.played_fps:.1f} of {state.fps_wanted:g} frames per second"
        print(
            f"{self.card.title}: {timings.frames} frames{rate}; the models can make "
            f"{timings.fps:.1f} frames per second (key to frame p50 {timings.p50_ms:.1f} ms, "
            f"p95 {timings.p95_ms:.1f} ms; {machine['device']}, {machine['threads']} threads, "
            f"{machine['steps']} steps)"
        )
        if self.options.timings is not None:
            write_json(self.options.timings, timings.record() | machine)
            print(f"timings in {self.options.timings}")
