"""What commands load before they begin, and what play.py passes on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from genie import cli

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = [
    [],
    *([word] for word in ("play", "replay", "worlds", "export", "train", "evaluate")),
    *([word] for word in ("compare", "card", "bench", "corpus")),
    *(["corpus", word] for word in ("build", "record", "report")),
]


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_explains_itself(capsys, words):
    assert cli.main([*words, "--help"]) == 0
    assert "usage: genie" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--help"], ["play", "--help"], ["worlds"], ["--version"]])
def test_light_commands_load_neither_torch_nor_lightning_nor_pygame(arguments):
    code = (
        "import sys; from genie.cli import main; status = main(sys.argv[1:]);"
        "print({'torch', 'lightning', 'pygame', 'av', 'zarr'} & set(sys.modules), file=sys.stderr);"
        "sys.exit(status)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0
    assert result.stderr.strip() == "set()"


@pytest.mark.parametrize(
    ("chosen", "spins"),
    [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "ACTIVE"}, None)],
)
def test_threads_wait_briefly_for_each_other_unless_told_how(monkeypatch, capsys, chosen, spins):
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "to come back")
        monkeypatch.delenv(name)
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["--version"]) == 0
    assert os.environ.get("GOMP_SPINCOUNT") == spins


def test_play_py_passes_its_arguments_to_play():
    result = subprocess.run(
        [sys.executable, str(ROOT / "play.py"), "no-such-world", "--headless"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr.startswith("genie: no world is called 'no-such-world'")
    assert result.stderr.count("\n") == 1
