"""Where the recordings of a build are staged: in this process, in several, or on a Ray cluster."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Protocol

from corpus.building.staging import StageOptions, stage
from corpus.readers.base import Source

ENGINES = ("local", "ray")
Outcome = Path | Exception  # the staged folder, or why there is none
_POLL_SECONDS = 0.5
FRAMES_WORTH_A_PROCESS = 2000


class _Pool(Protocol):
    """Something that runs ``stage`` elsewhere."""

    size: int

    def submit(self, source: Source, options: StageOptions, folder: Path) -> object:
        """Begin, and return a handle."""

    def wait(self, handle: object, seconds: float) -> bool:
        """Wait until it is done, or for some seconds; return whether it is."""

    def result(self, handle: object) -> None:
        """Raise what ``stage`` raised."""


def stage_all(
    sources: Sequence[Source],
    options: StageOptions,
    folders: Sequence[Path],
    engine: str = "local",
    jobs: int | None = None,
    poll: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Source, Outcome]]:
    """Stage recordings side by side, and yield them in order.

    A few more than there are workers are begun ahead; the next ones wait until the caller goes on.

    Args:
        sources: the recordings.
        options: how they are shaped.
        folders: where each is staged; one that exists is complete and is taken as it is.
        engine: ``local`` or ``ray``.
        jobs: how many at once; default: one for each processor, fewer for little work.
        poll: called now and then while something is waited for.

    Yields:
        (source, its folder), or (source, the ValueError or OSError that it raised).

    Raises:
        OSError: the system has ended a worker.
    """
    todo = deque(zip(sources, folders, strict=True))
    jobs = min(jobs or _worthwhile(sources), max(1, len(sources)))
    if engine == "local" and jobs == 1:
        for source, folder in todo:
            yield source, _outcome(partial(_stage_here, source, options, folder, poll), folder)
        return
    # A recording a core is faster than several cores on one.
    options = dataclasses.replace(options, read=dataclasses.replace(options.read, threads=1))
    with _local_pool(jobs) if engine == "local" else _ray_pool(jobs) as pool:
        begun: deque[tuple[Source, Path, object]] = deque()
        while todo or begun:
            while todo and len(begun) <= pool.size:
                source, folder = todo.popleft()
                handle = None if folder.exists() else pool.submit(source, options, folder)
                begun.append((source, folder, handle))
            source, folder, handle = begun.popleft()
            while handle is not None and not pool.wait(handle, _POLL_SECONDS):
                poll()
            try:
                outcome = _outcome(partial(_finish, pool, handle), folder)
            except BrokenProcessPool as error:
                raise OSError(
                    f"the system has ended a worker that read {source.path} or a file after it, "
                    "perhaps for want of memory: go on with --resume --jobs 1"
                ) from error
            yield source, outcome


def _worthwhile(sources: Sequence[Source]) -> int:
    """How many processes pay: one takes seconds to begin, in which another does some frames."""
    known = [source.frames or FRAMES_WORTH_A_PROCESS for source in sources]
    return min(os.cpu_count() or 1, 1 + sum(known) // FRAMES_WORTH_A_PROCESS)


def _finish(pool: _Pool, handle: object) -> None:
    if handle is not None:
        pool.result(handle)


def _stage_here(
    source: Source, options: StageOptions, folder: Path, poll: Callable[[], None]
) -> None:
    """Stage in this process; ``poll`` is called a few times a second."""
    if folder.exists():
        return
    last = time.monotonic()

    def poll_seldom() -> None:
        nonlocal last
        if time.monotonic() - last > _POLL_SECONDS:
            poll()
            last = time.monotonic()

    stage(source, options, folder, poll_seldom)


def _outcome(finish: Callable[[], None], folder: Path) -> Outcome:
    try:
        finish()
    except (ValueError, OSError, ModuleNotFoundError) as error:
        return error
    return folder


class _LocalPool:
    """Processes of this machine; they end with the one that began them, however that ends."""

    def __init__(self, jobs: int) -> None:
        self.size = jobs
        context = multiprocessing.get_context("spawn")  # forks of a process with threads hang
        self._executor = ProcessPoolExecutor(
            jobs, mp_context=context, initializer=_follow, initargs=(os.getpid(),)
        )

    def submit(self, source: Source, options: StageOptions, folder: Path) -> Future:
        try:
            return self._executor.submit(stage, source, options, folder)
        except BrokenProcessPool as error:  # `result` tells it of the first recording that is lost
            broken: Future = Future()
            broken.set_exception(error)
            return broken

    def wait(self, handle: Future, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            handle.exception(seconds)
        return handle.done()

    def result(self, handle: Future) -> None:
        handle.result()

    def close(self) -> None:
        for process in list((self._executor._processes or {}).values()):
            process.terminate()
        self._executor.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _local_pool(jobs: int) -> Iterator[_LocalPool]:
    pool = _LocalPool(jobs)
    try:
        yield pool
    finally:
        pool.close()


def _follow(parent: int) -> None:
    """Let a worker leave Ctrl-C to its parent, and end when that is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_POLL_SECONDS)
        os._exit(1)  # a killed parent's successor stages the same recording again

    threading.Thread(target=watch, daemon=True).start()


class _RayPool:
    """A Ray cluster whose machines see the folder of the build."""

    def __init__(self, jobs: int) -> None:
        try:
            import ray
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                '--engine ray needs Ray: pip install "genie-worlds[ray]"'
            ) from error
        self._ray = ray
        self._own = not ray.is_initialized()
        if self._own:
            here = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": jobs}
            ray.init(log_to_driver=False, include_dashboard=False, **here)
        self.size = jobs
        self._stage = ray.remote(max_retries=0)(stage)

    def submit(self, source: Source, options: StageOptions, folder: Path) -> object:
        return self._stage.remote(source, options, folder)

    def wait(self, handle: object, seconds: float) -> bool:
        return bool(self._ray.wait([handle], timeout=seconds)[0])

    def result(self, handle: object) -> None:
        try:
            self._ray.get(handle)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from error

    def close(self) -> None:
        if self._own:
            self._ray.shutdown()


@contextlib.contextmanager
def _ray_pool(jobs: int) -> Iterator[_RayPool]:
    pool = _RayPool(jobs)
    try:
        yield pool
    finally:
        pool.close()
