"""Which key stands for which action: the world's keys, and the player's own changes to them."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Sequence
from pathlib import Path

from genie.library.card import WorldCard
from genie.library.user_paths import config_folder, safe_name
from spacetime.partial import write_atomic

FORMAT = 1
_LETTERS = (("up", "w"), ("left", "a"), ("down", "s"), ("right", "d"))
_PAD = (*((arrow, f"pad {arrow}") for arrow, _ in _LETTERS), ("space", "pad 0"), ("up", "pad 0"))
_DIRECTIONS = {
    **{key: arrow for arrow, letter in _LETTERS for key in (arrow, letter, f"pad {arrow}")},
    **{"space": "up", "pad 0": "up"},
}


class Bindings:
    """Key names, as pygame spells them, to action ids.

    Digits stand for the first ten ids and cannot be changed. A gamepad's keys are called "pad
    left", "pad right", "pad up", "pad down", and "pad 0", "pad 1", … for its buttons.
    """

    def __init__(self, card: WorldCard) -> None:
        """Begin with the world's own keys; letters and a gamepad follow the arrows."""
        self._card = card
        self._reserved: Container[str] = ()
        self._keys = _defaults(card)

    def reserve(self, keys: Container[str]) -> None:
        """Keep keys from all actions, from now on: they are commands."""
        self._reserved = keys
        self._take(self._keys)

    def action(self, key: str) -> int | None:
        """Return the action of a key, or None."""
        if key in self._keys:
            return self._keys[key]
        if len(key) == 1 and key.isdecimal() and int(key) < len(self._card.actions):
            return int(key)
        return None

    def together(self, keys: Sequence[str]) -> int | None:
        """Return the action that two keys held together spell, such as up and right: up-right.

        Args:
            keys: held, in the order of pressing; the last one must be one of the two.

        Returns:
            The action of the last key along each axis, or None: there is no such action.
        """
        along: dict[str, str] = {}  # axis to the direction that was pressed last
        for key in keys:
            direction = self._direction(key)
            if direction is not None:
                along["y" if direction in ("up", "down") else "x"] = direction
        if len(along) < 2 or self._direction(keys[-1]) is None:
            return None
        wanted = f"{along['y']}-{along['x']}"
        return next((id for id, name in self._names() if name == wanted), None)

    def keys_of(self, action: int) -> tuple[str, ...]:
        """Return the keys of an action, the first bound first; digits are not listed."""
        return tuple(key for key, bound in self._keys.items() if bound == action)

    def bind(self, key: str, action: int) -> None:
        """Give a key to an action; it leaves the one that it had."""
        self._keys.pop(key, None)
        self._keys[key] = action

    def clear(self, action: int) -> None:
        """Take all keys from an action."""
        self._keys = {key: bound for key, bound in self._keys.items() if bound != action}

    def reset(self) -> None:
        """Return to the world's own keys."""
        self._take(_defaults(self._card))

    def save(self) -> Path:
        """Write the keys to the player's settings, by the names of the actions; returns the file.

        Raises:
            OSError: if the disk refuses.
        """
        path = bindings_path(self._card)
        path.parent.mkdir(parents=True, exist_ok=True)
        keys = {name: self.keys_of(id) for id, name in self._names()}
        record = json.dumps({"format": FORMAT, "keys": keys}, indent=2) + "\n"
        write_atomic(path, record.encode())
        return path

    def load(self) -> bool:
        """Take the player's saved keys, if there are any; returns whether there were.

        Actions that the file does not name keep those of the world's keys that it does not use.

        Raises:
            ValueError: if the file is damaged.
        """
        path = bindings_path(self._card)
        if not path.is_file():
            return False
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            saved = record["keys"] if record["format"] == FORMAT else None
            found = {
                str(key): id for id, name in self._names() for key in _listed(saved.get(name, ()))
            }
            unnamed = {id for id, name in self._names() if name not in saved}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(
                f"{path} is damaged: delete it, or set the keys anew (F2 in play of one world)"
            ) from None
        # The world may have been trained anew, and have actions now that it had not.
        spare = {key: id for key, id in _defaults(self._card).items() if id in unnamed}
        self._take(spare | found)
        return True

    def _take(self, keys: dict[str, int]) -> None:
        self._keys = {key: id for key, id in keys.items() if key not in self._reserved}

    def _direction(self, key: str) -> str | None:
        """Return where a key points, unless it was given to an action that leads elsewhere."""
        direction, action = _DIRECTIONS.get(key), self._keys.get(key)
        if direction is None or action is None:
            return None
        name = self._card.actions[action].name
        fits = direction in name.split("-") or (direction == "up" and name == "jump")
        return direction if fits else None

    def _names(self) -> Iterable[tuple[int, str]]:
        return enumerate(action.name for action in self._card.actions)


def bindings_path(card: WorldCard) -> Path:
    """Return where the player's keys of a world are saved, by the world's name."""
    return config_folder() / "keys" / f"{safe_name(card.name)}.json"


def _defaults(card: WorldCard) -> dict[str, int]:
    keys = {key: id for id, action in enumerate(card.actions) for key in action.keys}
    for known, alias in (*_LETTERS, *_PAD):
        if known in keys:
            keys.setdefault(alias, keys[known])
    return keys


def _listed(keys: object) -> list[object]:
    if isinstance(keys, str) or not isinstance(keys, list | tuple):
        raise TypeError("a list is meant")
    return list(keys)
