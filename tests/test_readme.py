"""The commands of the README and the guide, and the Python example, are run as they stand.

The blocks are told apart by what follows the fence: `sh setup-play` and `sh setup-test` hold the
two set-up lines, which `.ci/run` runs in fresh environments; `sh` holds commands and `python` the
example, which are run here. Anything else after a fence is refused, so that no command escapes.
"""

import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
GUIDE = (ROOT / "docs" / "guide.md").read_text()
VIDEOS = "my-videos"  # the reader's own videos; the test draws some
GENIE = "import sys; from genie.cli import main; sys.exit(main())"
# All commands in one interpreter, which loads torch and lightning once.
GENIE_IN_TURN = """
import json, sys
from genie.cli import main

for arguments in json.loads(sys.argv[1]):
    print("$ genie", *arguments, flush=True)
    if status := main(arguments):
        sys.exit(status)
"""


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced code block: what follows the fence, and its lines."""

    mark: str
    lines: tuple[str, ...]


def blocks(text: str) -> list[Block]:
    """Every fenced block of a page, in order; raises ValueError for a fence that is left open."""
    found, mark, lines = [], None, []
    for line in text.splitlines():
        if mark is None and line.startswith("```"):
            mark, lines = line[3:].strip(), []
        elif mark is not None and line == "```":
            found.append(Block(mark=mark, lines=tuple(lines)))
            mark = None
        elif mark is not None:
            lines.append(line)
    if mark is not None:
        raise ValueError(f"the block ```{mark} is not closed")
    return found


def commands(text: str) -> list[str]:
    """The lines of all `sh` blocks without comments, then every other `genie …` in the prose."""
    lines = [line for block in blocks(text) if block.mark == "sh" for line in block.lines]
    stripped = [line.split("  #")[0].strip() for line in lines]
    shown = [line for line in stripped if line and not line.startswith("#")]
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return list(dict.fromkeys([*shown, *re.findall(r"(?<!`)`(genie [^`]+)`", prose)]))


def argv(command: str) -> list[str]:
    """What to start for a command; raises ValueError for one that is not known."""
    match shlex.split(command):
        case ["genie", *arguments]:
            return [sys.executable, "-c", GENIE, *with_small_recipe(arguments)]
        case ["python", "play.py", *arguments]:
            return [sys.executable, str(ROOT / "play.py"), *arguments]
    raise ValueError(f"the tests do not know this command: {command}")


def with_small_recipe(arguments: list[str]) -> list[str]:
    """The same arguments, training with the recipe that takes seconds."""
    before = ["", *arguments[:-1]]
    pairs = zip(before, arguments, strict=True)
    return ["smoke" if flag == "--recipe" else argument for flag, argument in pairs]


def run(arguments: list[str], folder: Path) -> subprocess.CompletedProcess:
    """Run without a display in a folder, with this checkout's packages."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["PYTHONPATH"] = str(ROOT)
    return subprocess.run(
        arguments,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def run_in_turn(lines: list[list[str]], folder: Path) -> subprocess.CompletedProcess:
    """Run what `argv` returned, one after the other; `genie` commands that follow each other
    share an interpreter. The result is that of the first that fails, else of the last."""
    for genie, group in itertools.groupby(lines, key=lambda line: GENIE in line):
        group = list(group)
        if genie:
            arguments = json.dumps([line[3:] for line in group])
            group = [[sys.executable, "-c", GENIE_IN_TURN, arguments]]
        for line in group:
            result = run(line, folder)
            if result.returncode:
                return result
    return result


def outputs(command: str) -> list[str]:
    """The files and folders that a command is told to write."""
    words = shlex.split(command)
    flags = ("--out", "--record", "--json", "--plots")
    return [after for word, after in zip(words, words[1:], strict=False) if word in flags]


def draw_video(path: Path, seed: int, frames: int = 48) -> None:
    """Write 64x64 frames of striped ground that scrolls, with a block that hops, as H.264."""
    generator = np.random.default_rng(seed)
    columns, offset, height = np.arange(64), 0, 0
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=15, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv444p"
        step = 0
        for index in range(frames):
            if index % 6 == 0:
                step, height = int(generator.integers(-1, 2)), int(generator.integers(0, 3)) * 4
            offset += 3 * step
            frame = np.full((64, 64, 3), 40, np.uint8)
            frame[48:] = np.where(((columns + offset) // 8 % 2)[:, None], 200, 90)
            frame[36 - height : 48 - height, 28:36] = (230, 60, 60)
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


@pytest.fixture
def reader(tmp_path) -> Path:
    """A reader's folder, with some videos of their own."""
    (tmp_path / VIDEOS).mkdir()
    for seed in range(4):
        draw_video(tmp_path / VIDEOS / f"{seed}.mp4", seed)
    return tmp_path


# What a reader makes is called my-…; the other commands need none of it, so both halves can run
# at the same time.
@pytest.mark.parametrize("own", [True, False], ids=["own", "shipped"])
def test_every_command_runs_and_writes_what_it_says(reader, own):
    assert commands(README) and commands(GUIDE)
    lines = dict.fromkeys([*commands(README), *commands(GUIDE)])
    lines = [command for command in lines if ("my-" in command) == own]
    result = run_in_turn([argv(command) for command in lines], reader)
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    for command in lines:
        for name in outputs(command):
            assert (reader / name).exists(), f"{command}: {name} is missing"
        for name in re.findall(r"\S+\.gif", command):
            with Image.open(reader / name) as image:
                assert image.n_frames > 1, f"{command}: {name} does not move"


def test_the_python_example_runs_as_it_stands(tmp_path):
    (example,) = [block for block in blocks(README) if block.mark == "python"]
    result = run([sys.executable, "-c", "\n".join(example.lines)], tmp_path)
    assert result.returncode == 0, result.stderr
    with Image.open(tmp_path / "right.gif") as image:
        assert image.n_frames > 1


def test_the_python_example_takes_about_ten_lines():
    (example,) = [block for block in blocks(README) if block.mark == "python"]
    assert 1 <= len([line for line in example.lines if line]) <= 12


def test_no_block_escapes():
    assert {block.mark for block in blocks(README)} <= {
        "sh",
        "sh setup-play",
        "sh setup-test",
        "python",
    }
    assert {block.mark for block in blocks(GUIDE)} == {"sh"}


@pytest.mark.parametrize(
    ("word", "end"),
    [("play", "&& python play.py"), ("test", '".[test]" && pytest -n auto --dist worksteal')],
)
def test_set_up_is_one_line_that_ci_runs_literally(word, end):
    (block,) = [block for block in blocks(README) if block.mark == f"sh setup-{word}"]
    (line,) = block.lines
    assert line.startswith("pip install -e ")
    assert line.endswith(end)
    assert f"fresh {word}\n" in (ROOT / ".ci" / "run").read_text()


def test_every_recipe_of_the_table_exists():
    table = GUIDE.split("\n## Recipes\n")[1].split("\n## ")[0]
    named = re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)
    assert set(named) == {path.stem for path in (ROOT / "train" / "recipes").glob("*.yaml")}


def test_every_place_of_the_tree_exists_and_every_folder_is_named():
    tree = README.split("## The tree")[1].split("\n## ")[0]
    named = re.findall(r"^\| `([^`]+)` \|", tree, flags=re.MULTILINE)
    assert [name for name in named if not (ROOT / name).exists()] == []
    packages = {f"{path.parent.name}/" for path in ROOT.glob("*/__init__.py")}
    assert packages | {"tests/", "docs/", "worlds/", "benchmarks/"} <= set(named)


def test_a_command_that_nobody_knows_is_refused():
    text = "```sh\ncurl example.org\n```\n"
    (command,) = commands(text)
    with pytest.raises(ValueError, match="curl example.org"):
        argv(command)


def test_comments_are_dropped_and_commands_in_the_prose_are_found():
    text = "See `genie a`.\n```sh\n# note\ngenie b  # why\n```\nand `genie b`, `x`.\n"
    assert commands(text) == ["genie b", "genie a"]


def test_an_open_block_is_refused():
    with pytest.raises(ValueError, match="not closed"):
        blocks("```sh\ngenie worlds\n")


def test_training_is_run_with_the_small_recipe():
    assert argv("genie train all --recipe gpu --out r")[3:] == [
        "train",
        "all",
        "--recipe",
        "smoke",
        "--out",
        "r",
    ]
