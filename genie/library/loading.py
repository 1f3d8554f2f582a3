"""A world, loaded for play on a device."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from genie.device import check_precision, pick_device, usable_cores
from genie.library.catalog import find_world
from genie.library.progress import Say, silent


def load_world(
    world: str | Path | None = None, device: str = "auto", precision: str = "float32"
) -> Any:
    """Load a world by its name, its folder, a run, a zip, or `hf://user/name`.

    Args:
        world: a name from `list_worlds`, or whatever `find_world` finds; None: the default.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "float32", or "bfloat16" on a processor that multiplies it, which is faster.

    Returns:
        A `genie.World`, ready for `reset`.

    Raises:
        FileNotFoundError: if there is no such world.
        ValueError: if the device is not there, the precision would be slower, or the world is
            damaged.
    """
    check_precision(precision, pick_device(device))
    return load_world_on(find_world(world), device, precision=precision)


def load_world_on(
    path: Path,
    device: str = "auto",
    threads: int | None = None,
    steps: int | None = None,
    temperature: float | None = None,
    say: Say = silent,
    precision: str = "float32",
) -> Any:
    """Load a genie.world.World from its folder; None leaves a setting as the world has it.

    Raises:
        ValueError: if the device is not there, a setting out of range, or the world damaged.
        OSError: if a file is missing.
    """
    say("PyTorch", 0.05)
    import torch

    from genie.world import World

    if threads is not None:
        # More threads than cores wait for each other: a frame then takes minutes.
        torch.set_num_threads(min(threads, usable_cores()))
    world = World.load(path, device=pick_device(device), say=say, precision=precision)
    world.settings = change_settings(world.bundle.settings, steps, temperature)
    return world


def change_settings(settings: Any, steps: int | None, temperature: float | None) -> Any:
    """Return `genie.settings.Settings` with what is given changed, and check the range."""
    chosen = {"steps": steps, "temperature": temperature}
    return replace(settings, **{name: value for name, value in chosen.items() if value is not None})
