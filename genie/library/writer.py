"""Writing a world's folder, so that no half of one is ever played."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from genie.library.bundle import FORMAT_VERSION, world_fingerprint
from genie.registry import model_record
from genie.settings import Settings
from lam.keymap.keymap import Keymap
from spacetime.partial import partial_path, remove
from spacetime.weights import model_fingerprint, write_json, write_weights


def write_bundle(
    path: Path | str,
    models: Mapping[str, nn.Module],
    *,
    settings: Settings,
    keymap: Keymap,
    statistics: Mapping[str, Any],
    prompts: Sequence[np.ndarray],
    info: Mapping[str, Any],
) -> None:
    """Write a world beside its final place and rename it, so that no half of it is ever played.

    Args:
        path: the folder; an existing world there is replaced.
        models: tokenizer, lam and dynamics.
        settings: the tested settings.
        keymap: which key stands for which action.
        statistics: token statistics of the corpus.
        prompts: frames uint8 (H, W, 3).
        info: name, title, fps, demo_keys, corpus and whatever else the record should say.

    Raises:
        OSError: if the disk refuses; an existing world stays as it was.
    """
    import imageio.v3 as iio

    path = Path(path)
    partial = partial_path(path)
    try:
        (partial / "prompts").mkdir(parents=True)
        records = _write_models(partial, models)
        for number, prompt in enumerate(prompts):
            iio.imwrite(partial / "prompts" / f"{number:02d}.png", prompt)
        write_json(partial / "keymap.json", keymap.to_json())
        # A thousand numbers in as many lines: the indent would take half as much room as they do.
        write_json(partial / "statistics.json", dict(statistics), indent=None)
        record = {
            "format": FORMAT_VERSION,
            **info,
            "settings": settings.to_json(),
            "models": records,
            "fingerprint": world_fingerprint(records),
        }
        write_json(partial / "world.json", record)
        _replace_folder(partial, path)
    except BaseException:
        remove(partial)
        raise


def _write_models(folder: Path, models: Mapping[str, nn.Module]) -> dict[str, dict[str, Any]]:
    """Write the weights; return the config and the fingerprint of each model."""
    records = {}
    for name, model in models.items():
        file = folder / f"{name}.safetensors"
        write_weights(file, model.state_dict(), torch.bfloat16 if name == "dynamics" else None)
        record = model_record(name, model)
        records[name] = record | {"fingerprint": model_fingerprint(file, record["config"])}
    return records


def _replace_folder(new: Path, path: Path) -> None:
    old = path.with_name(f".{path.name}.old")
    if old.exists() and not path.exists():  # the last process was killed between the two renames
        os.replace(old, path)
    remove(old)
    if path.exists():
        # The card and pictures are written by other commands and outlive a new export.
        for kept in path.iterdir():
            if kept.is_file() and not (new / kept.name).exists():
                shutil.copy2(kept, new / kept.name)
        os.replace(path, old)
    try:
        os.replace(new, path)
    except OSError:
        if old.exists():
            os.replace(old, path)
        raise
    remove(old)
