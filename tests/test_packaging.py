"""What a wheel holds, and that names of files and packages don't collide."""

import configparser
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKED = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
PACKAGES = [name for name in PACKED if name != "worlds"]
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """The wheel as hatchling builds it from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    (path,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(path) as archive:
        yield archive


def files_below(folder: Path, pattern: str = "*") -> list[Path]:
    return [
        path for path in folder.rglob(pattern) if path.is_file() and "__pycache__" not in path.parts
    ]


def test_every_package_of_the_root_is_listed():
    found = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert found == set(PACKAGES)


def test_the_wheel_holds_the_packages_the_worlds_and_nothing_else(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}
    info = {top for top in tops if top.endswith(".dist-info")}
    assert len(info) == 1
    assert tops - info == set(PACKED)


@pytest.mark.parametrize("package", PACKED)
def test_the_wheel_holds_every_file_of_a_package(wheel, package):
    here = {path.relative_to(ROOT).as_posix() for path in files_below(ROOT / package)}
    assert here
    assert here <= set(wheel.namelist())


def test_the_wheel_installs_the_genie_command(wheel):
    (name,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    parser = configparser.ConfigParser()
    parser.read_string(wheel.read(name).decode())
    assert parser["console_scripts"]["genie"] == "genie.cli:main"


def test_an_unpacked_wheel_finds_the_worlds_it_carries(wheel, tmp_path):
    wheel.extractall(tmp_path)
    code = "from genie.library.catalog import find_world; print(find_world(None).resolve())"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert Path(result.stdout.strip()).parent == tmp_path.resolve() / "worlds"


def test_the_metadata_names_the_distribution_and_the_tried_versions(wheel):
    (name,) = [name for name in wheel.namelist() if name.endswith("METADATA")]
    lines = wheel.read(name).decode().split("\n\n")[0].splitlines()
    assert "Name: genie-worlds" in lines
    assert "License-Expression: Apache-2.0" in lines
    (python,) = [line for line in lines if line.startswith("Requires-Python: ")]
    assert set(python.removeprefix("Requires-Python: ").split(",")) == {">=3.11", "<3.14"}
    (torch,) = [line for line in lines if line.startswith("Requires-Dist: torch<")]
    assert torch == "Requires-Dist: torch<2.14,>=2.9"


def test_the_workflow_tries_every_python_that_is_claimed():
    prefix = "Programming Language :: Python :: "
    claimed = [line.removeprefix(prefix) for line in PROJECT["project"]["classifiers"]]
    claimed = [version for version in claimed if version.startswith("3.")]
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    quoted = ", ".join(f'"{version}"' for version in claimed)
    assert f"python: [{quoted}]" in workflow


def test_no_file_has_the_name_of_a_package():
    inside = [path for package in PACKAGES for path in files_below(ROOT / package, "*.py")]
    shadows = [path for path in inside if path.stem in PACKAGES]
    assert inside
    assert not shadows, shadows


def test_fitting_files_are_named_fit():
    stages = ("tokenizer", "lam", "dynamics")
    names = {path.name for path in (ROOT / "train").glob("*.py")}
    assert {f"fit_{stage}.py" for stage in stages} <= names


def test_tests_have_no_init_files():
    assert not files_below(ROOT / "tests", "__init__.py")


def test_worlds_stay_below_their_limit():
    size = sum(path.stat().st_size for path in files_below(ROOT / "worlds"))
    assert 0 < size < 32 * MEGABYTE


def test_worlds_hold_only_what_cannot_run_code():
    allowed = {".json", ".safetensors", ".png", ".md"}
    assert {path.suffix for path in files_below(ROOT / "worlds")} <= allowed


def test_files_outside_worlds_and_docs_are_small():
    folders = [*PACKAGES, "tests", "benchmarks"]
    sources = [path for folder in folders for path in files_below(ROOT / folder)]
    large = [path for path in sources if path.stat().st_size > 500_000]
    assert sources
    assert not large, large
