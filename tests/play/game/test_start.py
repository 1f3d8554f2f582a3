"""The gallery: what keys and mouse choose, and what is painted."""

import json
from pathlib import Path

import numpy as np
import pygame
import pytest
from PIL import Image

from genie.play.game.gallery import read_gallery
from genie.play.game.start import Choice, StartState
from genie.play.recent import KEPT, end_log, last_session, new_log
from genie.play.screen.drawing.start import paint_start
from genie.play.screen.start_loop import StartScreen


def add_prompts(path, shades):
    (path / "prompts").mkdir()
    for number, shade in enumerate(shades):
        picture = np.full((12, 16, 3), shade, np.uint8)
        Image.fromarray(picture).save(path / "prompts" / f"{number:02d}.png")


@pytest.fixture
def worlds(tmp_path, folder, home, monkeypatch):
    """One world that ships, one of the user's, and a damaged one."""
    import shutil

    add_prompts(folder, range(40, 100, 10))
    index = {"format": 1, "default": "toy", "worlds": [{"name": "toy", "title": "Toy"}]}
    index["worlds"][0]["path"] = "toy"
    (folder.parent / "index.json").write_text(json.dumps(index))
    monkeypatch.setattr("genie.library.catalog.worlds_folder", lambda: folder.parent)
    mine = home / "data" / "worlds" / "mine"
    shutil.copytree(folder, mine)
    (home / "data" / "worlds" / "broken").mkdir()
    (home / "data" / "worlds" / "broken" / "world.json").write_text("{")
    return read_gallery()


@pytest.fixture
def state(worlds):
    return StartState(worlds)


def test_the_gallery_shows_shipped_worlds_then_the_users_and_leaves_out_damaged_ones(worlds):
    assert [world.card.path.name for world in worlds] == ["toy", "mine"]
    assert [int(prompt[0, 0, 0]) for prompt in worlds[0].prompts] == [40, 50, 60, 70, 80, 90]
    assert worlds[0].recent is None


def test_keys_choose_a_picture_and_a_world(state):
    for key in ("right", "right", "down", "left", "up"):
        assert state.press(key) is None
    assert state.prompt == 1
    assert state.press("return") == Choice(world=0, prompt=1)
    state.press("tab")
    assert state.press("space") == Choice(world=1, prompt=0)
    assert state.press("c") is None  # there is no session to go on with
    state.press("escape")
    assert state.quit


def test_the_mouse_chooses_what_it_points_at(state):
    surface = pygame.Surface((896, 624))
    targets = paint_start(surface, state)
    places = {(choice.world, choice.prompt): area for area, choice in targets}
    assert len(targets) == 6 + 2
    assert state.point(Choice(world=0, prompt=4), click=False) is None
    assert state.prompt == 4
    assert state.point(Choice(world=0, prompt=4), click=True) == Choice(world=0, prompt=4)
    assert state.point(Choice(world=1, prompt=0), click=True) is None
    assert state.world == 1
    assert not places[0, 4].colliderect(places[0, 5])


def test_what_is_selected_stays_in_sight_where_there_is_little_room(state):
    surface = pygame.Surface((720, 400))
    for prompt, hidden in ((0, 5), (5, 0)):
        state.prompt = prompt
        targets = [choice for _, choice in paint_start(surface, state)]
        assert Choice(world=0, prompt=prompt) in targets[2:]
        assert Choice(world=0, prompt=hidden) not in targets[2:]


def test_pictures_are_painted_sharp_and_the_chosen_one_stands_out(state):
    shown = []
    for prompt in (0, 1):
        state.prompt = prompt
        surface = pygame.Surface((896, 624))
        targets = paint_start(surface, state)
        shown.append(pygame.surfarray.array3d(surface))
    area = next(area for area, choice in targets if choice == Choice(world=0, prompt=3))
    assert tuple(shown[0][area.center]) == (70, 70, 70)
    assert (shown[0] != shown[1]).any()


def test_a_click_on_a_picture_ends_the_start_screen_and_warming_up_is_said(window, state):
    asked = []
    screen = StartScreen(window, state, lambda world: bool(asked.append(world)))
    screen.tick()
    assert asked == [0]
    assert state.message == "warming up …"
    area = next(area for area, choice in screen._targets if choice == Choice(world=0, prompt=2))
    for kind in (pygame.MOUSEMOTION, pygame.MOUSEBUTTONDOWN):
        pygame.event.post(pygame.event.Event(kind, pos=area.center, button=1))
    assert screen.run() == Choice(world=0, prompt=2)


def test_a_dropped_picture_is_chosen_and_a_complaint_is_shown_if_it_is_none(
    window, state, workplace
):
    (workplace / "text.png").write_text("hello")
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save("mine.png")
    screen = StartScreen(window, state, lambda world: True)

    def drop(path):
        pygame.event.post(pygame.event.Event(pygame.DROPFILE, file=path))
        return screen.tick(), pygame.surfarray.array3d(window.surface)

    screen.tick()
    before = pygame.surfarray.array3d(window.surface)
    choice, shown = drop("text.png")
    assert choice is None
    assert "not a picture" in state.complaint
    assert (shown != before).any()
    state.press("right")
    assert state.complaint == ""
    assert drop("mine.png")[0] == Choice(world=0, prompt=1, picture=Path("mine.png"))


@pytest.mark.parametrize("kind", ["file", "text"])
def test_whatever_is_dropped_is_answered_with_the_whole_reason(window, state, tmp_path, kind):
    long = tmp_path / ("a-folder-with-a-long-name-" * 4) / "of-the-picture.png"
    long.parent.mkdir()
    long.write_text("hello")
    screen = StartScreen(window, state, lambda world: True)
    pictures = []
    for dropped in (str(long), str(tmp_path), "https://example.org/a.png"):
        for words in (dropped, "x" * len(dropped)):
            event = pygame.DROPFILE if kind == "file" else pygame.DROPTEXT
            pygame.event.post(pygame.event.Event(event, {kind: words}))
            assert screen.tick() is None
            assert state.complaint
        pictures.append(pygame.surfarray.array3d(window.surface).tobytes())
        state.complaint = state.complaint.replace("give", "take")  # at the end of the line
        screen.tick()
        assert pygame.surfarray.array3d(window.surface).tobytes() != pictures[-1]


def test_the_last_session_is_offered_and_only_if_something_was_played(player, home):
    session = player.session
    assert last_session("f" * 64) is None
    session.log_to(new_log("toy"))
    player.advance(1)
    player.advance(1)
    session.close()
    found = last_session("f" * 64)
    assert (found.path, found.frames) == (session.path, 3)
    assert last_session("e" * 64) is None


def test_a_session_in_which_nothing_was_drawn_leaves_no_log(player):
    player.session.log_to(new_log("toy"))
    path = player.session.path
    assert path.exists()
    end_log(player.session)
    assert not path.exists()


def test_the_oldest_logs_make_room(home):
    folder = home / "data" / "sessions"
    folder.mkdir(parents=True)
    import os

    for number in range(KEPT + 3):
        path = folder / f"toy-20260101-000000-{number:03d}.session"
        path.touch()
        os.utime(path, (number, number))
    new_log("toy")
    left = sorted(path.name for path in folder.iterdir())
    assert (len(left), left[0]) == (KEPT - 1, "toy-20260101-000000-004.session")
