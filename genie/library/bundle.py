"""A world in memory, and how it is loaded from its folder and checked."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from genie.device import PRECISIONS, device_of
from genie.drift import DriftMeter
from genie.interfaces import ActionModel, FrameTokenizer, TokenDynamics
from genie.library.card import read_card, read_object
from genie.library.hub import find_hub_world
from genie.library.hub_client import SCHEME
from genie.library.progress import Say, silent
from genie.media.pictures import read_prompts
from genie.registry import ROLES, load_model
from genie.settings import Settings
from genie.values import text
from lam.keymap.keymap import Keymap
from spacetime.blocks import SpaceTimeStack
from spacetime.step.frame_step import lay_out_weights
from spacetime.weights import model_fingerprint, read_json, read_shapes

FORMAT_VERSION = 1
_STAGES = {
    "tokenizer": ("tokenizer", 0.6),
    "lam": ("actions", 0.68),
    "dynamics": ("dynamics", 0.74),
}


@dataclass(frozen=True, kw_only=True, repr=False)
class Bundle:
    """Everything that is played, in memory.

    Attributes:
        tokenizer: frames ↔ ids.
        lam: reads the actions of a longer prompt.
        dynamics: draws the next frame's ids.
        settings: the tested settings.
        keymap: which key stands for which action.
        statistics: token statistics of the corpus, for the drift meter.
        prompts: frames uint8 (H, W, 3) to start from, at least one.
        info: the record in world.json.
        precision: in which the dynamics multiplies by its weights: "float32" or "bfloat16".
    """

    tokenizer: FrameTokenizer
    lam: ActionModel
    dynamics: TokenDynamics
    settings: Settings
    keymap: Keymap
    statistics: Mapping[str, Any]
    prompts: Sequence[np.ndarray]
    info: Mapping[str, Any]
    precision: str = "float32"

    def __repr__(self) -> str:
        """Return a few lines: name, sizes, settings and keys."""
        sizes, name = self.dynamics.config, self.info.get("name", "unnamed")
        keys = ", ".join(action.name for action in self.keymap.actions)
        weights = sum(p.numel() for role in ROLES for p in getattr(self, role).parameters())
        return (
            f"Bundle({name!r}: {self.height}x{self.width} frames, {sizes.num_tokens} tokens of "
            f"{sizes.num_codes} codes, {weights / 1e6:.1f} M parameters on {self.device}\n"
            f"    actions: {keys}\n    {self.settings})"
        )

    @property
    def device(self) -> torch.device:
        """Where the models are."""
        return device_of(self.dynamics)

    @property
    def name(self) -> str:
        """Short name, as on the command line."""
        return self.info.get("name", "unnamed")

    @property
    def title(self) -> str:
        """Name for people."""
        return self.info.get("title", self.name)

    @property
    def fps(self) -> float:
        """Frames per second of the corpus."""
        return self.info.get("fps", 15.0)

    @property
    def height(self) -> int:
        """Frame height in pixels."""
        return self.tokenizer.config.height

    @property
    def width(self) -> int:
        """Frame width in pixels."""
        return self.tokenizer.config.width

    @property
    def num_actions(self) -> int:
        """A, latent actions."""
        return self.dynamics.config.num_actions

    @property
    def fingerprint(self) -> str:
        """Identity of the world: SHA-256 over those of its three models."""
        return self.info.get("fingerprint", "")

    @property
    def demo_keys(self) -> str:
        """Keys that show the world off, in the grammar of `--keys`."""
        return self.info["demo_keys"]


def world_fingerprint(records: Mapping[str, Any]) -> str:
    """Return the identity of a world, from the records of its models in world.json."""
    joined = " ".join(records[name]["fingerprint"] for name in sorted(ROLES))
    return hashlib.sha256(joined.encode()).hexdigest()


def load_bundle(
    path: Path | str,
    device: str | torch.device = "cpu",
    say: Say = silent,
    precision: str = "float32",
) -> Bundle:
    """Load a world.

    Args:
        path: a folder with a world.json, or `hf://user/name`.
        device: where the models go.
        say: called with what is loaded next and how far loading is, 0 to 1.
        precision: of the bundle; "bfloat16" on a CPU or a CUDA GPU.

    Returns:
        The world, in evaluation mode.

    Raises:
        FileNotFoundError: if the folder or one of its files is missing.
        ValueError: if it is of a newer format, damaged, or its parts do not belong together.
    """
    path = find_hub_world(str(path)) if str(path).startswith(SCHEME) else Path(path)
    if not path.is_dir():
        raise FileNotFoundError(f"no world at {path}: give a folder that holds a world.json")
    info = read_json(path / "world.json")
    _check_format(path, info)
    card = read_card(path)
    info = {**info, "name": card.name, "title": card.title, "demo_keys": _demo_keys(path, info)}
    try:
        models = {}
        for name in ROLES:
            say(*_STAGES[name])
            models[name] = _load_model(path, name, info)
        settings = Settings.from_json(info["settings"])
        keymap = Keymap.from_json(read_json(path / "keymap.json"))
        fingerprint = world_fingerprint(info["models"])
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"{path / 'world.json'} lacks or misspells {error}: export the world again"
        ) from None
    if info["fingerprint"] != fingerprint:
        raise ValueError(
            f"{path / 'world.json'} names another world than its models make (fingerprint "
            f"{fingerprint[:12]}): copy the whole world again"
        )
    _check_parts(path, models, keymap)
    for model in models.values():
        model.to(device).eval().requires_grad_(False)
        if device_of(model).type == "cpu":
            lay_out_weights(model)
    if precision != "float32":
        _round_products(models["dynamics"], precision)
    size = models["tokenizer"].config
    return Bundle(
        **models,
        settings=settings,
        keymap=keymap,
        statistics=_load_statistics(path / "statistics.json", models["dynamics"].config),
        prompts=read_prompts(path / "prompts", size.height, size.width),
        info=info,
        precision=precision,
    )


def _round_products(dynamics: nn.Module, precision: str) -> None:
    if precision != "bfloat16":
        raise ValueError(f"precision is {precision!r:.40}: allowed are {', '.join(PRECISIONS)}")
    stack = getattr(dynamics, "stack", None)
    if not isinstance(stack, SpaceTimeStack):
        raise ValueError(
            f"a dynamics of class {type(dynamics).__name__} plays in float32 only: leave out "
            "--precision"
        )
    stack.product_dtype = torch.bfloat16


def _check_format(path: Path, info: Any) -> None:
    if not isinstance(info, dict) or not isinstance(info.get("format"), int):
        raise ValueError(f"{path / 'world.json'} is not a world's record: it names no format")
    if info["format"] != FORMAT_VERSION:
        raise ValueError(
            f"{path} has world format {info['format']}, this program reads {FORMAT_VERSION}: "
            f"update genie-worlds, or export the world with this version"
        )
    needed = {"name", "title", "fps", "settings", "models", "fingerprint", "demo_keys"}
    missing = sorted(needed - set(info))
    if missing:
        raise ValueError(
            f"{path / 'world.json'} lacks {', '.join(missing)}: export the world again"
        )


def _load_model(path: Path, name: str, info: Mapping[str, Any]) -> nn.Module:
    record = info["models"].get(name)
    if record is None:
        raise ValueError(f"{path / 'world.json'} lacks the model {name}: export the world again")
    file = path / f"{name}.safetensors"
    read_shapes(file)  # a file that is cut is called damaged
    found = model_fingerprint(file, record["config"])
    if found != record["fingerprint"]:
        raise ValueError(
            f"{file} is not the file that world.json names (fingerprint {found[:12]} instead of "
            f"{record['fingerprint'][:12]}): copy the whole world again"
        )
    try:
        return load_model(name, record, file)
    except (TypeError, RuntimeError, OverflowError) as error:
        line = " ".join(str(error).split())[:200]
        raise ValueError(f"{file} does not fit its configuration: {line}") from None


def _demo_keys(path: Path, info: Mapping[str, Any]) -> str:
    try:
        return text(info["demo_keys"])
    except ValueError as error:
        raise ValueError(f"{path / 'world.json'}: demo_keys must be {error}") from None


def _load_statistics(file: Path, sizes: Any) -> Mapping[str, Any]:
    """Read the statistics; a world without them has only their format.

    Those of earlier formats counted other things: such a world is played without a drift meter.
    """
    statistics = read_object(file)
    if (version := statistics.get("format")) in (1, 2):
        return {"format": version}
    if statistics.keys() - {"format"}:
        try:
            DriftMeter(statistics).check(sizes.num_codes, sizes.num_tokens, sizes.num_actions)
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from None
    return statistics


def _check_parts(path: Path, models: Mapping[str, nn.Module], keymap: Keymap) -> None:
    """Refuse models that were not made for each other: they would play nonsense, or crash."""
    tokenizer, lam, dynamics = models["tokenizer"], models["lam"].config, models["dynamics"].config
    size = tokenizer.config
    pairs = {
        "tokens": (tokenizer.num_tokens, dynamics.num_tokens),
        "codes": (tokenizer.num_codes, dynamics.num_codes),
        "actions": (lam.num_actions, dynamics.num_actions),
        "keymap actions": (len(keymap.actions), dynamics.num_actions),
        "frame sizes": ((size.height, size.width), (lam.height, lam.width)),
    }
    wrong = [f"{name} {one} and {other}" for name, (one, other) in pairs.items() if one != other]
    if wrong:
        raise ValueError(
            f"the models in {path} were not made for each other ({', '.join(wrong)}): export the "
            f"world again"
        )
