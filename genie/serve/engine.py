"""The thread that computes: frames of all who wait for one in one pass, all else in turn."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from genie.rollouts.together import commit_together, step_together
from genie.serve.messages import Answer
from genie.serve.play import Play

GATHER_SECONDS = 0.005
"""At most so long a frame waits for those of others, to be computed with them."""

Task = Callable[[], Answer]


@dataclass(frozen=True, kw_only=True)
class Step:
    """A frame that a visitor waits for."""

    play: Play
    action: Any
    settings: Any
    future: Future = field(default_factory=Future)


class Engine:
    """Computes for all visitors, one thing at a time: models use all cores, or the one GPU.

    Between two passes over frames at most one other task runs, so that nobody who rewinds or drops
    pictures holds up the others for long.
    """

    def __init__(self) -> None:
        """Start the thread."""
        self._ready = threading.Condition()
        self._steps: list[Step] = []
        self._tasks: deque[tuple[Task, Future]] = deque()
        self._sizes: deque[int] = deque([1, 1], maxlen=2)  # of the last passes
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="genie-serve", daemon=True)
        self._thread.start()

    def step(self, play: Play, action: Any = None, settings: Any = None) -> Future:
        """Sample a visitor's next frame; the future's result is an `Answer`."""
        step = Step(play=play, action=action, settings=settings)
        self._add(self._steps, step)
        return step.future

    def do(self, task: Task) -> Future:
        """Run anything else that touches a play."""
        future: Future = Future()
        self._add(self._tasks, (task, future))
        return future

    def close(self) -> None:
        """End the thread after what it computes now."""
        with self._ready:
            self._closed = True
            self._ready.notify()
        self._thread.join()

    def _add(self, queue: Any, work: Any) -> None:
        with self._ready:
            queue.append(work)
            self._ready.notify()

    def _run(self) -> None:
        while True:
            steps, task = self._next()
            if self._closed:
                return
            for group in _groups(steps):
                _step_all(group)
            if task is not None:
                _do(*task)

    def _next(self) -> tuple[list[Step], tuple[Task, Future] | None]:
        """Wait for work; returns all frames that are waited for, and one other task."""
        with self._ready:
            self._ready.wait_for(lambda: self._steps or self._tasks or self._closed)
            if self._steps:
                expected = max(self._sizes)
                self._ready.wait_for(lambda: len(self._steps) >= expected, GATHER_SECONDS)
                self._sizes.append(len(self._steps))
            steps, self._steps = self._steps, []
            return steps, self._tasks.popleft() if self._tasks else None


def _groups(steps: Sequence[Step]) -> list[list[tuple[Step, int]]]:
    """Return checked steps with their actions, those together that one pass can compute."""
    groups: dict[Any, list[tuple[Step, int]]] = {}
    for step in steps:
        if not step.future.set_running_or_notify_cancel():
            continue
        try:
            action = step.play.prepare(step.action, step.settings)
        except Exception as error:
            step.future.set_exception(error)
            continue
        world = step.play.world
        alone = None if step.play.joins else id(step)
        key = (id(world.bundle), world.settings, alone)
        groups.setdefault(key, []).append((step, action))
    return list(groups.values())


def _step_all(group: Sequence[tuple[Step, int]]) -> None:
    """Sample the next frame of each; an error of one does not reach the others."""
    try:
        _step(group)
    except Exception:
        for step, action in group:
            if step.future.done():
                continue
            try:
                step.play.again()
                _step([(step, action)])
            except Exception as error:
                step.future.set_exception(error)
        return
    # Once they are sent, there is time. An error comes again with the next step, which is answered.
    with suppress(Exception):
        commit_together([step.play.world for step, _ in group])


def _step(group: Sequence[tuple[Step, int]]) -> None:
    pictures = step_together(
        [step.play.world for step, _ in group], [action for _, action in group]
    )
    for (step, _), picture in zip(group, pictures, strict=True):
        step.future.set_result(step.play.stepped(picture))


def _do(task: Task, future: Future) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(task())
    except Exception as error:
        future.set_exception(error)
