"""A world as a folder that any web server serves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from genie.edit import token_grid
from genie.library.bundle import Bundle, load_bundle
from genie.web.graphs import world_graphs
from genie.web.onnx_files import write_graphs
from genie.web.runtime import copy_runtime, find_runtime
from genie.world import World
from spacetime.blocks import SpaceTimeStack
from spacetime.partial import partial_path, remove
from spacetime.weights import write_json

PAGE = Path(__file__).resolve().parent / "page"
FORMAT = 1


def export_page(world: Path | str, target: Path | str, runtime: Path | None = None) -> Path:
    """Write a world as a page to be played in a browser.

    Args:
        world: folder of a world.
        target: the folder to write; it must not exist.
        runtime: an unpacked onnxruntime-web; None: see `find_runtime`.

    Returns:
        The target.

    Raises:
        ValueError: if the world is damaged or of models that a page does not play.
        OSError: if the target exists, the runtime is missing or the disk refuses.
    """
    target = Path(target)
    if target.exists():
        raise FileExistsError(f"{target} exists: remove it, or choose another folder")
    if not target.absolute().parent.is_dir():
        raise FileNotFoundError(f"cannot write {target}: make the folder {target.parent} first")
    found, bundle = find_runtime(runtime), load_bundle(world)
    graphs = world_graphs(bundle)  # refuses what a page cannot play
    partial = partial_path(target)
    try:
        shutil.copytree(PAGE, partial)
        copy_runtime(found, partial / "runtime")
        folder = partial / "world"
        folder.mkdir()
        inputs = write_graphs(graphs, folder)
        prompts = _write_prompts(bundle, folder)
        write_json(folder / "world.json", page_record(bundle, inputs, prompts))
        os.replace(partial, target)
    except BaseException:
        remove(partial)
        raise
    return target


def page_record(
    bundle: Bundle, inputs: Mapping[str, Any], prompts: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return what the page reads of a world: all but its weights."""
    sizes = bundle.dynamics.config
    return {
        "format": FORMAT,
        "name": bundle.name,
        "title": bundle.title,
        "fingerprint": bundle.fingerprint,
        "fps": bundle.fps,
        "height": bundle.height,
        "width": bundle.width,
        "grid": token_grid(bundle.height, bundle.width, sizes.num_tokens),
        "codes": sizes.num_codes,
        "actions": bundle.keymap.to_json()["actions"],
        "idle": bundle.keymap.idle,
        "settings": bundle.settings.to_json(),
        "demo_keys": bundle.demo_keys,
        "map": None if sizes.moves is None else {"moves": sizes.moves, "fixed": sizes.fixed},
        "histories": {
            "dynamics": history_record(bundle.dynamics.stack),
            "decoder": history_record(bundle.tokenizer.decoder),
        },
        "graphs": inputs,
        "prompts": prompts,
    }


def history_record(stack: SpaceTimeStack) -> dict[str, int]:
    """Return how many past frames a stack sees, how far back it depends on them, and its heads."""
    return {
        "slots": stack.band - 1,
        "memory": stack.memory,
        "head_dim": stack.dim // stack.heads,
    }


def _write_prompts(bundle: Bundle, folder: Path) -> list[dict[str, Any]]:
    """Write pictures to choose from; returns their names and tokens."""
    from PIL import Image

    world, records = World(bundle), []
    for number, prompt in enumerate(bundle.prompts):
        ids, seen = world.see(np.asarray(prompt))
        name = f"prompt-{number:02d}.png"
        Image.fromarray(seen).save(folder / name, optimize=True)
        records.append({"file": name, "ids": ids.tolist()})
    return records
