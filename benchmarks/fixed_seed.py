"""Fingerprints of every recipe and every shipped world under a fixed seed.

A refactor leaves them as they were: run this before and after, and compare the two files. Each
recipe is fitted for 25 steps a stage in float32 on one thread, each world plays 100 frames.

    python benchmarks/fixed_seed.py --corpora DIR --json before.json

DIR holds built corpora called 64, 72 and 56 after the height of their square frames.
"""

import argparse
import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
KEYS = "right*15 left*15 none*10 {third}*20 {fourth}*20 right*20"
SIZES = {"crafter": 72, "miner": 56}
"""Frame heights of the recipes that are not for 64x64."""
LARGEST_BATCH = {"gpu": 1}
"""Recipes for a GPU are fitted with smaller batches here; 16 at most where nothing is said."""
# Without bfloat16 the arithmetic is float32 whatever the processor.
COMMAND = (
    "import sys, torch; torch.cpu.get_capabilities = dict; torch.set_num_threads(1); "
    "from genie.cli import main; raise SystemExit(main(sys.argv[1:]))"
)


def genie(*arguments: object) -> None:
    """Run the genie command of this checkout in float32 on one thread."""
    command = [sys.executable, "-c", COMMAND, *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


def digest_of(folder: Path, pattern: str) -> str:
    """Return a SHA-256 over the files of a folder that match, by name."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob(pattern)):
        digest.update(file.relative_to(folder).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


def played(world: str, folder: Path) -> str:
    """Play 100 frames of a world under scripted keys; return a digest of their pictures."""
    record = json.loads((ROOT / "worlds" / world / "keymap.json").read_text(encoding="utf-8"))
    names = [action["name"] for action in record["actions"]]
    others = [name for name in names if name not in ("left", "right", "none")]
    keys = KEYS.format(third=others[0], fourth=others[1])
    genie("play", world, "--headless", "--keys", keys, "--seed", 1, "--threads", 1,
          "--record", folder / "frames.png")  # fmt: skip
    return digest_of(folder / "frames", "*.png")


def fitted(recipe: Path, corpora: Path, folder: Path) -> dict[str, object]:
    """Fit 25 steps of each stage; return the last loss and a digest of the weights of each."""
    values = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    for stage in ("tokenizer", "lam", "dynamics"):
        fit = values[stage]["fit"]
        fit |= {
            "steps": 25,
            "batch": min(fit["batch"], LARGEST_BATCH.get(recipe.stem, 16)),
            "checks": 1,
        }
    copy = folder / recipe.name
    copy.write_text(yaml.safe_dump(values), encoding="utf-8")
    corpus, run = corpora / str(SIZES.get(recipe.stem, 64)), folder / "run"
    genie("train", "all", "--corpus", corpus, "--recipe", copy, "--out", run, "--seed", 3,
          "--allow-collapsed")  # fmt: skip
    figures: dict[str, object] = {}
    for stage in ("tokenizer", "lam", "dynamics"):
        with open(run / "logs" / stage / "loss.csv", encoding="utf-8") as file:
            last = list(csv.DictReader(file))[-1]
        weights = (run / stage / "weights.safetensors").read_bytes()
        figures[stage] = {
            "step": int(last["step"]),
            "loss": float(last["loss"]),
            "weights": hashlib.sha256(weights).hexdigest(),
        }
    return figures


def main() -> None:
    """Measure what is asked for and write it as json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path, metavar="DIR", help="leave away to play only")
    parser.add_argument("--recipes", nargs="*", metavar="NAME", help="default: all that ship")
    parser.add_argument("--json", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    report: dict[str, dict[str, object]] = {"worlds": {}, "recipes": {}}

    def keep() -> None:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")

    for world in sorted(path.parent.name for path in ROOT.glob("worlds/*/world.json")):
        with tempfile.TemporaryDirectory() as folder:
            report["worlds"][world] = played(world, Path(folder))
        keep()
    for recipe in sorted(ROOT.glob("train/recipes/*.yaml")) if options.corpora else ():
        if options.recipes and recipe.stem not in options.recipes:
            continue
        with tempfile.TemporaryDirectory() as folder:
            report["recipes"][recipe.stem] = fitted(recipe, options.corpora, Path(folder))
        print(recipe.stem, report["recipes"][recipe.stem], flush=True)
        keep()


if __name__ == "__main__":
    main()
