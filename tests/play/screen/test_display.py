import os
import subprocess
import sys
from pathlib import Path

import pytest

from genie.play.screen.display import is_invisible

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("driver", "asked_for", "invisible"),
    [
        ("offscreen", None, True),
        ("dummy", None, True),
        ("dummy", "", True),
        ("dummy", "dummy", False),
        ("offscreen", "offscreen", False),
        ("x11", None, False),
        ("cocoa", None, False),
        ("windows", "windows", False),
    ],
)
def test_only_an_invisible_driver_that_nobody_asked_for_is_no_display(driver, asked_for, invisible):
    assert is_invisible(driver, asked_for) == invisible


def start(driver):
    """What start_display says in a process without a display."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER", "XDG_RUNTIME_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
    if driver is not None:
        environment["SDL_VIDEODRIVER"] = driver
    code = "from genie.play.screen.display import start_display; print(start_display())"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have a display")
def test_a_machine_without_a_display_is_recognised_without_a_word_of_sdls():
    result = start(None)
    assert result.stdout.split() == ["False"]
    assert result.stderr == ""


def test_the_dummy_driver_is_a_display_for_who_asks_for_it():
    assert start("dummy").stdout.split() == ["True"]


def test_a_driver_that_does_not_exist_is_named():
    result = start("nowhere")
    assert result.returncode == 1
    assert "ValueError: SDL_VIDEODRIVER=nowhere does not work here" in result.stderr
