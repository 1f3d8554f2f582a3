"""Where the player's own files lie: sessions, saves, worlds and key bindings."""

from __future__ import annotations

import os
import sys
from pathlib import Path

APPLICATION = "genie-worlds"
OVERRIDE = "GENIE_HOME"
"""Environment variable: one folder for everything, instead of the system's places."""


def config_folder() -> Path:
    """Return the folder of settings, such as remapped keys; it need not exist yet."""
    return _place("config", "XDG_CONFIG_HOME", ".config")


def data_folder() -> Path:
    """Return the folder of what was played and of the user's own worlds; it may not exist yet."""
    return _place("data", "XDG_DATA_HOME", ".local/share")


def cache_folder() -> Path:
    """Return the folder of what can be made again, such as compiled code; it may not exist yet."""
    return _place("cache", "XDG_CACHE_HOME", ".cache")


def sessions_folder() -> Path:
    """Return where the window writes its session logs."""
    return data_folder() / "sessions"


def saves_folder() -> Path:
    """Return where the slots lie, a folder per world."""
    return data_folder() / "saves"


def user_worlds_folder() -> Path:
    """Return where the user's own worlds lie: folders, or zips from `genie export`."""
    return data_folder() / "worlds"


def unpacked_folder() -> Path:
    """Return where worlds that came as a zip are unpacked."""
    return data_folder() / "unpacked"


def hub_folder() -> Path:
    """Return where worlds that came from a hub lie, by its address, their names and commits."""
    return data_folder() / "hub"


def safe_name(name: str) -> str:
    """Return a world's name as a part of a file name."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)


def _place(kind: str, variable: str, below_home: str) -> Path:
    """Follow the override, then the habits of the system.

    Source: XDG Base Directory Specification; Apple's File System Programming Guide.
    """
    chosen = os.environ.get(OVERRIDE)
    if chosen:
        return Path(chosen).expanduser() / kind
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / APPLICATION / kind
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home()) / APPLICATION / kind
    given = os.environ.get(variable)
    return (Path(given) if given else Path.home() / below_home) / APPLICATION
