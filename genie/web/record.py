"""What a page knows of its world: all but the models."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from genie.edit import fade_order, token_grid
from genie.library.bundle import Bundle
from genie.world import World

PAGE = Path(__file__).resolve().parent / "page"
FORMAT = 1


def page_record(bundle: Bundle, prompts: list[dict[str, Any]], models: str) -> dict[str, Any]:
    """Return a page's world.json.

    Args:
        bundle: the world.
        prompts: of each picture to start from its file and its tokens, "ids".
        models: where they run: "browser" or "server".
    """
    sizes = bundle.dynamics.config
    return {
        "format": FORMAT,
        "models": models,
        "name": bundle.name,
        "title": bundle.title,
        "fingerprint": bundle.fingerprint,
        "fps": bundle.fps,
        "height": bundle.height,
        "width": bundle.width,
        "grid": token_grid(bundle.height, bundle.width, sizes.num_tokens),
        "fade_order": fade_order(sizes.num_tokens).tolist(),
        "codes": sizes.num_codes,
        "actions": bundle.keymap.to_json()["actions"],
        "idle": bundle.keymap.idle,
        "settings": bundle.settings.to_json(),
        "demo_keys": bundle.demo_keys,
        "prompts": prompts,
    }


def prompt_files(bundle: Bundle) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """Return pictures to choose from, PNG files by name, and for each its file and its tokens."""
    from PIL import Image

    world, files, records = World(bundle), {}, []
    for number, prompt in enumerate(bundle.prompts):
        ids, seen = world.see(np.asarray(prompt))
        name, data = f"prompt-{number:02d}.png", io.BytesIO()
        Image.fromarray(seen).save(data, "PNG", optimize=True)
        files[name] = data.getvalue()
        records.append({"file": name, "ids": ids.tolist()})
    return files, records
