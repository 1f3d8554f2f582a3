"""Kill `genie train all` at random moments, go on with --resume, compare what it has learned.

Ten kills each, by hand: python tests/train/killed.py --kills 10
"""

import sys
from pathlib import Path

import train.loop.log
import train.loop.trainer
import train.pipeline  # noqa: F401 - loaded once, before the forks

sys.path.append(str(Path(__file__).parents[1]))
from killing import Killed, conftest_of, finish, fork, kill_all, quiet_main, tree  # noqa: E402

tiny = conftest_of("train")

STEPS = dict.fromkeys(("tokenizer__fit__steps", "lam__fit__steps", "dynamics__fit__steps"), 9)
PRIVATE = ("logs", "checkpoint.ckpt")
"""What tells of the hours of a run, not of what it has learned."""


def prepare(folder):
    """Make a corpus and a recipe; return the commands."""

    def make():
        tiny.write_corpus(folder / "corpus")
        tiny.write_recipe(folder / "tiny.yaml", **STEPS)

    assert finish(fork(make)) == 0
    # A kill may land in the writing of a checkpoint, or soon after one.
    train.loop.trainer.CHECKPOINT_EVERY = 0.0
    train.loop.log.draw_curves = lambda folder: None  # takes a second a stage
    words = ["train", "all", "--corpus", str(folder / "corpus"), "--resume", "--allow-collapsed"]
    words += ["--recipe", str(folder / "tiny.yaml"), "--seed", "5"]
    return [killed("train", words), killed("seeds", [*words, "--seeds", "2"])]


def killed(name, words):
    """Return a `genie train` that is killed and goes on with --resume."""
    steps = {}

    def check(here):
        """Return which stages have a checkpoint; none that was there is lost."""
        found = {path.parent.name for path in here.rglob("checkpoint.ckpt")}
        assert found >= steps.get(here, set())
        steps[here] = found
        return len(found)

    return Killed(
        name=name,
        run=lambda here: quiet_main([*words, "--out", str(here / "run")]),
        check=check,
        same=same,
    )


def same(whole, here):
    """All that a run has learned is equal, and nothing else is left."""
    learned, expected = tree(here), tree(whole)
    assert learned.keys() == expected.keys(), learned.keys() ^ expected.keys()
    for name, data in learned.items():
        if not any(part in PRIVATE for part in Path(name).parts):
            assert data == expected[name], name


if __name__ == "__main__":
    kill_all(prepare)
