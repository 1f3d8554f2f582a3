"""What a world says about itself, read without its weights and before torch is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from genie.values import number, text, whole

MOST_SIDE = 1024  # pixels of a frame's height or width
MOST_JSON_BYTES = 4 << 20


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


def read_card(path: Any) -> WorldCard:
    """Read the card of a world: in a folder, or in the `zipfile.Path` of a zip.

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
            name=text(info["name"]),
            title=text(info["title"]),
            fps=number(info["fps"], 1e-3, 1e3),
            height=whole(tokenizer["height"], 1, MOST_SIDE),
            width=whole(tokenizer["width"], 1, MOST_SIDE),
            idle=whole(keymap["idle"], 0, len(entries) - 1),
            actions=tuple(
                NamedAction(name=text(entry["name"]), keys=tuple(map(text, entry["keys"])))
                for entry in entries
            ),
            fingerprint=text(info["fingerprint"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"world.json or keymap.json in {path} lacks or misspells {error}: export the world "
            "again with this version"
        ) from None


def read_object(path: Any) -> Mapping[str, Any]:
    """Read a json object; `spacetime.weights.read_json` would load torch.

    Raises:
        FileNotFoundError: if it is missing.
        ValueError: if it is not json, no object, or larger than any world's.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: the world's folder is incomplete")
    with path.open("rb") as file:
        data = file.read(MOST_JSON_BYTES + 1)
    if len(data) > MOST_JSON_BYTES:
        raise ValueError(f"{path} is larger than {MOST_JSON_BYTES >> 20} MiB: it is no world's")
    return parse_object(data, path, hint="copy the world again")


def parse_object(data: bytes, source: object, hint: str) -> Mapping[str, Any]:
    """Read a json object; ValueError, with the source and a hint, where it is none."""
    try:
        record = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{source} is not valid json ({error}): {hint}") from None
    if not isinstance(record, dict):
        raise ValueError(f"{source} must hold an object, got {type(record).__name__}")
    return record
