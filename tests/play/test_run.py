"""One play from end to end with a world that has no weights."""

import json
import threading

import numpy as np
import pygame
import pytest
from PIL import Image

from genie.play.options import PlayOptions
from genie.play.run import play
from genie.play.screen.drawing.start import paint_loading
from genie.session.log import Session

HEIGHT, WIDTH = 12, 16


@pytest.fixture
def without_display(monkeypatch):
    monkeypatch.delenv("SDL_VIDEODRIVER", raising=False)
    monkeypatch.setattr("genie.play.screen.display.start_display", lambda: False)


def frames_of(path):
    with Image.open(path) as image:
        return image.n_frames


def test_headless_play_records_every_frame_and_writes_timings(folder, world, load, workplace):
    options = PlayOptions(
        headless=True,
        keys="right*4 a1",
        frames=7,
        seed=9,
        record=workplace / "out.gif",
        timings=workplace / "timings.json",
    )
    play(folder, options, load)
    assert world.actions == [2, 2, 2, 2, 1, 0, 0]
    assert world.resets[-1] == (50, 9)
    assert frames_of(workplace / "out.gif") == 7
    timings = json.loads((workplace / "timings.json").read_text())
    assert timings["frames"] == 7
    assert timings["fps"] > 0
    assert 0 < timings["p50_ms"] <= timings["p95_ms"]
    assert timings["steps"] == 2


def test_headless_play_without_record_writes_nothing(folder, world, load, workplace, capsys):
    play(folder, PlayOptions(headless=True), load)
    assert world.actions == [2, 2, 2, 2, 3, 0, 0]
    assert list(workplace.iterdir()) == []
    assert "7 frames; the models can make" in capsys.readouterr().out


def test_without_a_display_the_demo_is_played_into_a_gif(
    folder, world, load, workplace, without_display, capsys
):
    play(folder, PlayOptions(), load)
    play(folder, PlayOptions(), load)
    assert sorted(path.name for path in workplace.iterdir()) == ["rollout-2.gif", "rollout.gif"]
    assert frames_of(workplace / "rollout.gif") == 7
    said = capsys.readouterr().out
    assert "No display found" in said
    assert "To play it in a browser: genie serve\n" in said
    assert "rollout.gif: 7 frames" in said
    assert "frames per second" in said


def test_without_a_display_a_chosen_recording_is_kept_to(
    folder, load, workplace, without_display, capsys
):
    play(folder, PlayOptions(frames=2, record=workplace / "mine.gif"), load)
    assert [path.name for path in workplace.iterdir()] == ["mine.gif"]
    assert "genie serve" not in capsys.readouterr().out


def test_a_prompt_of_ones_own_comes_before_those_of_the_world(folder, world, load, workplace):
    Image.fromarray(np.full((30, 30, 3), 77, np.uint8)).save("mine.png")
    play(folder, PlayOptions(headless=True, frames=1, prompt=workplace / "mine.png"), load)
    assert world.resets[-1] == (77, 0)


def test_the_window_opens_before_the_world_is_loaded(folder, world, workplace, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    shown = []

    def load(path, options, say):
        surface = pygame.display.get_surface()
        shown.append(len(np.unique(pygame.surfarray.array3d(surface))))
        return world

    options = PlayOptions(keys="right*2", frames=3, record=workplace / "w.mp4")
    play(folder, options, load)
    assert shown[0] > 2
    assert world.actions == [2, 2, 0]
    assert (workplace / "w.mp4").stat().st_size > 0
    assert not pygame.display.get_init()


@pytest.mark.parametrize("versus", [False, True])
def test_a_bar_says_what_is_being_loaded(folder, world, monkeypatch, versus):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    shown, said = [], threading.Event()

    def note(surface, title, what="", fraction=0.0):
        paint_loading(surface, title, what, fraction)
        shown.append((what, fraction, pygame.surfarray.array3d(surface).tobytes()))
        if what == "dynamics":
            said.set()

    def load(path, options, say):
        say("dynamics", 0.6)
        assert said.wait(60)
        return world

    monkeypatch.setattr("genie.play.screen.app.paint_loading", note)
    options = {"versus": str(folder)} if versus else {}
    play(folder, PlayOptions(frames=1, **options), load)
    fractions = [fraction for what, fraction, _ in shown if what == "dynamics"]
    assert fractions[0] == pytest.approx(0.3 if versus else 0.6, abs=0.15)
    assert len({picture for _, _, picture in shown}) >= 2


def test_the_log_itself_can_be_the_recording(folder, world, load, workplace, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    for number, headless in enumerate((True, False)):
        path = workplace / f"{number}.session"
        play(folder, PlayOptions(headless=headless, keys="right*2 a1", frames=3, record=path), load)
        session = Session.read(path)
        assert [session[i].action for i in range(len(session))] == [4, 2, 2, 1]


@pytest.mark.parametrize("headless", [True, False])
def test_a_log_that_stopped_is_not_called_recorded(
    folder, load, workplace, full_disk, monkeypatch, capsys, headless
):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    options = PlayOptions(headless=headless, frames=5, record=workplace / "x.session")
    told = "is not whole: no space left on device at frame 3"
    if headless:
        with pytest.raises(OSError, match=rf"x\.session {told}"):
            play(folder, options, load)
    else:
        play(folder, options, load)
    said = capsys.readouterr().out
    assert "recorded" not in said and (headless or told in said)


def test_the_window_logs_every_session_in_the_users_folder(folder, load, home, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    play(folder, PlayOptions(frames=3), load)
    (path,) = (home / "data" / "sessions").iterdir()
    session = Session.read(path)
    assert len(session) == 4
    assert session.header.card.path == folder


def test_a_folder_that_refuses_the_log_does_not_end_play(
    folder, world, load, home, monkeypatch, capsys
):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    home.write_text("a file where a folder should be")
    play(folder, PlayOptions(frames=3), load)
    assert len(world.actions) == 3
    assert "the log of this play is not whole" in capsys.readouterr().out


def test_an_error_while_loading_closes_the_window(folder, workplace, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")

    def load(path, options, say):
        raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        play(folder, PlayOptions(), load)
    assert not pygame.display.get_init()


def test_ctrl_c_keeps_what_was_recorded(folder, world, load, workplace, monkeypatch):
    step = world.step

    def interrupted(action):
        if len(world.actions) == 4:
            raise KeyboardInterrupt
        return step(action)

    monkeypatch.setattr(world, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        play(folder, PlayOptions(headless=True, frames=9, record=workplace / "out.gif"), load)
    assert frames_of(workplace / "out.gif") == 4
