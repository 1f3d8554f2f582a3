"""What two processes do together for test_pair.py: fits, a stop by one of them, and a kill."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import torch

import train.loop.log
import train.loop.trainer
import train.processes.join
from corpus.store import Corpus

sys.path.append(str(Path(__file__).parents[2]))
from killing import conftest_of  # noqa: E402

KILLED_AT = 7
STOPPED_AT = 8  # the step that makes codes
MEMBERS = ("tokenizer", "lam", "dynamics")


def make(tiny, kind, corpus, **changed):
    """Return a module of a tiny model, of a dynamics with histories that it draws itself."""
    module = tiny.make_module(kind, corpus, **changed)
    if kind == "dynamics":
        module.method = replace(module.method, own_draws=0.5)
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
    tiny, corpus = conftest_of("train"), Corpus.open(folder / "corpus")
    train.processes.join.pick_precision = lambda: "32-true"
    # The loss of every step is logged.
    train.loop.log.LOSS_EVERY = train.loop.trainer.READ_EVERY_STEPS = 1
    train.loop.log.draw_curves = lambda folder: None
    with train.processes.join.join(2, 1) as ranks:

        def fit(module, name):
            train.loop.trainer.fit(module, folder / name, ranks=ranks)

        for kind in MEMBERS:
            torch.manual_seed(ranks.number)  # the weights are the first one's all the same
            fit(make(tiny, kind, corpus), kind)
        torch.manual_seed(0)
        module = make(tiny, "lam", corpus)
        if ranks.number == 1:
            module = tiny.interrupt_after(module, STOPPED_AT)
        try:
            fit(module, "stopped")
        except KeyboardInterrupt:
            (folder / f"stopped by {ranks.number}").touch()
        torch.manual_seed(1)
        fit(make(tiny, "lam", corpus), "stopped")
        torch.manual_seed(0)
        fit(killed(make(tiny, "tokenizer", corpus), ranks.number), "killed")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
