"""Progress of a long evaluation, told to whoever waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

Tick = Callable[[int], None]


def no_tick(done: int) -> None:
    """Ignore progress: the default where nobody watches."""


class NoProgress:
    """Progress that nobody sees: tests, callbacks of training."""

    def __enter__(self) -> NoProgress:
        """Begin."""
        return self

    def __exit__(self, *error: object) -> None:
        """End."""

    @contextmanager
    def part(self, name: str, total: int) -> Iterator[Tick]:
        """Run one part silently.

        Args:
            name: what is being measured.
            total: how many units it has.

        Yields:
            A function to call with the number of units just done.
        """
        yield no_tick


class ProgressBars(NoProgress):
    """One bar with time left per part of the evaluation, on stderr."""

    def __init__(self) -> None:
        """Prepare the bars; nothing is drawn before the first part starts."""
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

    @contextmanager
    def part(self, name: str, total: int) -> Iterator[Tick]:
        """Show one part while it runs; arguments as in NoProgress."""
        task = self._progress.add_task(name, total=total)
        yield lambda done: self._progress.advance(task, done)
