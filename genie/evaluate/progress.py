"""Progress of a long evaluation, told to whoever waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

Tick = Callable[[int], None]


def no_tick(done: int) -> None:
    """Ignore progress: the default where nobody watches."""


class NoProgress:
    """Progress that nobody sees: tests, callbacks of training.

    Attributes:
        minutes: what each finished part took, in the order in which they began.
    """

    def __init__(self) -> None:
        """Start the list of parts."""
        self.minutes: dict[str, float] = {}

    def __enter__(self) -> NoProgress:
        """Begin."""
        return self

    def __exit__(self, *error: object) -> None:
        """End."""

    @contextmanager
    def part(self, name: str, total: int) -> Iterator[Tick]:
        """Run one part and take its time.

        Args:
            name: what is being measured.
            total: how many units it has.

        Yields:
            A function to call with the number of units just done; from any thread.
        """
        begin = time.perf_counter()
        yield self._show(name, total)
        self.minutes[name] = (time.perf_counter() - begin) / 60

    def _show(self, name: str, total: int) -> Tick:
        """Begin to show a part; return its tick."""
        return no_tick


class ProgressBars(NoProgress):
    """One bar with time left per part of the evaluation, on stderr."""

    def __init__(self) -> None:
        """Prepare the bars; nothing is drawn before the first part starts."""
        super().__init__()
        self._progress = Progress(
            TextColumn("{task.description:<14}"),
            BarColumn(),
            TextColumn("{task.completed:>6.0f}/{task.total:.0f}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=Console(stderr=True),
        )

    def __enter__(self) -> ProgressBars:
        """Show the bars."""
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the bars as they stand."""
        self._progress.stop()

    def _show(self, name: str, total: int) -> Tick:
        task = self._progress.add_task(name, total=total)
        return lambda done: self._progress.advance(task, done)
