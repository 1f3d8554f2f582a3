"""Keys written down: `right*20 jump*5 a0*10`, an action's name and for how many frames."""

from __future__ import annotations

from typing import Protocol

MOST_FRAMES = 10_000_000  # a typing error should not fill the memory


class Names(Protocol):
    """The part of lam.keymap.keymap.Keymap that the parser needs."""

    idle: int

    def by_name(self, name: str) -> int:
        """Return the id of an action, or raise a ValueError that lists the known names."""


def parse_keys(text: str, keymap: Names) -> list[int]:
    """Read scripted keys; returns one action id per frame.

    Args:
        text: words `name` or `name*count`, separated by spaces; without a count the action lasts
            one frame. `a<id>` is always a name.
        keymap: knows the names.

    Raises:
        ValueError: if a name is unknown (the known ones are listed), a count is not a whole number
            from 1, or there is no word at all.
    """
    actions: list[int] = []
    for name, frames in split_keys(text):
        actions += [keymap.by_name(name)] * frames
    return actions


def split_keys(text: str) -> list[tuple[str, int]]:
    """Return the names of scripted keys, each with its number of frames; no name is looked up.

    Raises:
        ValueError: as `parse_keys` does.
    """
    found, total = [], 0
    for word in text.split():
        name, star, count = word.partition("*")
        digits = count.removeprefix("-")
        if not name or (star and not (digits.isascii() and digits.isdecimal())):
            raise ValueError(
                f"cannot read {word!r} in --keys: write name or name*count, such as right*20"
            )
        # Python itself reads no number of thousands of digits.
        frames = int(digits.lstrip("0")[:20] or 0) if star else 1
        if count.startswith("-") or not frames:
            raise ValueError(
                f"the count of {word!r} in --keys must be 1 or more, such as right*20: leave the "
                "word out to play none of it"
            )
        total += frames
        if total > MOST_FRAMES:
            raise ValueError(f"--keys lasts more than {MOST_FRAMES:,} frames at {word!r}")
        found.append((name, frames))
    if not found:
        raise ValueError("--keys is empty: write name or name*count, such as right*20")
    return found


def scripted_actions(
    keymap: Names, keys: str | None, frames: int | None, demo_keys: str
) -> list[int]:
    """Return what is played without a keyboard, one action id per frame.

    That is the keys, cut to `frames` or followed by idle; the demo keys if neither is given.
    """
    if keys is None and frames is None:
        keys = demo_keys
    actions = [] if keys is None else parse_keys(keys, keymap)
    if frames is None:
        return actions
    return (actions + [keymap.idle] * (frames - len(actions)))[:frames]
