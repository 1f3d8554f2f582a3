"""The Containerfile, as far as it can be checked without building it."""

import json
import re
import shlex
import tomllib
from pathlib import Path

from genie.cli import build_parser
from genie.library.catalog import list_worlds

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LINES = [
    line.split(maxsplit=1)
    for line in (ROOT / "Containerfile").read_text().splitlines()
    if line and not line.startswith("#")
]


def given(word: str) -> list[str]:
    """What follows each instruction of a kind, in order."""
    return [rest for instruction, rest in LINES if instruction == word]


def test_it_copies_what_is_there_and_all_that_a_wheel_holds():
    copied = [name for rest in given("COPY") for name in rest.split()[:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    packed = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    described = [PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]]
    assert {"pyproject.toml", *packed, *described} == set(copied)


def test_it_installs_the_torch_and_an_extra_of_the_project():
    installed = [shlex.split(rest)[-1] for rest in given("RUN") if rest.startswith("pip install")]
    torch, project = installed
    assert torch in PROJECT["project"]["dependencies"]
    extras = re.fullmatch(r"\.(?:\[([\w,]+)\])?", project)[1]
    known = PROJECT["project"]["optional-dependencies"]
    assert not extras or set(extras.split(",")) <= set(known)
    (image,) = given("FROM")
    (version,) = re.findall(r"python:([\d.]+)-slim", image)
    assert any(line.endswith(f":: {version}") for line in PROJECT["project"]["classifiers"])


def test_its_command_is_one_of_the_programs_and_runs_without_rights():
    assert json.loads(*given("ENTRYPOINT")) == ["genie"]
    command = json.loads(*given("CMD"))
    values = build_parser().parse_args(command).as_dict()[command[0]]
    names = {card.alias for card in list_worlds()}
    assert set(values.get("worlds") or [values.get("world")]) <= {*names, None}
    words = [word for word, _ in LINES]
    assert given("USER") == ["genie"] and words.index("USER") < words.index("CMD")
    assert "RUN" not in words[words.index("USER") :]
