"""Play from the start screen: worlds, pictures that are dropped, sessions that go on."""

import json
import time
from dataclasses import replace

import numpy as np
import pygame
import pytest
from PIL import Image

from corpus.lock import Lock
from genie.play.game.gallery import read_gallery
from genie.play.options import PlayOptions
from genie.play.recent import new_log
from genie.play.run import play
from genie.play.screen.events import Closed, Drop, Key
from genie.session.log import Session

HEIGHT, WIDTH = 12, 16


@pytest.fixture
def gallery(folder, monkeypatch):
    """The gallery holds the one world; returns a function that makes keys come in turn."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    index = {"format": 1, "default": "toy", "worlds": []}
    index["worlds"].append({"name": "toy", "title": "Toy", "path": "toy"})
    (folder.parent / "index.json").write_text(json.dumps(index))
    monkeypatch.setattr("genie.library.catalog.worlds_folder", lambda: folder.parent)
    (folder / "prompts").mkdir()
    for number, shade in enumerate((50, 90)):
        picture = np.full((HEIGHT, WIDTH, 3), shade, np.uint8)
        Image.fromarray(picture).save(folder / "prompts" / f"{number}.png")

    def keys(*names):
        waiting = list(names)

        def poll(self):
            pygame.event.pump()
            if waiting:
                name = waiting.pop(0)
                if not name:
                    return
                if name.startswith("drop "):
                    yield Drop(path=name.removeprefix("drop "))
                else:
                    yield Closed() if name == "close" else Key(name=name, down=True)

        monkeypatch.setattr("genie.play.screen.events.Events.poll", poll)

    return keys


def test_from_the_gallery_to_play_and_back_and_on_from_where_it_was(
    folder, world, load, gallery, home
):
    gallery("right", "return", "2", "2", "escape", "c", "3", "escape", "escape")
    play(folder, PlayOptions(gallery=True), load)
    assert (90, 0) in world.resets
    (path,) = (home / "data" / "sessions").iterdir()
    session = Session.read(path)
    actions = [session[i].action for i in range(len(session))]
    assert actions[0] == 4
    assert 2 in actions and actions[-1] == 3
    assert len(session.ends()) == 1


def test_a_session_that_another_program_writes_is_not_continued_and_the_gallery_says_so(
    folder, load, gallery, home, monkeypatch
):
    gallery("return", "2", "escape", "escape")
    play(folder, PlayOptions(gallery=True), load)
    (path,) = (home / "data" / "sessions").iterdir()
    before, said = path.read_bytes(), []
    shown = "genie.play.screen.start_loop.paint_start"
    monkeypatch.setattr(shown, lambda surface, state: said.append(state.complaint) or [])
    gallery("c", "", "return", "3", "escape", "escape")
    with Lock(path):
        play(folder, PlayOptions(gallery=True), load)
    assert "the session is open in another window: close it there first" in said
    assert said[-1] == "" and path.read_bytes() == before


def test_two_sessions_begun_in_one_second_have_two_logs(home, monkeypatch):
    monkeypatch.setattr("genie.play.recent.time.strftime", lambda form: "20261128-120000")
    first = new_log("toy")
    first.parent.mkdir(parents=True)
    first.write_text("a play")
    assert new_log("toy") != first


def test_a_damaged_session_is_not_continued_and_the_gallery_says_so(
    folder, load, gallery, home, monkeypatch
):
    gallery("return", "2", "escape", "escape")
    play(folder, PlayOptions(gallery=True), load)
    said, shown = [], "genie.play.screen.start_loop.paint_start"
    monkeypatch.setattr(shown, lambda surface, state: said.append(state.complaint) or [])
    monkeypatch.setattr(Session, "resume", lambda path: Session(Session.read(path).header))
    gallery("c", "", "escape")
    play(folder, PlayOptions(gallery=True), load)
    assert any("cannot be continued: the log holds no frame" in line for line in said)


def test_a_session_of_another_precision_is_not_continued_and_the_gallery_says_what_to_do(
    folder, world, load, gallery, home, monkeypatch
):
    gallery("return", "2", "escape", "escape")
    play(folder, PlayOptions(gallery=True), load)
    said, shown = [], "genie.play.screen.start_loop.paint_start"
    monkeypatch.setattr(shown, lambda surface, state: said.append(state.complaint) or [])
    world.bundle.precision = "bfloat16"
    for _ in range(2):  # the refused log is free again
        gallery("c", "", "c", "", "escape", "escape", "escape")
        play(folder, PlayOptions(gallery=True), load)
    complaints = {line for line in said if line}
    assert len(complaints) == 1
    assert "start play with --precision float32 to go on" in complaints.pop()


@pytest.mark.parametrize("name", ["mine.gif", "mine.session"])
def test_a_second_game_from_the_gallery_is_recorded_beside_the_first(
    folder, load, gallery, workplace, name
):
    gallery("return", "2", "2", "escape", "return", "escape", "return", "3", "escape", "escape")
    play(folder, PlayOptions(gallery=True, record=workplace / name), load)
    stem, suffix = name.split(".")
    found = {path.name for path in workplace.iterdir()}
    assert {name, f"{stem}-2.{suffix}"} <= found


def test_a_session_that_goes_on_is_recorded_beside_its_log(
    folder, load, gallery, home, workplace, capsys
):
    gallery("return", "2", "escape", "escape")
    play(folder, PlayOptions(gallery=True), load)
    gallery("c", "3", "escape", "escape")
    play(folder, PlayOptions(gallery=True, record=workplace / "mine.session"), load)
    (log,) = (home / "data" / "sessions").iterdir()
    assert (workplace / "mine.session").read_bytes() == log.read_bytes()
    assert Session.read(log).actions([len(Session.read(log)) - 1]).tolist() == [3]
    assert f"recorded {workplace / 'mine.session'}" in capsys.readouterr().out


def test_a_world_that_cannot_be_loaded_is_told_in_the_gallery_and_tried_again(
    folder, world, gallery, home, monkeypatch
):
    said = []

    def load(path, options, say):
        if not said:
            raise ValueError("the weights are damaged")
        return world

    monkeypatch.setattr(
        "genie.play.screen.start_loop.paint_start",
        lambda surface, state: said.extend(filter(None, [state.complaint])) or [],
    )
    gallery("return", "", "return", "2", "escape", "escape")
    play(folder, PlayOptions(gallery=True), load)
    assert set(said) == {"the weights are damaged"}
    # Of the log: the world itself begins anew behind the gallery.
    (path,) = (home / "data" / "sessions").iterdir()
    assert Session.read(path)[1].action == 2


def test_a_film_from_the_keys_stays_beside_that_of_the_whole_play(folder, load, gallery, workplace):
    gallery("return", "2", "", "l", "2", "", "", "escape", "escape")
    play(folder, PlayOptions(gallery=True, record=workplace / "toy.gif"), load)
    frames = []
    for name in ("toy.gif", "toy-2.gif"):
        with Image.open(workplace / name) as film:
            frames.append(film.n_frames)
    assert frames[0] > frames[1] > 0


def test_a_session_that_exists_is_not_recorded_over(workplace):
    (workplace / "x.session").write_text("an hour of play")
    with pytest.raises(FileExistsError, match="choose a name that is free"):
        PlayOptions(headless=True, record=workplace / "x.session")
    assert (workplace / "x.session").read_text() == "an hour of play"


def test_a_picture_dropped_on_the_gallery_is_played_from(folder, world, load, gallery, workplace):
    Image.fromarray(np.full((24, 32, 3), 77, np.uint8)).save("mine.png")
    (workplace / "text.png").write_text("hello")
    gallery("drop text.png", "drop mine.png", "return", "2", "escape", "return", "escape", "escape")
    play(folder, PlayOptions(gallery=True), load)
    assert (77, 0) in world.resets
    assert world.resets[-1] == (50, 0)  # the next game has the world's own prompts again


def test_a_picture_dropped_while_the_world_is_loaded_is_shown_once_it_is(
    folder, world, workplace, monkeypatch
):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    Image.fromarray(np.full((24, 32, 3), 77, np.uint8)).save("mine.png")

    def load(path, options, say):
        for event in (
            pygame.event.Event(pygame.DROPFILE, file=str(workplace / "mine.png")),
            pygame.event.Event(pygame.KEYDOWN, key=pygame.K_RETURN),
        ):
            pygame.event.post(event)
        return world

    play(folder, PlayOptions(frames=2), load)
    assert world.resets[-1][0] == 77


def test_a_world_that_is_gone_after_a_game_leaves_the_others_to_choose(
    folder, world, load, gallery, monkeypatch
):
    (toy,) = read_gallery()
    other = replace(toy, card=replace(toy.card, path=folder.parent / "gone"))
    found = [[toy, other], [replace(toy, prompts=toy.prompts[:1])]]
    monkeypatch.setattr(
        "genie.play.screen.app.read_gallery", lambda: found.pop(0) if len(found) > 1 else found[0]
    )
    gallery("tab", "right", "return", "2", "escape", "return", "2", "escape", "escape")
    play(folder, PlayOptions(gallery=True), load)
    assert world.resets[-1] == (50, 0)


def test_closing_the_window_in_a_game_does_not_show_the_gallery_again(folder, load, gallery):
    gallery("return", "close")
    play(folder, PlayOptions(gallery=True), load)
    assert not pygame.display.get_init()


def test_of_the_gallery_the_chosen_world_is_loaded_before_pictures_are_read(
    folder, load, gallery, monkeypatch
):
    order = []

    def note(path, options, say):
        order.append("world")
        return load(path, options, say)

    def read_late():
        until = time.monotonic() + 60
        while not order and time.monotonic() < until:
            time.sleep(0.01)
        order.append("pictures")
        return read_gallery()

    monkeypatch.setattr("genie.play.screen.app.read_gallery", read_late)
    gallery("return", "escape", "escape")
    play(folder, PlayOptions(gallery=True), note)
    assert order[:2] == ["world", "pictures"]
    assert order.count("world") == 1  # and kept for the next game
