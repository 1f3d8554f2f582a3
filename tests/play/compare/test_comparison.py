"""Two plays under the same keys: worlds whose tokens say what they were played with."""

import json
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pygame
import pytest
from PIL import Image

from genie.play.compare.comparison import Comparison, EpisodeOpponent, WorldOpponent
from genie.play.compare.opponents import open_opponent
from genie.play.options import PlayOptions
from genie.play.player import Player
from genie.play.run import play
from genie.play.screen.compare_loop import CompareScreen
from genie.play.screen.window import Window
from genie.play.setup import PlaySetup
from genie.session.log import Session


@pytest.fixture
def other(tmp_path, world):
    """Another world of the same make, whose keys stand for other ids."""
    path = tmp_path / "worlds" / "other"
    path.mkdir(parents=True)
    card = json.loads((tmp_path / "worlds" / "toy" / "world.json").read_text())
    (path / "world.json").write_text(json.dumps({**card, "title": "Other"}))
    keymap = json.loads((tmp_path / "worlds" / "toy" / "keymap.json").read_text())
    one, two = keymap["actions"][1], keymap["actions"][2]
    one["keys"], two["keys"] = two["keys"], one["keys"]
    one["name"], two["name"] = two["name"], one["name"]
    (path / "keymap.json").write_text(json.dumps(keymap))
    opponent = type(world)()
    return SimpleNamespace(path=path, world=opponent)


@pytest.fixture
def comparison(card, player, other):
    opponent = WorldOpponent(
        "Other", Player(other.world, other.world.bundle.prompts, 5), (0, 2, 1, 3)
    )
    return Comparison(card, player, opponent)


def test_both_worlds_play_the_same_keys(comparison, world, other):
    for key in ("left", "right", "up"):
        comparison.press(key, 0.0)
        comparison.tick(0.1)
        comparison.release(key)
    assert world.actions == [1, 2, 3]
    assert other.world.actions == [2, 1, 3]
    assert [panel.title for panel in comparison.panels] == ["Toy", "Other"]
    assert [int(panel.frame[0, 0, 0]) for panel in comparison.panels] == [180, 180]


def test_both_begin_again_from_the_same_picture_and_stand_still_together(comparison, world, other):
    comparison.tick(0.1)
    comparison.press("n", 0.1)
    assert world.resets[-1] == other.world.resets[-1] == (90, 5)
    comparison.press("p", 0.1)
    comparison.tick(0.2)
    assert (world.actions, other.world.actions) == ([], [])
    comparison.press("r", 0.2)
    assert world.resets[-1] == (90, 5)


def test_an_episode_dictates_the_keys_and_ends(card, player, world):
    frames = [np.full((12, 16, 3), shade, np.uint8) for shade in (10, 20, 30)]
    comparison = Comparison(card, player, EpisodeOpponent("real", frames, [2, 3]))
    comparison.press("left", 0.0)
    shown = []
    for _ in range(4):
        comparison.tick(0.1)
        shown.append(int(comparison.panels[1].frame[0, 0, 0]))
    assert world.actions == [2, 3]
    assert shown == [20, 30, 30, 30]
    assert "over" in comparison.state.message(0.1)
    comparison.press("r", 0.1)
    assert int(comparison.panels[1].frame[0, 0, 0]) == 10
    with pytest.raises(ValueError, match="at least two"):
        EpisodeOpponent("short", frames[:1], [])


def test_a_session_log_is_an_episode(card, folder, world, tmp_path):
    played = Player(world, world.bundle.prompts, seed=5, path=folder)
    for action in (2, 2, 1):
        played.advance(action)
    played.session.write(tmp_path / "s.session")
    loaded, again = [], Player(world, world.bundle.prompts, seed=1)

    def load(path, options, say):
        loaded.append(path)
        return type(world)()

    options = PlayOptions(versus=str(tmp_path / "s.session"))
    opponent = open_opponent(PlaySetup(card, options, load), again)
    assert loaded == [folder]
    assert list(opponent.prev_actions) == [2, 2, 1]
    comparison = Comparison(card, again, opponent)
    for _ in range(3):
        comparison.tick(0.1)
        assert (comparison.panels[0].frame == comparison.panels[1].frame).all()


def test_the_window_shows_both_pictures_sharp(comparison, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    try:
        screen = CompareScreen(Window((968, 608), "comparison"), comparison)
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_RIGHT))
        screen.tick()
        shown = np.swapaxes(pygame.surfarray.array3d(pygame.display.get_surface()), 0, 1)
        for area, panel in zip(screen.areas, comparison.panels, strict=True):
            scale = area.width // 16
            large = panel.frame.repeat(scale, 0).repeat(scale, 1)
            assert scale > 1
            assert (shown[area.top : area.bottom, area.left : area.right] == large).all()
        assert not screen.areas[0].colliderect(screen.areas[1])
        pygame.event.post(pygame.event.Event(pygame.QUIT))
        screen.run()
    finally:
        pygame.quit()


def test_damaged_keys_are_told_in_the_window_and_do_not_matter_without_one(
    comparison, window, other, folder, world, workplace
):
    path = comparison.bindings.save()
    path.write_text("{")
    worlds = {folder: world, other.path: other.world}
    options = PlayOptions(headless=True, frames=1, versus=str(other.path))
    play(folder, options, lambda path, *_: worlds[path])
    assert comparison.state.message(0.0) == ""
    screen = CompareScreen(window, comparison)
    screen.tick()
    assert f"{path} is damaged" in comparison.state.message(time.monotonic())
    assert comparison.bindings.action("left") == 1


def test_a_picture_that_is_dropped_on_a_comparison_is_told(comparison, window):
    screen = CompareScreen(window, comparison)
    pygame.event.post(pygame.event.Event(pygame.DROPFILE, file="a.png"))
    screen.tick()
    assert "cannot be dropped on two plays" in comparison.state.message(time.monotonic())


@pytest.mark.parametrize("headless", [True, False])
def test_a_comparison_is_recorded_side_by_side(
    folder, other, world, workplace, monkeypatch, headless
):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    worlds = {folder: world, other.path: other.world}
    options = PlayOptions(
        headless=headless,
        keys="right*2 left",
        frames=3,
        versus=str(other.path),
        record=workplace / "both.gif",
    )
    play(folder, options, lambda path, *_: worlds[path])
    assert world.actions == [2, 2, 1]
    assert other.world.actions == [1, 1, 2]
    with Image.open(workplace / "both.gif") as image:
        assert image.n_frames == 3
        assert image.width > 2 * 256


def test_what_is_no_opponent_is_one_line(folder, world, workplace):
    for versus, complaint in (("nowhere", "no world is called"), ("x.session", "no session at")):
        options = PlayOptions(headless=True, frames=1, versus=versus)
        with pytest.raises(OSError, match=complaint):
            play(folder, options, lambda path, *_: world)
    with pytest.raises(ValueError, match="films only"):
        options = PlayOptions(
            headless=True, frames=1, versus=str(folder), record=workplace / "x.session"
        )
        play(folder, options, lambda path, *_: world)


@pytest.mark.parametrize("name", ["s.session", "v.mp4"])
@pytest.mark.parametrize("flag", [{"keys": "right"}, {"prompt": "p.png"}])
def test_an_episode_takes_neither_keys_nor_a_picture(folder, player, workplace, name, flag):
    header = replace(player.session.header, card=replace(player.session.header.card, path=folder))
    Session(header).write("s.session")
    (workplace / "v.mp4").write_bytes(b"")
    Image.new("RGB", (16, 12)).save("p.png")
    with pytest.raises(ValueError, match=f"{name} has its own keys and first picture: leave out"):
        play(folder, PlayOptions(headless=True, versus=name, **flag), load=None)
