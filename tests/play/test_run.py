"""One play from end to end with a world that has no weights."""

import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pygame
import pytest
import torch
from PIL import Image

from corpus.lock import Lock
from genie.device import pick_device
from genie.play.game.gallery import read_gallery
from genie.play.options import PlayOptions
from genie.play.recent import new_log
from genie.play.run import play
from genie.play.screen.drawing.start import paint_loading
from genie.play.screen.events import Closed, Drop, Key
from genie.play.setup import load_with
from genie.session.log import Session

HEIGHT, WIDTH = 12, 16


@pytest.fixture
def load(world):
    """A loader of the fake world."""
    return lambda path, options, say: world


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


def test_the_log_itself_can_be_the_recording(folder, world, load, workplace, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    for number, headless in enumerate((True, False)):
        path = workplace / f"{number}.session"
        play(folder, PlayOptions(headless=headless, keys="right*2 a1", frames=3, record=path), load)
        session = Session.read(path)
        assert [session[i].action for i in range(len(session))] == [4, 2, 2, 1]


def test_the_window_logs_every_session_in_the_users_folder(folder, load, home, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    play(folder, PlayOptions(frames=3), load)
    (path,) = (home / "data" / "sessions").iterdir()
    session = Session.read(path)
    assert len(session) == 4
    assert session.header.card.path == folder


def test_a_folder_that_refuses_the_log_does_not_end_play(folder, world, load, home, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    home.write_text("a file where a folder should be")
    play(folder, PlayOptions(frames=3), load)
    assert len(world.actions) == 3


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


@pytest.mark.parametrize("name", ["mine.gif", "mine.session"])
def test_a_second_game_from_the_gallery_is_recorded_beside_the_first(
    folder, load, gallery, workplace, name
):
    gallery("return", "2", "2", "escape", "return", "escape", "return", "3", "escape", "escape")
    play(folder, PlayOptions(gallery=True, record=workplace / name), load)
    stem, suffix = name.split(".")
    found = {path.name for path in workplace.iterdir()}
    assert {name, f"{stem}-2.{suffix}"} <= found


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


def test_closing_the_window_in_a_game_does_not_show_the_gallery_again(folder, load, gallery):
    gallery("return", "close")
    play(folder, PlayOptions(gallery=True), load)
    assert not pygame.display.get_init()


def test_an_error_while_loading_closes_the_window(folder, workplace, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")

    def load(path, options, say):
        raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        play(folder, PlayOptions(), load)
    assert not pygame.display.get_init()


def test_an_unknown_key_name_is_refused_before_anything_is_written(folder, load, workplace):
    options = PlayOptions(headless=True, keys="fly", record=workplace / "out.gif")
    with pytest.raises(ValueError, match="right"):
        play(folder, options, load)
    assert list(workplace.iterdir()) == []


@pytest.mark.parametrize("headless", [True, False])
@pytest.mark.parametrize(
    ("flag", "complaint"),
    [
        ({"keys": "right*2 fly"}, "'fly'"),
        ({"steps": 0}, "steps must be between 1 and 64"),
        ({"temperature": -1.0}, "temperature must be between"),
        ({"device": "cuda"}, "--device cuda is not available"),
        ({"prompt": "none.png"}, "none.png"),
    ],
)
def test_a_wrong_flag_is_refused_before_the_world_is_loaded(
    folder, workplace, monkeypatch, headless, flag, complaint
):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises((ValueError, FileNotFoundError), match=complaint):
        play(folder, PlayOptions(headless=headless, **flag), load=None)


@pytest.mark.parametrize("headless", [True, False])
@pytest.mark.parametrize("versus", ["nosuch", "nosuch.session", "nosuch.mp4"])
def test_an_opponent_that_is_not_there_is_refused_before_the_world_is_loaded(
    folder, monkeypatch, headless, versus
):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    with pytest.raises(FileNotFoundError, match="nosuch"):
        play(folder, PlayOptions(headless=headless, versus=versus), load=None)


@pytest.mark.parametrize(
    ("flag", "complaint"),
    [
        ({"steps": 0}, "steps must be between 1 and 64"),
        ({"temperature": float("nan")}, "temperature must be between"),
        ({"keys": "right*0"}, "must be 1 or more"),
        ({"keys": " "}, "--keys is empty"),
    ],
)
def test_a_wrong_value_is_refused_before_torch_is_loaded(flag, complaint):
    code = (
        "import sys\nfrom genie.play.run import PlayOptions\n"
        f"try: PlayOptions(**{flag!r})\nexcept ValueError as error: print(error)\n"
        "print('torch' in sys.modules)"
    ).replace("nan", "float('nan')")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    said = done.stdout.splitlines()
    assert complaint in said[0] and said[1] == "False", done


def test_there_are_at_most_as_many_threads_as_cores(world, folder, monkeypatch):
    monkeypatch.setattr("genie.world.World.load", lambda path, device, say, precision: world)
    asked = []
    monkeypatch.setattr("torch.set_num_threads", asked.append)
    monkeypatch.setattr("genie.library.loading.usable_cores", lambda: 4)
    for threads in (2, 999):
        load_with(folder, PlayOptions(threads=threads))
    assert asked == [2, 4]


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


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"frames": 0}, "--frames is 0"),
        ({"seed": -1}, "--seed is -1"),
        ({"threads": 0}, "--threads is 0"),
        ({"device": "tpu"}, "auto, cpu, cuda, mps"),
    ],
)
def test_options_out_of_range_say_what_is_allowed(values, complaint):
    with pytest.raises(ValueError, match=complaint):
        PlayOptions(**values)


@pytest.mark.parametrize("option", ["record", "timings"])
@pytest.mark.parametrize("suffix", [".gif", ".mp4", ".png", ".session"])
def test_a_target_that_takes_no_file_is_one_plain_line_before_play(tmp_path, option, suffix):
    (tmp_path / "file").write_text("no folder")
    (tmp_path / f"folder{suffix}").mkdir()
    targets = ["x" * 300 + suffix, f"file/x{suffix}", f"folder{suffix}"]
    if Path("/proc/self").exists():
        targets.append(f"/proc/x{suffix}")  # which even root cannot write
    before = sorted(tmp_path.iterdir())
    for target in targets:
        with pytest.raises(OSError) as error:
            PlayOptions(**{option: tmp_path / target})
        assert re.match("cannot (write|record to)", str(error.value)), error.value
        assert "Errno" not in str(error.value) and target[-20:] in str(error.value)
    assert sorted(tmp_path.iterdir()) == before


def test_files_that_cannot_be_written_are_refused_before_play(tmp_path):
    with pytest.raises(ValueError, match=r"\.gif or \.mp4"):
        PlayOptions(record=tmp_path / "out.avi")
    with pytest.raises(FileNotFoundError, match="make the folder"):
        PlayOptions(timings=tmp_path / "none" / "t.json")


def test_only_the_settings_that_were_given_are_changed(world, folder, monkeypatch):
    monkeypatch.setattr("genie.world.World.load", lambda path, device, say, precision: world)
    monkeypatch.setattr("genie.play.setup.pick_threads", lambda work: 1)
    before = world.bundle.settings
    assert load_with(folder, PlayOptions()).settings == before
    changed = load_with(folder, PlayOptions(steps=5)).settings
    assert (changed.steps, changed.temperature) == (5, before.temperature)
    changed = load_with(folder, PlayOptions(temperature=0.25)).settings
    assert (changed.steps, changed.temperature) == (before.steps, 0.25)


def test_a_device_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert pick_device("auto") == pick_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match="--device cuda is not available here"):
        pick_device("cuda")


@pytest.mark.parametrize("flag", [{"frames": 10**18}, {"seed": 1 << 64}, {"threads": 10**9}])
def test_a_flag_beyond_any_machine_is_refused(flag):
    with pytest.raises(ValueError, match="or less"):
        PlayOptions(**flag)
