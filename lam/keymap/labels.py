"""Names that come with labels, and the keys that they stand for."""

from collections.abc import Sequence
from dataclasses import replace

from lam.keymap.keymap import KeyAction, Keymap
from lam.keymap.naming import KEYS

_IDLE = ("none", "idle", "noop", "still", "rest")


def name_by_labels(keymap: Keymap, names: Sequence[str]) -> Keymap:
    """Call the actions of a keymap as labels do.

    A name of directions has the keys of these, if there are any (a jump goes up): left, up-left,
    left-jump. Another action keeps the keys that its motion suggests, unless a name has them. The
    idle action is the one that a name for it says, else the one that moves least.

    Args:
        keymap: by motion.
        names: of the actions, in the order of ids.
    """
    wanted = [KEYS.get(_direction(name), ()) for name in names]
    used: set[str] = set()
    actions: dict[int, KeyAction] = {}
    for action in sorted(keymap.actions, key=lambda action: not wanted[action.id]):
        keys = [key for key in wanted[action.id] or action.keys if key not in used]
        used.update(keys)
        actions[action.id] = replace(action, name=names[action.id], keys=tuple(keys))
    said = [number for number, name in enumerate(names) if name.lower() in _IDLE]
    return Keymap(idle=said[0] if said else keymap.idle, actions=tuple(actions.values()))


def _direction(name: str) -> str:
    """Return a direction in the words of `naming`, or what the name says else."""
    words = ["up" if word == "jump" else word for word in name.lower().split("-")]
    return "-".join(sorted(words, key=lambda word: word not in ("up", "down")))
