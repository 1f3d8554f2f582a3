"""What happened in the window: keys, clicks, drops. A gamepad has keys too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pygame

_STICK = 0.5  # how far a stick has to go before it counts as a key
_AXES = (("pad left", "pad right"), ("pad up", "pad down"))


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key that went down or up; a gamepad's are called as `genie.play.game.action_keys` says."""

    name: str
    down: bool


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """The mouse moved or clicked at x and y, pixels."""

    place: tuple[int, int]
    click: bool


@dataclass(frozen=True, kw_only=True)
class Drop:
    """A file was dropped on the window, or a text that may be the path of one."""

    path: str


@dataclass(frozen=True)
class FocusLost:
    """Another window has the keyboard now."""


@dataclass(frozen=True)
class Closed:
    """The window is to be closed."""


Event = Key | Pointer | Drop | FocusLost | Closed


class Events:
    """Translates pygame's events; knows which way a stick points."""

    def __init__(self) -> None:
        """Begin with sticks and hats in the middle; gamepads that are there can be used."""
        self._pads: dict[int, pygame.joystick.JoystickType] = {}
        self._directions: dict[tuple, str] = {}
        pygame.joystick.init()

    def poll(self) -> Iterator[Event]:
        """Yield what happened since the last call."""
        for event in pygame.event.get():
            yield from self.translate(event)

    def translate(self, event: pygame.event.Event) -> Iterator[Event]:
        """Yield what one of pygame's events means, if anything."""
        match event.type:
            case pygame.QUIT:
                yield Closed()
            case pygame.KEYDOWN | pygame.KEYUP:
                yield Key(name=key_name(event.key), down=event.type == pygame.KEYDOWN)
            case pygame.MOUSEMOTION:
                yield Pointer(place=event.pos, click=False)
            case pygame.MOUSEBUTTONDOWN if event.button == 1:
                yield Pointer(place=event.pos, click=True)
            case pygame.DROPFILE:
                yield Drop(path=event.file)
            case pygame.DROPTEXT:  # what browsers make of a picture: its address
                yield Drop(path=event.text)
            case pygame.WINDOWFOCUSLOST:
                yield FocusLost()
            case pygame.JOYDEVICEADDED:
                pad = pygame.joystick.Joystick(event.device_index)
                self._pads[pad.get_instance_id()] = pad  # without a reference it falls silent
            case pygame.JOYDEVICEREMOVED:
                self._pads.pop(event.instance_id, None)
            case pygame.JOYBUTTONDOWN | pygame.JOYBUTTONUP:
                yield Key(name=f"pad {event.button}", down=event.type == pygame.JOYBUTTONDOWN)
            case pygame.JOYAXISMOTION if event.axis < len(_AXES):
                place = (event.instance_id, "axis", event.axis)
                yield from self._point(place, _AXES[event.axis], event.value, _STICK)
            case pygame.JOYHATMOTION:
                x, y = event.value
                yield from self._point((event.instance_id, "hat", 0), _AXES[0], x, 0.5)
                yield from self._point((event.instance_id, "hat", 1), _AXES[1], -y, 0.5)

    def _point(
        self, place: tuple, names: tuple[str, str], value: float, least: float
    ) -> Iterator[Key]:
        """Yield keys that go up and down as a stick or hat moves along one axis."""
        new = names[value > 0] if abs(value) > least else ""
        old = self._directions.get(place, "")
        if new == old:
            return
        self._directions[place] = new
        if old:
            yield Key(name=old, down=False)
        if new:
            yield Key(name=new, down=True)


def key_name(key: int) -> str:
    """Return pygame's name of a key; the number block's keys are called as the others."""
    name = pygame.key.name(key).strip("[]") or pygame.key.name(key)
    return "=" if name == "+" else name  # one key on many keyboards
