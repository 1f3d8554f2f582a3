"""What an import drags in: fitting works on a bare server, and asking for help is quick."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("spacetime", "corpus", "tokenizer", "lam", "dynamics", "train")
ABSENT = ("pygame", "av", "imageio", "gymnasium", "h5py", "pyarrow", "array_record")
HEAVY = ("torch", "numpy", "lightning", "pytorch_lightning", "torchmetrics", "zarr", "pygame", "av")
HEAVY += ("huggingface_hub",)

# Refuses the modules in ABSENT as if they were not installed, whatever is on this machine.
REFUSE = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {ABSENT!r}:
            raise ModuleNotFoundError(f"No module named {{name}} (refused by the test)")
sys.meta_path.insert(0, Refuse())
"""


def run(code: str, *arguments: str) -> subprocess.CompletedProcess:
    """Run code in a fresh interpreter at the root of the checkout."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )


def loaded_after(code: str, *arguments: str) -> set[str]:
    """The top-level modules that are loaded once the code has run."""
    ending = """
import json, sys
print("\\n" + json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""
    result = run(code + ending, *arguments)
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout.splitlines()[-1]))


def modules(room: str) -> list[str]:
    """Every module of a room, dotted."""
    files = (ROOT / room).rglob("*.py")
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    return sorted(name.removesuffix(".__init__") for name in names)


@pytest.mark.parametrize("name", ABSENT)
def test_the_refusal_itself_works(name):
    result = run(REFUSE + f"import {name}")
    assert result.returncode == 1
    assert "refused by the test" in result.stderr


def test_every_module_of_the_fitting_rooms_imports_without_window_video_and_games():
    names = [name for room in ROOMS for name in modules(room)]
    assert "train.pipeline" in names
    lines = "\n".join(f"import {name}" for name in [*names, "genie"])
    result = run(REFUSE + lines)
    assert result.returncode == 0, result.stderr


def test_playing_without_a_window_imports_no_pygame():
    lines = (
        "import genie.world, genie.rollouts.rollout, genie.library.bundle, genie.library.catalog"
    )
    result = run(REFUSE + lines)
    assert result.returncode == 0, result.stderr


def test_import_genie_loads_nothing_heavy():
    assert loaded_after("import genie").isdisjoint(HEAVY)


def test_import_genie_world_loads_neither_lightning_nor_pygame():
    loaded = loaded_after("import genie.world")
    assert "torch" in loaded
    assert loaded.isdisjoint({"lightning", "pytorch_lightning", "pygame", "train"})
    assert "huggingface_hub" not in loaded
    # Longer to import than a world to load; only a codebook that learns needs it.
    assert "vector_quantize_pytorch" not in loaded


@pytest.mark.parametrize("arguments", [["--help"], ["play", "--help"], ["--version"]])
def test_asking_the_command_for_help_loads_no_lightning(arguments):
    code = """
import sys
from genie.cli import main
try:
    status = main(sys.argv[1:])
except SystemExit as stop:
    status = stop.code
assert not status, status
"""
    loaded = loaded_after(code, *arguments)
    assert loaded.isdisjoint({"lightning", "pytorch_lightning", "train"})


def test_the_window_loads_no_lightning():
    names = modules("genie/play")
    assert names
    loaded = loaded_after("\n".join(f"import {name}" for name in names))
    assert loaded.isdisjoint({"lightning", "pytorch_lightning", "train", "huggingface_hub"})
