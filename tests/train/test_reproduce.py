"""The commands of docs/reproduce.md and docs/large-runs.md, at tiny sizes.

Games are not played: each corpus that a command records is drawn, of the frame size that the game
has. Recipes keep their kinds and lose their widths; the clock of large runs runs fast.
"""

import itertools
import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from corpus.store import CorpusCard
from corpus.writing.writer import CorpusWriter
from genie.cli import main
from genie.library.bundle import load_bundle
from train.recipe import load_recipe

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reproduce.md").read_text()
LARGE = (ROOT / "docs" / "large-runs.md").read_text()
SIDE = {"coinrun": 64, "crafter": 72, "miner": 56}
TINY = {
    "tokenizer": {"levels": [3, 3], "dim": 8, "heads": 2, "encoder_layers": 1, "decoder_layers": 1},
    "lam": {"channels": 4},
    "dynamics": {"dim": 8, "heads": 2, "layers": 1, "band": 2},
}
SIDEWAYS = np.array([(0, 1), (0, -1), (1, 0), (-1, 0)])
FEW = {"prompt_candidates": 2, "keymap_pairs": 64, "compared_clips": 4, "compared_frames": 4}
LENGTH = 90  # frames of an episode; actions of a sprite are learnt from more than 80


def commands(world: str) -> list[list[str]]:
    """The commands of a world's section that record, join and train, in their order."""
    section = re.search(rf"^## `{world}`.*?(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)[0]
    making = section.split("On test ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", making, re.DOTALL | re.MULTILINE)
    return [shlex.split(line)[1:] for block in blocks for line in block.splitlines()]


def draw(path: Path, side: int, seeds: range = range(3), cell: int = 0) -> None:
    """Write a corpus: a sprite with two poses stays in the middle, and the ground scrolls.

    It goes by a few pixels, or by `cell` pixels to one side.
    """
    card = CorpusCard(fps=15.0, source="drawn by a test", licence="none", options={})
    writer = CorpusWriter.create(path, (side, side), card, False)
    sprite = np.random.default_rng(1).integers(180, 256, (2, 8, 6, 3), np.uint8)
    top, left = side // 2 - 4, side // 2 - 3
    for seed in seeds:
        rng = np.random.default_rng(seed)
        tile = np.ones((max(8, cell), max(8, cell), 1), np.uint8)
        ground = np.kron(rng.integers(0, 120, (20, 20, 3), np.uint8), tile)
        steps = rng.integers(-2, 3, (LENGTH, 2))
        if cell:
            steps = cell * SIDEWAYS[rng.integers(4, size=LENGTH)]
        at = np.clip(5 * len(tile) + steps.cumsum(0), 0, len(ground) - side)
        frames = np.stack([ground[y : y + side, x : x + side] for y, x in at])
        frames[:, top : top + 8, left : left + 6] = sprite[rng.integers(2, size=LENGTH)]
        writer.add(frames)
        writer.end_episode({"file": str(seed)}, None)
    writer.finish()


def write_tiny(name: str) -> str:
    """Write a recipe that ships with small models and few steps; return its path."""
    recipe = yaml.safe_load((ROOT / "train" / "recipes" / f"{name}.yaml").read_text())
    recipe["settings"]["steps"] = 1
    for stage, sizes in TINY.items():
        recipe[stage]["model"] |= sizes
        recipe[stage]["fit"] |= {"steps": 1, "batch": 2, "checks": 1}
        recipe[stage]["fit"]["frames"] = min(recipe[stage]["fit"]["frames"], 4)
    recipe["dynamics"]["method"] = FEW
    recipe["lam"]["method"] = {"kmeans_batches": 8}
    if recipe["lam"].get("kind") == "player_sprite":
        quick = {"map_pairs": 64, "code_starts": 1, "code_steps": 4, "code_pairs": 64}
        recipe["lam"]["method"] = quick
    if recipe["lam"].get("kind") == "camera_steps":
        recipe["lam"]["method"] = {}
    path = Path(f"{name}.yaml")
    path.write_text(yaml.safe_dump(recipe))
    return str(path)


def tiny(words: list[str], side: int) -> list[str] | None:
    """Return the same command at tiny sizes; a recording is drawn, and None is returned."""
    flags = dict(zip(words, words[1:], strict=False))
    if words[:2] == ["corpus", "record"]:
        larger = flags.get("--size", "").split("x")[0]
        side = int(larger or side)
        draw(Path(flags["--out"]), side, cell=side // 9 if words[2] == "crafter:day" else 0)
        return None
    if words[:2] == ["corpus", "join"]:
        for number, part in enumerate(words[2 : words.index("--out")]):
            draw(Path(part), side, range(number, number + 1))
        return words
    words = list(words)
    if "--minutes" in words:
        del words[words.index("--minutes") : words.index("--minutes") + 2]
    words[words.index("--recipe") + 1] = write_tiny(flags["--recipe"])
    return [*words, "--allow-collapsed"]


@pytest.mark.parametrize("world", SIDE)
def test_the_commands_of_a_shipped_world_make_one(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("train.health.action_health.PAIRS", 16)
    for words in commands(world):
        command = tiny(words, SIDE[world])
        assert command is None or main(command) == 0, words
    (name,) = {words[words.index("--out") + 1] for words in commands(world)[-1:]}
    made = load_bundle(tmp_path / name / "world")
    shipped = load_bundle(ROOT / "worlds" / world)
    assert type(made.lam) is type(shipped.lam)
    assert (made.height, made.width) == (shipped.height, shipped.width)
    assert made.num_actions == shipped.num_actions


def test_no_command_is_replaced_by_a_script():
    assert "script" not in PAGE


def large_runs() -> dict[str, list[str]]:
    """The commands of each large run, whole."""
    runs, several = {}, re.DOTALL | re.MULTILINE
    for title, section in re.findall(r"^## (\d\..*?)\n(.*?)(?=^## )", LARGE, several):
        blocks = "".join(re.findall(r"^```bash\n(.*?)^```", section, several))
        lines = blocks.replace("\\\n", " ").splitlines()
        runs[title] = [line.strip(" &") for line in lines if line.strip().startswith("genie ")]
    return runs


def fast_clock(monkeypatch, seconds: float) -> None:
    """Let every look at the clock of a fit take some seconds."""
    now = itertools.count(0.0, seconds)
    fast = SimpleNamespace(monotonic=lambda: next(now))
    for module in ("train.pipeline", "train.run_directory", "train.loop.clock"):
        monkeypatch.setattr(f"{module}.time", fast)
    monkeypatch.setattr("train.loop.trainer._compiling_pays", lambda *_: False)


@pytest.mark.parametrize("title", [title for title, lines in large_runs().items() if lines])
def test_a_large_run_spends_its_minutes_and_leaves_a_world(title, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("train.health.action_health.PAIRS", 16)
    lines = large_runs()[title]
    lines += lines[-1:] * ("--resume" in lines[-1])  # the same twice
    fast_clock(monkeypatch, 10.0)
    for line in lines:
        words = shlex.split(re.sub(r"\$\(.*\)", "6", line))[1:]
        flags = dict(zip(words, words[1:], strict=False))
        if words[:2] == ["corpus", "record"]:
            for number in range(1, 9) if "$k" in flags["--out"] else [0]:
                side = int(flags.get("--size", "64").split("x")[0])
                part = Path(flags["--out"].replace("$k", str(number)))
                draw(part, side, range(number, number + 2))
            continue
        if words[0] == "train":
            words[words.index("--recipe") + 1] = write_tiny(flags["--recipe"])
        assert main(words) == 0, words
    run, minutes = Path(flags["--out"]), float(flags["--minutes"])
    assert load_bundle(run / "world").info["name"] == run.name
    for stage in ("tokenizer", "lam", "dynamics"):
        last = (run / "logs" / stage / "held-out.csv").read_text().splitlines()[-1]
        whole = load_recipe(flags["--recipe"]).minutes_of(stage, minutes) * 60
        assert whole <= float(last.split(",")[1]) <= whole + 60


def test_at_most_five_large_runs_wait():
    assert 1 <= len(large_runs()) <= 5
