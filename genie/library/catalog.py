"""Which worlds there are: those that ship, and those that lie in the user's folder.

Only json is read here, so that the window can name a world and its keys before torch is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genie.library.card import read_card, read_fingerprint, read_object
from genie.library.user_paths import unpacked_folder, user_worlds_folder

INDEX_FORMAT = 1
ZIP = ".zip"


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


def worlds_folder() -> Path:
    """Return the folder of the worlds that ship; a wheel has it beside `genie` as a clone has."""
    return Path(__file__).resolve().parents[2] / "worlds"


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
    index = read_object(folder / "index.json")
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


def list_user_worlds(folder: Path | None = None) -> list[WorldEntry]:
    """List the user's own worlds: folders, and zips from `genie export`, called by their names.

    Args:
        folder: where they lie; None takes `genie.library.user_paths.user_worlds_folder()`.

    Returns:
        One entry per world in the order of the names; a damaged one is listed too.
    """
    folder = folder or user_worlds_folder()
    if not folder.is_dir():
        return []
    places = [
        place
        for place in sorted(folder.iterdir())
        if place.suffix == ZIP or (place / "world.json").is_file()
    ]
    return [
        WorldEntry(name=place.stem, title=_title(place), path=place, default=False)
        for place in places
    ]


def find_world(name_or_path: str | Path | None = None, folder: Path | None = None) -> Path:
    """Find the folder of a world.

    Args:
        name_or_path: name of a world that ships or of one in the user's folder, the folder of a
            world, a zip from `genie export` (which is unpacked), or a run folder, whose `world/` is
            taken. A name goes before a folder of the same name; `./name` is always a folder. None
            takes the default of the index.
        folder: where `index.json` lies; None takes `worlds_folder()`.

    Returns:
        A folder that holds a world.json.

    Raises:
        FileNotFoundError: if there is no such world; the message lists the known names.
        ValueError: if the index or a zip is damaged.
    """
    entries = list_worlds(folder)
    known = {entry.name: entry for entry in [*list_user_worlds(), *entries]}
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
    if path.suffix == ZIP and path.is_file():
        return _unpacked(path)
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


def find_fingerprint(fingerprint: str, place: Path | None = None) -> Path:
    """Find the folder of the world that has a fingerprint.

    Args:
        fingerprint: as in its world.json.
        place: where it lay when it was last seen, which is tried first.

    Returns:
        A folder that holds a world.json.

    Raises:
        FileNotFoundError: if neither that place, nor a world that ships, nor one in the user's
            folder has it.
    """
    entries = [*list_worlds(), *list_user_worlds()]
    candidates = [lambda entry=entry: _listed(entry) for entry in entries]
    for candidate in [lambda: place or Path(), *candidates]:
        try:
            found = candidate()
            if read_fingerprint(found) == fingerprint:
                return found
        except (ValueError, OSError):
            continue  # a damaged world is not the one that is looked for
    raise FileNotFoundError(
        f"no world here has the fingerprint {fingerprint[:12]}: put the one it was played in into "
        f"{user_worlds_folder()}"
    )


def describe(entry: WorldEntry) -> str:
    """Return one line about a world for `genie worlds`; a damaged one says what is wrong."""
    line = f"{entry.name:<16} {entry.title:<20}"
    try:
        card = read_card(_listed(entry))
    except (ValueError, OSError) as error:
        return f"{line} cannot be played: {error}"
    actions = " ".join(action.name for action in card.actions)
    mark = "  (default)" if entry.default else ""
    return f"{line} {card.height}x{card.width}, {card.fps:g} fps, actions: {actions}{mark}"


def _listed(entry: WorldEntry) -> Path:
    """Return the folder of an entry, or say that it did not come along."""
    if entry.path.suffix == ZIP:
        return _unpacked(entry.path)
    if not (entry.path / "world.json").is_file():
        raise FileNotFoundError(
            f"the world {entry.name!r} is listed but {entry.path / 'world.json'} is missing: "
            "fetch the repository again"
        )
    return entry.path


def _unpacked(path: Path) -> Path:
    from genie.library.archive import unpack_world

    return unpack_world(path, unpacked_folder())


def _title(place: Path) -> str:
    """Return what people call a world, or its name where nobody says."""
    try:
        return str(read_object(place / "world.json")["title"])
    except (ValueError, OSError, KeyError):
        return place.stem
