"""Which worlds there are: those that ship, and those that lie in a folder.

Only json is read here, so that the window can name a world and its keys before torch is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INDEX_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class WorldEntry:
    """One line of `worlds/index.json`.

    Attributes:
        name: what the command line calls it.
        title: what people call it.
        path: its folder.
        default: whether it is played when no world is named.
    """

    name: str
    title: str
    path: Path
    default: bool


@dataclass(frozen=True, kw_only=True)
class NamedAction:
    """An action as a card names it: its name and the keyboard keys bound to it."""

    name: str
    keys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class WorldCard:
    """What is known of a world without loading its weights.

    Attributes:
        path: its folder.
        name: short name.
        title: name for people.
        fps: frames per second.
        height: of a frame, in pixels.
        width: of a frame, in pixels.
        idle: id of the action that is played while no key is held.
        actions: name and keys of each action, in the order of ids 0 … A−1.
    """

    path: Path
    name: str
    title: str
    fps: float
    height: int
    width: int
    idle: int
    actions: tuple[NamedAction, ...]


def worlds_folder() -> Path:
    """Return the folder of the worlds that ship; a wheel has it beside `genie` as a clone has."""
    return Path(__file__).resolve().parents[1] / "worlds"


def list_worlds(folder: Path | None = None) -> list[WorldEntry]:
    """List the worlds that ship.

    Args:
        folder: where `index.json` lies; None takes `worlds_folder()`.

    Returns:
        One entry per world in the order of the index; none if there is no index.

    Raises:
        ValueError: if the index is damaged or of a newer format.
    """
    folder = folder or worlds_folder()
    if not (folder / "index.json").is_file():
        return []
    index = _read_object(folder / "index.json")
    if index.get("format") != INDEX_FORMAT:
        raise ValueError(
            f"{folder / 'index.json'} has format {index.get('format')!r}, this version reads "
            f"{INDEX_FORMAT}: update genie-worlds"
        )
    try:
        return [
            WorldEntry(
                name=str(entry["name"]),
                title=str(entry["title"]),
                path=folder / str(entry["path"]),
                default=entry["name"] == index["default"],
            )
            for entry in index["worlds"]
        ]
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{folder / 'index.json'} is malformed ({error}): restore it from the repository"
        ) from None


def find_world(name_or_path: str | Path | None = None, folder: Path | None = None) -> Path:
    """Find the folder of a world.

    Args:
        name_or_path: name of a world that ships, the folder of a world, or a run folder, whose
            `world/` is taken. A name goes before a folder of the same name; `./name` is always a
            folder. None takes the default of the index.
        folder: where `index.json` lies; None takes `worlds_folder()`.

    Returns:
        A folder that holds a world.json.

    Raises:
        FileNotFoundError: if there is no such world; the message lists the known names.
        ValueError: if the index is damaged.
    """
    entries = list_worlds(folder)
    known = {entry.name: entry for entry in entries}
    if name_or_path is None:
        default = next((entry for entry in entries if entry.default), None)
        if default is None:
            raise FileNotFoundError(
                f"{folder or worlds_folder()} names no default world: give the folder of one"
            )
        return _listed(default)
    if str(name_or_path) in known:
        return _listed(known[str(name_or_path)])
    path = Path(name_or_path).expanduser()
    for candidate in (path, path / "world"):
        if (candidate / "world.json").is_file():
            return candidate
    if path.is_dir():
        raise FileNotFoundError(
            f"{path} holds no world: neither world.json nor world/world.json is there "
            "(a run has one after its first slice of dynamics training)"
        )
    raise FileNotFoundError(
        f"no world is called {str(name_or_path)!r} and no such folder exists: known are "
        f"{', '.join(known) or 'none'}, or give the folder of a world or a run"
    )


def read_card(path: Path) -> WorldCard:
    """Read what a world says about itself, without its weights.

    Args:
        path: folder of a world, as `find_world` returns it.

    Returns:
        Its card.

    Raises:
        FileNotFoundError: if world.json or keymap.json is missing.
        ValueError: if one of them is damaged.
    """
    info = _read_object(path / "world.json")
    keymap = _read_object(path / "keymap.json")
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
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"world.json or keymap.json in {path} lacks or misspells {error}: export the world "
            "again with this version"
        ) from None


def describe(entry: WorldEntry) -> str:
    """Return one line about a world for `genie worlds`; a damaged one says what is wrong."""
    line = f"{entry.name:<16} {entry.title:<20}"
    try:
        card = read_card(entry.path)
    except (ValueError, OSError) as error:
        return f"{line} cannot be played: {error}"
    actions = " ".join(action.name for action in card.actions)
    mark = "  (default)" if entry.default else ""
    return f"{line} {card.height}x{card.width}, {card.fps:g} fps, actions: {actions}{mark}"


def _listed(entry: WorldEntry) -> Path:
    """Return the folder of an entry, or say that it did not come along."""
    if not (entry.path / "world.json").is_file():
        raise FileNotFoundError(
            f"the world {entry.name!r} is listed but {entry.path / 'world.json'} is missing: "
            "fetch the repository again"
        )
    return entry.path


def _read_object(path: Path) -> Mapping[str, Any]:
    """Read a json object; `spacetime.weights.read_json` would load torch."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: the world's folder is incomplete")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid json ({error}): copy the world again") from None
    if not isinstance(record, dict):
        raise ValueError(f"{path} must hold an object, got {type(record).__name__}")
    return record
