"""Independent batches at the same time, each on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TypeVar

import torch

from corpus.progress import Tick

Item = TypeVar("Item")
Result = TypeVar("Result")

# Every worker holds the caches of its own batch; more of them gain little at these sizes.
MOST_WORKERS = 8


class Stopped(Exception):
    """Another batch failed, or the user stopped: this one need not go on."""


def at_once(
    work: Callable[[Item, Tick], Result],
    items: Sequence[Item],
    device: torch.device,
    tick: Tick,
) -> list[Result]:
    """Do the same to every item, as many at a time as there are processor threads.

    The operations of one batch are so small that two threads inside each of them wait more than
    they compute; two batches side by side, each on one thread, do not. On a GPU, or with one
    thread, the items follow each other.

    Args:
        work: takes an item and a tick. It runs under inference mode, uses no global generator,
            and changes nothing that another item reads.
        items: what to do it to; nothing that `work` returns may depend on how they are spread.
        device: where the models live.
        tick: passed to `work`.

    Returns:
        The results, in the order of the items.

    Raises:
        Exception: whatever `work` raises first; the other items end at their next tick.
    """
    threads = torch.get_num_threads()
    workers = min(len(items), threads, MOST_WORKERS)
    if workers < 2 or device.type != "cpu":
        with torch.inference_mode():
            return [work(item, tick) for item in items]
    stop, errors = Event(), []

    def watched(done: int) -> None:
        if stop.is_set():
            raise Stopped
        tick(done)

    def run(item: Item) -> Result:
        try:
            watched(0)
            with torch.inference_mode():  # a mode of the thread, not of the process
                return work(item, watched)
        except BaseException as error:
            errors.append(error)
            stop.set()
            raise

    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            try:
                return list(pool.map(run, items))
            except Stopped:
                raise errors[0] from None
            except BaseException:
                stop.set()
                raise
    finally:
        torch.set_num_threads(threads)
