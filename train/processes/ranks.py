"""Several processes that fit one model, as each of them sees it."""

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import torch
from lightning.fabric import Fabric
from torch import Tensor, distributed

from spacetime.ranks import mean_of_ranks, rank_and_count
from train.loop.clock import Clock

Result = TypeVar("Result")
LONGEST_STEP = timedelta(minutes=10)
"""How long a process waits for one that neither answers nor ends."""
LONGEST_WAIT = timedelta(days=1)
"""The same while the first process works alone: it encodes a corpus, or writes a world."""


class Ranks:
    """The processes that fit one model; without Lightning's Fabric, this one alone.

    Attributes:
        number: of this process, from 0; the first one writes all files.
        count: how many there are.
        here: how many of them are on this machine.
        sharded: whether each keeps only a part of the model.
    """

    def __init__(self, fabric: Fabric | None = None, sharded: bool = False) -> None:
        """Join the others; `fabric` is launched already."""
        self.fabric, self.sharded = fabric, sharded
        self.number, self.count = rank_and_count()
        self.here, self._parent = 1, os.getppid()
        if fabric is not None:
            self.here = fabric.strategy.num_processes
            # What is agreed on are plain numbers: a GPU need not wait for them.
            self._step = distributed.new_group(backend="gloo", timeout=LONGEST_STEP)
            self._wait = distributed.new_group(backend="gloo", timeout=LONGEST_WAIT)

    @property
    def is_first(self) -> bool:
        """Whether this process writes files."""
        return self.number == 0

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.count > 1:
            distributed.barrier(group=self._wait)

    def first(self, work: Callable[[], Result]) -> Result | None:
        """Let the first process do something while the others wait; return what it returns there.

        Raises:
            SystemExit: in the others, where it failed.
        """
        if self.count == 1:
            return work()
        done, result = torch.zeros(1), None
        try:
            if self.is_first:
                result = work()
                done += 1
        finally:
            distributed.broadcast(done, src=0, group=self._wait)
        if not done:
            raise SystemExit(2)
        return result

    def agree(self, value: float) -> float:
        """Return the first process's value."""
        if self.count == 1:
            return value
        sent = torch.tensor([value], dtype=torch.float64)
        distributed.broadcast(sent, src=0, group=self._step)
        return float(sent)

    def keep_time(self, clock: Clock) -> None:
        """Read the clock after a step; all go by the first one's, and end together."""
        clock.read()
        if self.count == 1:
            return
        orphaned = os.getppid() != self._parent
        stop = torch.tensor([float(clock.interrupted or orphaned)], dtype=torch.float64)
        times = torch.tensor([clock.slice_spent, clock.age], dtype=torch.float64)
        distributed.broadcast(times, src=0, group=self._step)
        distributed.all_reduce(stop, group=self._step)
        clock.follow(*times.tolist())
        clock.interrupted = bool(stop)

    def mean(self, loss: Tensor, figures: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of all processes' batches, and what is logged beside it."""
        if self.count == 1:
            return loss, figures
        values = torch.stack([loss, *(figure.to(loss) for figure in figures.values())])
        loss, *others = mean_of_ranks(values.float()).unbind()
        return loss, dict(zip(figures, others, strict=True))

    def check_same(self, step: int, what: str) -> None:
        """Raise ValueError if processes begin at other steps: they do not see the same files."""
        if self.count == 1:
            return
        steps = [torch.zeros(1, dtype=torch.int64) for _ in range(self.count)]
        distributed.all_gather(steps, torch.tensor([step]), group=self._step)
        found = sorted({int(each) for each in steps})
        if len(found) > 1:
            raise ValueError(
                f"processes found checkpoints of {what} at steps {_and(found)}: --out must be one "
                f"folder that all machines share"
            )


def _and(numbers: Sequence[int]) -> str:
    return " and ".join(map(str, numbers))
