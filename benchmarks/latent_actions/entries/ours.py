"""The project's own methods, with the values of the recipes that ship but for size and length."""

from typing import Any

import yaml

from benchmarks.latent_actions.entries.entry import CHANNELS, FIT, Entry
from train.recipe import FOLDER


def _shipped(recipe: str) -> dict[str, Any]:
    stage = yaml.safe_load((FOLDER / f"{recipe}.yaml").read_text(encoding="utf-8"))["lam"]
    return stage | {"fit": FIT, "model": stage.get("model", {}) | {"channels": CHANNELS}}


WHOLE_FRAME = Entry(
    name="whole_frame",
    about="continuous latents of two frames, k-means, then quantized (recipe cpu)",
    recipe=_shipped("cpu"),
)
PLAYER_SPRITE = Entry(
    name="player_sprite",
    about="codes of a sprite that keeps to one position in the frame (recipe avatar)",
    recipe=_shipped("avatar"),
    refusal="kind whole_frame",
)
AUTO = Entry(
    name="auto",
    about="whichever of our methods the picture asks for: what moves decides (recipe auto)",
    recipe=_shipped("auto"),
)
