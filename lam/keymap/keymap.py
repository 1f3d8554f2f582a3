"""Which key stands for which latent action."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from lam.keymap.displacement import Measure
    from lam.keymap.naming import CodeEffect

_FORMAT = 1
# Any word of a row finds the action that bears another word of it.
_SYNONYMS = (("up", "jump"), ("none", "idle", "noop"))
_IDLE_WORDS = _SYNONYMS[1]
_ARROWS = ("left", "right", "up", "down")
_NAME = re.compile(r"[^\s*]+")
_NUMBERED = re.compile(r"a(\d+)")


@dataclass(frozen=True, kw_only=True)
class KeyAction:
    """One action as the player meets it.

    Attributes:
        id: action id, 0 … A−1.
        name: what it does, unique in its keymap, without space or asterisk (`name*count` is the
            grammar of scripted keys).
        keys: names of keyboard keys as pygame spells them; digits are not listed, the window binds
            them to ids by itself.
        effect: what was measured: kind ("camera": the frame moves because the camera follows,
            "object": a part of it moves, "none"), dx and dy (pixels per frame in the player's
            direction, right and down positive, beyond what the idle action shows), moving_share
            (fraction of its transitions in which something moved), agreement (fraction of those
            whose own direction is within 45° of dx, dy; for "none" those that stood still). Empty
            if the keymap was written by hand.
    """

    id: int
    name: str
    keys: tuple[str, ...] = ()
    effect: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Refuse a name that scripted keys could not spell."""
        object.__setattr__(self, "keys", tuple(self.keys))
        object.__setattr__(self, "effect", dict(self.effect))
        if isinstance(self.id, bool) or not isinstance(self.id, int) or self.id < 0:
            raise ValueError(f"an action id is an integer from 0, got {self.id!r}")
        if not isinstance(self.name, str) or not _is_name(self.name):
            raise ValueError(
                f"action {self.id} has the name {self.name!r}: a name has no space or asterisk"
            )
        numbered = _NUMBERED.fullmatch(self.name)
        if numbered and int(numbered[1]) != self.id:
            raise ValueError(f"action {self.id} is called {self.name!r}, the name of another id")
        if not all(isinstance(key, str) and key and key.isprintable() for key in self.keys):
            raise ValueError(f"action {self.id} has keys {self.keys!r}: give names such as 'left'")


@dataclass(frozen=True, kw_only=True)
class Keymap:
    """The actions of a world, by id, with names and keys.

    Attributes:
        idle: id of the action played while no key is held.
        actions: one KeyAction for each id 0 … A−1; given in any order, kept in the order of ids.
    """

    idle: int
    actions: tuple[KeyAction, ...]

    def __post_init__(self) -> None:
        """Refuse ids that are not 0 … A−1 and names or keys that two actions share."""
        actions = tuple(sorted(self.actions, key=lambda action: action.id))
        object.__setattr__(self, "actions", actions)
        ids = [action.id for action in actions]
        if not ids or ids != list(range(len(ids))):
            raise ValueError(f"a keymap lists every action id from 0 once, got {ids}")
        if isinstance(self.idle, bool) or not isinstance(self.idle, int) or self.idle not in ids:
            raise ValueError(f"idle is action {self.idle!r}, allowed are 0 to {len(ids) - 1}")
        for what, words in (
            ("name", [action.name for action in actions]),
            ("key", [key for action in actions for key in action.keys]),
        ):
            shared = sorted({word for word in words if words.count(word) > 1})
            if shared:
                raise ValueError(f"two actions share the {what} {shared[0]!r}: make it unique")

    @property
    def num_actions(self) -> int:
        """Return A."""
        return len(self.actions)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the name of every action in the order of ids."""
        return tuple(action.name for action in self.actions)

    @property
    def key_bindings(self) -> dict[str, int]:
        """Return key name to action id."""
        return {key: action.id for action in self.actions for key in action.keys}

    def without_names(self, still: Collection[int]) -> Keymap:
        """Return the same actions; those that move nothing have plain numbers and no keys.

        Args:
            still: ids of actions under which nothing moves; what is called "none" stays so.
        """
        return replace(
            self,
            actions=tuple(
                replace(action, name=f"action-{action.id}", keys=())
                if action.id in still and action.name.split("-")[0] != "none"
                else action
                for action in self.actions
            ),
        )

    def name_of(self, action_id: int) -> str:
        """Return the name of an action id; ValueError if there is none."""
        if not 0 <= action_id < self.num_actions:
            raise ValueError(
                f"there is no action {action_id}: this world has 0 to {self.num_actions - 1}"
            )
        return self.actions[action_id].name

    def by_name(self, name: str) -> int:
        """Find an action id by name.

        Args:
            name: a name of this keymap, a synonym (up and jump; none, idle and noop), or `a<id>`
                such as "a0", in upper or lower case. Where no action bears such a name, a word for
                idle finds the idle action, and that of an arrow what the arrow plays.

        Raises:
            ValueError: if no action is called so; the known names are listed.
        """
        found = self._find(name.strip().lower())
        if found is None:
            words = [*_ARROWS, *(word for row in _SYNONYMS for word in row)]
            also = [word for word in dict.fromkeys(words) if word not in self.names]
            also = [word for word in also if self._find(word) is not None]
            others = f"also called {', '.join(also)}, " if also else ""
            raise ValueError(
                f"no action is called {name!r}: this world has {', '.join(self.names)}, {others}"
                f"or a0 to a{self.num_actions - 1}"
            )
        return found

    def _find(self, word: str) -> int | None:
        """Return the id of an action by a name in lower case, or None."""
        ids = {action.name.lower(): action.id for action in self.actions}
        numbered = _NUMBERED.fullmatch(word)
        if numbered and int(numbered[1]) < self.num_actions:
            return int(numbered[1])
        row = next((row for row in _SYNONYMS if word in row), ())
        for candidate in (word, *row):
            if candidate in ids:
                return ids[candidate]
        for candidate in (word, *row):
            if candidate in _ARROWS and candidate in self.key_bindings:
                return self.key_bindings[candidate]
        return self.idle if word in _IDLE_WORDS else None

    def to_json(self) -> dict[str, Any]:
        """Return the record that `keymap.json` holds."""
        actions = [
            {
                "id": action.id,
                "name": action.name,
                "keys": list(action.keys),
                "effect": dict(action.effect),
            }
            for action in self.actions
        ]
        return {"format": _FORMAT, "idle": self.idle, "actions": actions}

    @classmethod
    def from_json(cls, record: Any) -> Keymap:
        """Read what `to_json` returned.

        Raises:
            ValueError: if the format is another one, or a field is missing or wrong.
        """
        if not isinstance(record, Mapping):
            raise ValueError(f"keymap.json must hold an object, got {type(record).__name__}")
        if record.get("format") != _FORMAT:
            raise ValueError(
                f"keymap.json has format {record.get('format')!r}, this version reads {_FORMAT}: "
                "install a newer version if the world is newer"
            )
        try:
            actions = tuple(
                KeyAction(
                    id=entry["id"],
                    name=entry["name"],
                    keys=_key_list(entry["keys"]),
                    effect=dict(entry["effect"]),
                )
                for entry in record["actions"]
            )
            return cls(idle=record["idle"], actions=actions)
        except KeyError as error:
            raise ValueError(f"keymap.json lacks {error.args[0]!r}: export the world again") from (
                None
            )
        except (TypeError, AttributeError) as error:
            raise ValueError(f"keymap.json is malformed ({error}): export it again") from None


def derive_keymap(
    frames_before: Tensor,
    frames_after: Tensor,
    actions: Tensor,
    num_actions: int,
    measure: Measure | None = None,
) -> Keymap:
    """Name every latent action by the displacement that goes with it.

    Where most of the frame moves, the camera follows the player and the key is opposite to the
    shift; where a small part moves, the key is along it. The action that moves least is idle, and
    what it shows by itself (gravity, other creatures) is subtracted from the others.

    Args:
        frames_before: uint8 or float in [0, 1], (P, 3, H, W): frame t of real transitions, or
            prompts.
        frames_after: the same shape: frame t + 1, or the prediction of an action from the prompt.
        actions: int64 (P,): the action of each pair, 0 … A−1.
        num_actions: A.
        measure: finds what moved; None: block matching of whole frames.

    Returns:
        A Keymap of A actions. Names are left, right, up, down, the four diagonals, "forward" and
        "back" (the picture grows or shrinks), "none" (nothing happens) or "mixed" (it moves in no
        one direction); the second strongest of a name is called e.g. left-2, unless the two part
        to either side: up-left and up-right.

    Raises:
        ValueError: if shapes do not fit, there are no pairs, or an action is out of range.
    """
    from lam.keymap.naming import assign_keys, assign_names, measure_effects  # loads torch

    given = {} if measure is None else {"measure": measure}
    pairs = frames_before, frames_after
    effects, idle = measure_effects(*pairs, actions, num_actions, **given)
    names = assign_names(effects, idle)
    keys = assign_keys(effects, names)
    described = (
        KeyAction(id=code, name=names[code], keys=keys[code], effect=_effect_record(effect))
        for code, effect in enumerate(effects)
    )
    return Keymap(idle=idle, actions=tuple(described))


def _is_name(name: str) -> bool:
    return name.isprintable() and _NAME.fullmatch(name) is not None


def _key_list(keys: Any) -> tuple[str, ...]:
    # A string would become one key per letter.
    if isinstance(keys, str):
        raise ValueError(f"the keys of an action are a list, got the string {keys!r}")
    return tuple(keys)


def _effect_record(effect: CodeEffect) -> dict[str, Any]:
    """Return an effect as plain json values."""
    return {
        "kind": effect.kind,
        "dx": round(effect.dx, 3),
        "dy": round(effect.dy, 3),
        "moving_share": round(effect.moving_share, 3),
        "agreement": round(effect.agreement, 3),
    }
