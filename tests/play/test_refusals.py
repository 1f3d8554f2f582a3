"""What a play refuses before it begins, each in one plain line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from genie.device import pick_device
from genie.play.options import PlayOptions
from genie.play.run import play
from genie.play.setup import load_with


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
