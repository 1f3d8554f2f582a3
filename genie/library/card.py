"""What a world says about itself, read without its weights and before torch is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class NamedAction:
    """An action as a card names it: its name and the keyboard keys bound to it."""

    name: str
    keys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class WorldCard:
    """What is known of a world without loading its weights.

    A listed world that is damaged has a card, too, which says why it is unreadable.
    """

    path: Path
    name: str
    title: str  # for people
    fps: float = 0.0
    height: int = 0  # of a frame, in pixels
    width: int = 0
    idle: int = 0  # id of the action that is played while no key is held
    actions: tuple[NamedAction, ...] = ()  # in the order of ids 0 … A−1
    fingerprint: str = ""  # empty in the card of a session, whose header has its own
    alias: str = ""  # name on the command line, if it is listed
    default: bool = False  # whether it is played when no world is named
    unreadable: str = ""

    def record(self) -> dict[str, Any]:
        """Return what a session's header keeps of it, as plain values for json."""
        kept = ("name", "title", "fps", "height", "width", "idle")
        actions = [asdict(action) for action in self.actions]
        values = {name: getattr(self, name) for name in kept}
        return {"path": str(self.path), **values, "actions": actions}


def read_card(path: Path) -> WorldCard:
    """Read the card of a world's folder, as `find_world` returns it.

    Raises:
        FileNotFoundError: if world.json or keymap.json is missing.
        ValueError: if one of them is damaged.
    """
    info = read_object(path / "world.json")
    keymap = read_object(path / "keymap.json")
    try:
        tokenizer = info["models"]["tokenizer"]["config"]
        entries = sorted(keymap["actions"], key=lambda entry: entry["id"])
        return WorldCard(
            path=path,
            name=str(info["name"]),
            title=str(info["title"]),
            fps=float(info["fps"]),
            height=int(tokenizer["height"]),
            width=int(tokenizer["width"]),
            idle=int(keymap["idle"]),
            actions=tuple(
                NamedAction(name=str(entry["name"]), keys=tuple(map(str, entry["keys"])))
                for entry in entries
            ),
            fingerprint=str(info["fingerprint"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"world.json or keymap.json in {path} lacks or misspells {error}: export the world "
            "again with this version"
        ) from None


def read_object(path: Path) -> Mapping[str, Any]:
    """Read a json object; `spacetime.weights.read_json` would load torch.

    Raises:
        FileNotFoundError: if it is missing.
        ValueError: if it is not json, or no object.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: the world's folder is incomplete")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid json ({error}): copy the world again") from None
    if not isinstance(record, dict):
        raise ValueError(f"{path} must hold an object, got {type(record).__name__}")
    return record
