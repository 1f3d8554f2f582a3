"""Which worlds there are: those that ship, and those that lie in the user's folder.

Only json is read here, so that the window can name a world and its keys before torch is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from genie.library.archive import is_zip, open_world, unpack_world
from genie.library.card import WorldCard, read_card, read_object
from genie.library.hub import find_hub_world
from genie.library.hub_client import SCHEME
from genie.library.user_paths import unpacked_folder, user_worlds_folder
from genie.values import text

INDEX_FORMAT = 1


def worlds_folder() -> Path:
    """Return the folder of the worlds that ship; a wheel has it beside `genie` as a clone has."""
    return Path(__file__).resolve().parents[2] / "worlds"


def list_worlds(folder: Path | None = None) -> list[WorldCard]:
    """List the worlds that ship, in the order of `folder/index.json`, by default the repository's.

    The card of a damaged world says why it is unreadable.

    Raises:
        ValueError: if the index is damaged or of a newer format.
    """
    default, shipped = _read_index(folder or worlds_folder())
    return [
        replace(_card_at(path, alias, title), default=alias == default)
        for alias, (path, title) in shipped.items()
    ]


def list_user_worlds(folder: Path | None = None) -> list[WorldCard]:
    """List the user's own worlds, folders and zips from `genie export`, by their file names.

    The card of a damaged world says why it is unreadable.
    """
    return [_card_at(path, path.stem, path.stem) for path in _user_places(folder)]


def find_world(name_or_path: str | Path | None = None, folder: Path | None = None) -> Path:
    """Find the folder of a world.

    Args:
        name_or_path: name of a world that ships or of one in the user's folder, the folder of a
            world, a zip from `genie export` (which is unpacked), a run folder, whose `world/` is
            taken, or `hf://user/name` (which is fetched, see `find_hub_world`). A name goes before
            a folder of the same name; `./name` is always a folder. None takes the default of the
            index.
        folder: where `index.json` lies; None takes `worlds_folder()`.

    Returns:
        A folder that holds a world.json.

    Raises:
        FileNotFoundError: if there is no such world; the message lists the known names.
        ValueError: if the index, a zip or what a hub sends is damaged.
    """
    if str(name_or_path).startswith(SCHEME):
        return find_hub_world(str(name_or_path))
    default, shipped = _read_index(folder or worlds_folder())
    known = {path.stem: path for path in _user_places()}
    known |= {alias: path for alias, (path, _) in shipped.items()}
    name = default if name_or_path is None else str(name_or_path)
    if name in known:
        return _folder_of(known[name], name)
    if name_or_path is None:
        raise FileNotFoundError(
            f"{folder or worlds_folder()} names no default world: give the folder of one"
        )
    path = Path(name_or_path).expanduser()
    if is_zip(path) and path.is_file():
        return _folder_of(path, name)
    for candidate in (path, path / "world"):
        if (candidate / "world.json").is_file():
            return candidate
    if path.is_dir():
        raise FileNotFoundError(
            f"{path} holds no world: neither world.json nor world/world.json is there "
            "(a run has one after its first slice of dynamics training)"
        )
    raise FileNotFoundError(
        f"no world is called {name!r} and no such folder exists: known are "
        f"{', '.join(known) or 'none'}, or give the folder of a world or a run"
    )


def find_fingerprint(fingerprint: str, place: Path | None = None) -> Path:
    """Find the folder of the world with a fingerprint; `place`, where it was last, comes first.

    Raises:
        FileNotFoundError: if no world here has it.
    """
    last_seen = [_card_at(place, place.name, place.name)] if place is not None else []
    for cards in (lambda: last_seen, list_worlds, list_user_worlds):
        for card in cards():
            if card.fingerprint == fingerprint:
                return _folder_of(card.path, card.alias)
    raise FileNotFoundError(
        f"no world here has the fingerprint {fingerprint[:12]}: put the one it was played in into "
        f"{user_worlds_folder()}"
    )


def playable_folder(path: Path) -> Path:
    """Return the folder of a world; a zip is unpacked."""
    return unpack_world(path, unpacked_folder()) if is_zip(path) else path


def describe(card: WorldCard) -> str:
    """Return one line about a listed world; a damaged one says what is wrong."""
    line = f"{text(card.alias):<16} {text(card.title):<20}"
    if card.unreadable:
        return f"{line} cannot be played: {text(card.unreadable)}"
    actions = " ".join(action.name for action in card.actions)
    mark = "  (default)" if card.default else ""
    return f"{line} {card.height}x{card.width}, {card.fps:g} fps, actions: {actions}{mark}"


def describe_worlds() -> list[str]:
    """Return lines about the worlds that ship and the user's own."""
    cards = [*list_worlds(), *list_user_worlds()]
    none = ["no worlds ship with this installation: give genie play the folder of one"]
    where = f"your own worlds, folders or zips, go into {user_worlds_folder()}"
    return [*(map(describe, cards) if cards else none), where]


def check_index_format(index: Mapping[str, Any], source: object) -> None:
    """Refuse an index of another format than this version reads."""
    if index.get("format") != INDEX_FORMAT:
        raise ValueError(
            f"{source} has format {index.get('format')!r:.40}, this version reads {INDEX_FORMAT}: "
            "update genie-worlds"
        )


def _read_index(folder: Path) -> tuple[str | None, dict[str, tuple[Path, str]]]:
    """Return the default's alias, and the place and title of each world that ships by alias."""
    file = folder / "index.json"
    if not file.is_file():
        return None, {}
    index = read_object(file)
    check_index_format(index, file)
    try:
        return index["default"], {
            str(entry["name"]): (folder / str(entry["path"]), str(entry["title"]))
            for entry in index["worlds"]
        }
    except (KeyError, TypeError) as error:
        raise ValueError(f"{file} is malformed ({error}): restore it from the repository") from None


def _user_places(folder: Path | None = None) -> list[Path]:
    folder = folder or user_worlds_folder()
    places = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in places if is_zip(path) or (path / "world.json").is_file()]


def _card_at(path: Path, alias: str, title: str) -> WorldCard:
    """Read the card at a listed place; the title is for one that cannot be read."""
    try:
        with open_world(path if is_zip(path) else _folder_of(path, alias)) as world:
            return replace(read_card(world), path=path, alias=alias)
    except (ValueError, OSError) as error:
        return WorldCard(path=path, name=alias, title=title, alias=alias, unreadable=str(error))


def _folder_of(path: Path, alias: str) -> Path:
    """Return the folder of a listed world, a zip being unpacked."""
    if not is_zip(path) and not (path / "world.json").is_file():
        raise FileNotFoundError(
            f"the world {alias!r} is listed but {path / 'world.json'} is missing: "
            "fetch the repository again"
        )
    return playable_folder(path)
