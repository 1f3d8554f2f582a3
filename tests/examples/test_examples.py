"""The scripts of examples/ run on a corpus of a test, each in at most 80 lines."""

import ast
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = sorted(Path(__file__).parent.glob("test_foreign_*.py"))
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))


def code_lines(path: Path) -> int:
    """Lines that are neither blank nor of a docstring."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    strings = [
        node.body[0]
        for node in ast.walk(tree)
        if isinstance(node, documented) and ast.get_docstring(node) is not None
    ]
    prose = {n for s in strings for n in range(s.lineno, s.end_lineno + 1)}
    lines = path.read_text().splitlines()
    return sum(bool(line.strip()) and n not in prose for n, line in enumerate(lines, start=1))


@pytest.mark.parametrize("path", FOREIGN, ids=lambda path: path.stem)
def test_a_foreign_model_takes_thirty_lines_by_public_names(path):
    imported = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)]
    assert {n.module for n in imported} <= {"dataclasses", "torch", "torch.nn", "genie", "train"}
    assert code_lines(path) <= 30


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_an_example_is_short(path):
    assert code_lines(path) <= 60


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a script as if it were started with these arguments; return what it prints."""

    def run(name: str, *arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_a_tokenizer_is_swapped_and_its_world_plays(run, corpus, tmp_path):
    said = run("swap_tokenizer.py", corpus, tmp_path / "out")
    assert "16x16 frames, 4 tokens of 64 codes" in said


def test_a_tokenizer_learns_in_a_loop_of_ones_own(run, corpus):
    said = run("own_training_loop.py", corpus)
    losses = [float(line.split()[-1]) for line in said.splitlines() if line.startswith("step")]
    assert losses[-1] < 0.5 * losses[0] and "held-out PSNR" in said


def test_an_own_world_is_evaluated(corpus, write_recipe, tmp_path):
    from examples.evaluate_own_world import main
    from genie import EvalConfig
    from train import train

    recipe = write_recipe("dynamics", "maskgit")
    train("all", corpus, recipe, tmp_path / "run", allow_collapsed=True)
    config = EvalConfig(clips=2, long_frames=100, speed_frames=8)
    assert main(tmp_path / "run", corpus, config)["tokenizer"]["psnr"] > 5
    assert (tmp_path / "run" / "actions.gif").stat().st_size > 0
