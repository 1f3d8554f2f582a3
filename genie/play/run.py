"""One play from end to end: what `genie play` calls."""

from __future__ import annotations

import dataclasses
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genie.catalog import WorldCard, read_card
from genie.play.headless import play_headless
from genie.play.keys import parse_keys, scripted_actions
from genie.play.player import Player, read_prompt
from genie.recording import Recording, check_target, free_path

DEMO_RECORDING = "rollout.gif"
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True, kw_only=True)
class PlayOptions:
    """How a world is played; see `genie play --help`.

    Attributes:
        headless: without a window.
        frames: how many frames, 1 or more; None: the length of the keys, or until Esc.
        keys: scripted keys, as `genie.play.keys.parse_keys` reads them.
        prompt: picture to start from; None takes the world's prompts.
        seed: of everything drawn, 0 or more.
        steps: refinement passes M; None takes the world's tested setting.
        temperature: of the codes; None takes the world's.
        device: "auto" takes CUDA where there is one and the processor otherwise.
        threads: processor threads; None leaves the choice to torch.
        record: file to record to, .gif or .mp4; an existing one is replaced once play has ended.
        timings: json file for the timings, replaced likewise.
    """

    headless: bool = False
    frames: int | None = None
    keys: str | None = None
    prompt: Path | None = None
    seed: int = 0
    steps: int | None = None
    temperature: float | None = None
    device: str = "auto"
    threads: int | None = None
    record: Path | None = None
    timings: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what no world can play."""
        for flag, value, least in (
            ("frames", self.frames, 1),
            ("seed", self.seed, 0),
            ("threads", self.threads, 1),
        ):
            if value is not None and value < least:
                raise ValueError(f"--{flag} is {value}: give {least} or more")
        if self.device not in DEVICES:
            raise ValueError(f"--device is {self.device!r}: allowed are {', '.join(DEVICES)}")
        if self.record is not None:
            check_target(self.record)
        if self.timings is not None and not self.timings.parent.is_dir():
            raise FileNotFoundError(
                f"cannot write {self.timings}: make the folder {self.timings.parent} first"
            )


LoadWorld = Callable[[Path, PlayOptions], Any]


def play(path: Path, options: PlayOptions, load: LoadWorld | None = None) -> None:
    """Play a world in a window, or without one if so asked or if there is no display.

    Args:
        path: folder of a world, as `genie.catalog.find_world` returns it.
        options: how.
        load: makes the world; None takes `load_world`.

    Raises:
        ValueError: if an option or the world is not as it must be.
        OSError: if something cannot be found or written.
    """
    card, load = read_card(path), load or load_world
    if options.headless:
        _headless(card, options, load)
        return
    # Without this, importing pygame prints an advertisement.
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    from genie.play.display import start_display

    if start_display():
        _in_window(card, options, load)
        return
    print("No display found: playing without a window (the same as --headless).", flush=True)
    record = options.record or free_path(DEMO_RECORDING)
    _headless(card, dataclasses.replace(options, record=record), load)


def load_world(path: Path, options: PlayOptions) -> Any:
    """Load a `genie.world.World` with the settings that the options ask for.

    Raises:
        ValueError: if the device is not there, or the world is damaged.
        OSError: if a file is missing.
    """
    import torch

    from genie.world import World

    if options.threads is not None:
        torch.set_num_threads(options.threads)
    world = World.load(path, device=pick_device(options.device))
    chosen = {"steps": options.steps, "temperature": options.temperature}
    changes = {name: value for name, value in chosen.items() if value is not None}
    if changes:
        world.settings = dataclasses.replace(world.bundle.settings, **changes)
    return world


def pick_device(name: str) -> str:
    """Return the torch device for "auto", "cpu", "cuda" or "mps".

    Raises:
        ValueError: if that device is not there.
    """
    import torch

    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name == "auto":
        return "cuda" if there["cuda"] else "cpu"
    if not there[name]:
        usable = ", ".join(device for device, usable in there.items() if usable)
        raise ValueError(f"--device {name} is not available here: usable are auto, {usable}")
    return name


def _headless(card: WorldCard, options: PlayOptions, load: LoadWorld) -> None:
    world = load(card.path, options)
    player = _make_player(world, options)
    bundle = world.bundle
    actions = scripted_actions(bundle.keymap, options.keys, options.frames, bundle.demo_keys)
    with _recording(options.record, card.fps) as on_frame:
        play_headless(player, actions, on_frame)
    _report(card, player, world, options)


def _in_window(card: WorldCard, options: PlayOptions, load: LoadWorld) -> None:
    import pygame

    from genie.play.loop import Window, WindowOptions

    try:
        window = Window(card)  # on the screen at once, before torch and the weights are loaded
        world = load(card.path, options)
        player = _make_player(world, options)
        script = parse_keys(options.keys, world.bundle.keymap) if options.keys else []
        with _recording(options.record, card.fps) as on_frame:
            window.run(
                player, WindowOptions(script=script, frames=options.frames, on_frame=on_frame)
            )
    finally:
        pygame.quit()
    _report(card, player, world, options)


def _make_player(world: Any, options: PlayOptions) -> Player:
    """Put the picture of the options before the world's own prompts."""
    bundle = world.bundle
    prompts = list(bundle.prompts)
    if options.prompt is not None:
        prompts.insert(0, read_prompt(options.prompt, bundle.height, bundle.width))
    return Player(world, prompts, options.seed)


@contextmanager
def _recording(path: Path | None, fps: float) -> Iterator[Callable[[np.ndarray], None] | None]:
    """Yield what takes the frames; the file appears when the body ends without an error."""
    if path is None:
        yield None
        return
    recording = Recording(path, fps)
    try:
        yield recording.add
    except KeyboardInterrupt:
        if recording.num_frames:
            recording.finish()  # what was played so far is worth keeping
        raise
    except BaseException:
        recording.discard()
        raise
    if recording.num_frames:
        recording.finish()
        print(f"recorded {path}: {recording.num_frames} frames")
    else:
        print(f"no frame was drawn, so {path} was not written")


def _report(card: WorldCard, player: Player, world: Any, options: PlayOptions) -> None:
    """Print the speed, and write it where the options ask for it."""
    import torch

    from spacetime.weights import write_json

    timings = player.timings()
    machine = {
        "world": card.name,
        "fingerprint": world.bundle.fingerprint,
        "steps": world.settings.steps,
        "temperature": world.settings.temperature,
        "seed": options.seed,
        "device": pick_device(options.device),
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
