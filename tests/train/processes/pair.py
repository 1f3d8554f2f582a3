"""What two processes do together for test_pair.py: fits, a stop by one of them, and a kill."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import torch

import train.loop.log
import train.loop.optim
import train.loop.trainer
from corpus.store import Corpus
from train.auto.dynamics_size import pick_size
from train.processes import join
from train.processes.ranks import Ranks

sys.path.append(str(Path(__file__).parents[2]))
from killing import conftest_of  # noqa: E402

KILLED_AT = 7
STOPPED_AT = {"lam": 8, "dynamics": 5, "tokenizer": 6}  # lam: the step that makes codes
MEMBERS = ("tokenizer", "lam", "dynamics")


def make(tiny, kind, corpus, **changed):
    """Return a module of a tiny model, of a dynamics with the flawed histories of its method."""
    module = tiny.make_module(kind, corpus, **changed)
    if kind == "dynamics":
        module.method = replace(module.method, own_draws=0.5, pasted=0.5)
    return module


def killed(module, rank):
    """Save at every step, and kill the second process in one."""
    train.loop.trainer.CHECKPOINT_EVERY = -1.0
    loss = module.loss

    def last(*batch):
        if rank == 1 and module.clock.step == KILLED_AT:
            os.kill(os.getpid(), signal.SIGKILL)
        return loss(*batch)

    module.loss = last
    return module


def main(folder):
    """Fit in full precision; the loss of every step is logged."""
    tiny, corpus = conftest_of("train"), Corpus.open(folder / "corpus")
    join.pick_precision = lambda: "32-true"
    train.loop.optim.has_fast_bfloat16 = lambda device: False  # of the optimizer, likewise
    train.loop.log.LOSS_EVERY = train.loop.trainer.READ_EVERY_STEPS = 1
    train.loop.log.draw_curves = lambda folder: None

    def new(kind):
        torch.manual_seed(int(os.environ["LOCAL_RANK"]))  # the first one's weights count
        return make(tiny, kind, corpus)

    def fit(module, name, ranks):
        train.loop.trainer.fit(module, folder / name, ranks=ranks)

    def stop(kind, name, ranks):
        """Let the second process stop both."""
        module = new(kind)
        if ranks.number == 1:
            module = tiny.interrupt_after(module, STOPPED_AT[kind])
        try:
            fit(module, name, ranks)
        except KeyboardInterrupt:
            (folder / f"{name} stopped by {ranks.number}").touch()

    def pick(ranks):
        """Let both time steps, too few of which fit into the minutes, and say what they take."""
        stage = SimpleNamespace(model={"dim": 8}, smaller=({"dim": 4}, {"dim": 2}))
        recipe = SimpleNamespace(dynamics=stage)
        run = SimpleNamespace(recipe=recipe, out=folder / "sizes", minutes=1e-9, ranks=ranks)
        size = pick_size(run, lambda _: new("dynamics"))
        (folder / f"size of {ranks.number}").write_text(str(size))

    with join.join(2, 1) as ranks:
        pick(ranks)
        sharded = Ranks(join.launched(2, 1, True), sharded=True)
        stop("tokenizer", "sharded-tokenizer", sharded)
        fit(new("lam"), "sharded-lam", sharded)
        stop("dynamics", "sharded-dynamics", sharded)
        fit(new("dynamics"), "sharded-dynamics", sharded)
        for kind in MEMBERS:
            fit(new(kind), kind, ranks)
        stop("lam", "stopped", ranks)
        fit(new("lam"), "stopped", ranks)
        fit(killed(new("tokenizer"), ranks.number), "killed", ranks)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
