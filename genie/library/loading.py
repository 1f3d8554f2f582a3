"""A world, loaded for play on a device."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from genie.device import pick_device
from genie.library.catalog import find_world


def load_world(world: str | Path | None = None, device: str = "auto") -> Any:
    """Load a world by its name or folder.

    Args:
        world: a name from `list_worlds`, or the folder of a world or a run; None: the default.
        device: "auto", "cpu", "cuda" or "mps".

    Returns:
        A `genie.World`, ready for `reset`.

    Raises:
        FileNotFoundError: if there is no such world.
        ValueError: if the device is not there, or the world is damaged.
    """
    return load_world_on(find_world(world), device)


def load_world_on(
    path: Path,
    device: str = "auto",
    threads: int | None = None,
    steps: int | None = None,
    temperature: float | None = None,
) -> Any:
    """Load a genie.world.World.

    Args:
        path: folder of a world.
        device: as `pick_device` takes it.
        threads: processor threads; None leaves the choice to torch.
        steps: refinement passes; None takes the world's tested setting.
        temperature: of the codes; None takes the world's.

    Raises:
        ValueError: if the device is not there, or the world is damaged.
        OSError: if a file is missing.
    """
    import torch

    from genie.world import World

    if threads is not None:
        torch.set_num_threads(threads)
    world = World.load(path, device=pick_device(device))
    chosen = {"steps": steps, "temperature": temperature}
    changes = {name: value for name, value in chosen.items() if value is not None}
    if changes:
        world.settings = dataclasses.replace(world.bundle.settings, **changes)
    return world
