"""Is there a display? SDL never fails: without one it draws into memory, where nobody looks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pygame

_INVISIBLE = ("offscreen", "dummy")
_RUNTIME, _NOWHERE = "XDG_RUNTIME_DIR", "/nonexistent"


def is_invisible(driver: str, asked_for: str | None) -> bool:
    """Tell whether SDL chose an invisible driver that SDL_VIDEODRIVER did not ask for."""
    return driver in _INVISIBLE and not asked_for


def start_display() -> bool:
    """Start SDL's video if there is a display, or SDL_VIDEODRIVER asks for an invisible one.

    Raises:
        ValueError: if SDL_VIDEODRIVER names a driver that does not work here.
    """
    asked_for = os.environ.get("SDL_VIDEODRIVER")
    try:
        with _quiet_wayland():
            pygame.display.init()
    except pygame.error as error:
        if asked_for:
            raise ValueError(
                f"SDL_VIDEODRIVER={asked_for} does not work here ({error}): unset it, or play "
                "with --headless"
            ) from None
        return False
    if is_invisible(pygame.display.get_driver(), asked_for):
        pygame.display.quit()
        return False
    return True


@contextmanager
def _quiet_wayland() -> Iterator[None]:
    """Keep Wayland's library, which SDL tries first, from complaining where there is no Wayland."""
    # Without this variable it prints "error: XDG_RUNTIME_DIR is invalid", before SDL goes on to the
    # next driver; with a folder that does not exist it only fails. What else is printed is kept.
    if os.environ.get(_RUNTIME):
        yield
        return
    os.environ[_RUNTIME] = _NOWHERE
    try:
        yield
    finally:
        del os.environ[_RUNTIME]
