"""Keys written down: `right*20 jump*5 a0*10`, an action's name and for how many frames."""

from __future__ import annotations

from typing import Protocol

MOST_FRAMES = 10_000_000  # a typing error should not fill the memory


class Names(Protocol):
    """What the parser asks of lam.keymap.keymap.Keymap."""

    idle: int

    def by_name(self, name: str) -> int:
        """Return the id of an action, or raise a ValueError that lists the known names."""


def parse_keys(text: str, keymap: Names) -> list[int]:
    """Read scripted keys.

    Args:
        text: words `name` or `name*count`, parted by spaces; without a count the action lasts one
            frame. `a<id>` is always a name.
        keymap: knows the names.

    Returns:
        One action id per frame.

    Raises:
        ValueError: if a name is unknown (the known ones are listed), a count is not a whole number
            from 1, or there is no word at all.
    """
    actions: list[int] = []
    for word in text.split():
        name, star, count = word.partition("*")
        if not name or (star and not (count.isascii() and count.isdecimal() and int(count))):
            raise ValueError(
                f"cannot read {word!r} in --keys: write name or name*count, such as right*20"
            )
        frames = int(count) if star else 1
        if len(actions) + frames > MOST_FRAMES:
            raise ValueError(f"--keys lasts more than {MOST_FRAMES:,} frames at {word!r}")
        actions += [keymap.by_name(name)] * frames
    if not actions:
        raise ValueError("--keys is empty: write name or name*count, such as right*20")
    return actions


def scripted_actions(
    keymap: Names, keys: str | None, frames: int | None, demo_keys: str
) -> list[int]:
    """Decide what is played without a keyboard.

    Args:
        keymap: knows the names.
        keys: scripted keys, or None.
        frames: how many frames, 1 or more, or None for the length of the keys.
        demo_keys: what is played if there are neither keys nor frames.

    Returns:
        One action id per frame: the keys, cut to `frames` or followed by idle.

    Raises:
        ValueError: if the keys cannot be read.
    """
    if keys is None and frames is None:
        keys = demo_keys
    actions = [] if keys is None else parse_keys(keys, keymap)
    if frames is None:
        return actions
    return (actions + [keymap.idle] * (frames - len(actions)))[:frames]
