"""Panels and comparisons in windows of any size: nothing is cut off."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pygame
import pytest

from genie.library.card import NamedAction
from genie.media.side_by_side import Panel
from genie.play.game.action_keys import Bindings
from genie.play.game.panels import HelpPanel, KeysPanel, PromptPanel, SavePanel, SlotPanel
from genie.play.game.slots import Slot
from genie.play.game.state import PlayState
from genie.play.game.window_keys import COMMANDS
from genie.play.prompts import PromptHint
from genie.play.screen.drawing import theme
from genie.play.screen.drawing.compare import paint_comparison
from genie.play.screen.drawing.panels import paint_panel

SIZES = [theme.SMALLEST_WINDOW, (1200, 500), (545, 900)]
NAMES = [f"action-{i}" for i in range(40)]


def painted(size, panel):
    surface = pygame.Surface(size)
    paint_panel(panel, surface)
    return pygame.surfarray.array3d(surface).tobytes()


@pytest.fixture
def crowded(card):
    """A card of 40 actions."""
    return replace(card, actions=tuple(NamedAction(name=name, keys=()) for name in NAMES))


@pytest.mark.parametrize("size", SIZES)
def test_every_line_of_the_help_is_seen(size, monkeypatch):
    shown = {painted(size, HelpPanel())}
    for key in COMMANDS:
        with monkeypatch.context() as patch:
            patch.setitem(COMMANDS, key, replace(COMMANDS[key], about="something else"))
            shown.add(painted(size, HelpPanel()))
    assert len(shown) == 1 + len(COMMANDS)


@pytest.mark.parametrize("size", SIZES)
def test_the_action_whose_keys_are_changed_is_seen_with_what_happened(size, crowded):
    panel = KeysPanel(Bindings(crowded), NAMES, frozenset())
    shown = set()
    for action in range(len(NAMES)):
        panel.selected = action
        for note in ("", "done"):
            panel.note = note
            shown.add(painted(size, panel))
    assert len(shown) == 2 * len(NAMES)


@pytest.mark.parametrize("size", SIZES)
def test_the_last_line_of_every_other_panel_is_seen(size, tmp_path, monkeypatch):
    picture = np.full((12, 16, 3), 80, np.uint8)
    slots = [Slot(number=n, path=tmp_path, thumbnail=picture, label="now") for n in range(1, 7)]
    hint = PromptHint(
        picture=picture, seen=picture, psnr=9.0, known_psnr=26.8, surprise=5.0, known_surprise=9.0
    )
    for panel in (SlotPanel(slots, saving=True), SavePanel(marked=True), PromptPanel(hint)):
        whole = painted(size, panel)
        with monkeypatch.context() as patch:
            patch.setattr("genie.play.screen.drawing.panels.hint", lambda *_: 0)
            assert painted(size, panel) != whole


@pytest.mark.parametrize("size", [(720, 520), (1200, 500), (968, 608)])
@pytest.mark.parametrize("count", [5, 40])
def test_a_comparison_shows_every_action(size, count, crowded):
    card = replace(crowded, actions=crowded.actions[:count])
    frame = np.zeros((12, 16, 3), np.uint8)
    state = PlayState(Bindings(card), 0, 15.0)
    comparison = SimpleNamespace(
        card=card,
        bindings=Bindings(card),
        state=state,
        frame_number=0,
        panels=(Panel(title="A", frame=frame), Panel(title="B", frame=frame)),
    )
    shown = set()
    for action in range(count):
        state.shown_action = action
        surface = pygame.Surface(size)
        areas = paint_comparison(surface, comparison, "")
        shown.add(pygame.surfarray.array3d(surface).tobytes())
    assert len(shown) == count
    assert not areas[0].colliderect(areas[1]) and areas[0].bottom < size[1] - 40


def test_a_window_is_never_smaller_than_what_shows_the_actions(screen):
    for size in ((333, 250), (200, 900), (900, 100)):
        pygame.display.set_mode(size, pygame.RESIZABLE)
        screen.tick()
        found = pygame.display.get_surface().get_size()
        assert found == tuple(map(max, size, theme.SMALLEST_WINDOW))
