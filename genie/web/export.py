"""A world as a folder that any web server serves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genie.library.bundle import Bundle, load_bundle
from genie.web.graphs import world_graphs
from genie.web.onnx_files import write_graphs
from genie.web.record import PAGE, page_record, prompt_files
from genie.web.runtime import copy_runtime, find_runtime
from spacetime.blocks import SpaceTimeStack
from spacetime.partial import partial_path, remove
from spacetime.weights import write_json


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
        files, prompts = prompt_files(bundle)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        record = page_record(bundle, prompts, models="browser")
        write_json(folder / "world.json", record | models_record(bundle, inputs))
        os.replace(partial, target)
    except BaseException:
        remove(partial)
        raise
    return target


def models_record(bundle: Bundle, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a page that computes needs to know of the models beside their graphs."""
    sizes = bundle.dynamics.config
    return {
        "map": None if sizes.moves is None else {"moves": sizes.moves, "fixed": sizes.fixed},
        "histories": {
            "dynamics": history_record(bundle.dynamics.stack),
            "decoder": history_record(bundle.tokenizer.decoder),
        },
        "graphs": inputs,
    }


def history_record(stack: SpaceTimeStack) -> dict[str, int]:
    """Return how many past frames a stack sees, how far back it depends on them, and its heads."""
    return {
        "slots": stack.band - 1,
        "memory": stack.memory,
        "head_dim": stack.dim // stack.heads,
    }
