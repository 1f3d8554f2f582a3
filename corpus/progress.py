"""Progress bars with the time left, on stderr."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
REFRESH = 3  # times a second that a bar is drawn; each takes milliseconds
Tick = Callable[[int], None]  # takes how many units were done since the last call
Tell = Callable[[str], None]  # takes a line that a user should know


def no_tick(done: int) -> None:
    """Ignore progress."""


def no_tell(line: str) -> None:
    """Ignore a line."""


@contextlib.contextmanager
def progress_bar(
    what: str,
    total: int,
    visible: bool = True,
    unit: str = "frames",
    status: Callable[[], str] = str,
) -> Iterator[Tick]:
    """Show a bar while the body runs, on a terminal; elsewhere nothing would be seen of it.

    Args:
        what: the word before the bar.
        total: units that are expected; 0 if unknown.
        visible: whether to show it at all.
        unit: what is counted.
        status: asked for more words whenever the bar is drawn.

    Yields:
        A function to call with the number of units just done; from any thread.
    """
    if not (visible and sys.stderr.isatty()):
        yield no_tick
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(f"{unit}, left"),
        TimeRemainingColumn(),
        TextColumn("gone"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[status]}"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, refresh_per_second=REFRESH) as bar:
        task = bar.add_task(what, total=total or None, status=status())
        yield lambda done: bar.update(task, advance=done, status=status())


def track(
    items: Sequence[Item], what: str, visible: bool = True, unit: str = "batches"
) -> Iterator[Item]:
    """Yield the items while a bar counts them."""
    with progress_bar(what, len(items), visible, unit) as tick:
        for item in items:
            yield item
            tick(1)


class Progress:
    """A bar for each part of a long task, and the minutes that each part took.

    Attributes:
        minutes: by name of the part, in the order in which they ended.
    """

    def __init__(self, visible: bool = False) -> None:
        """Show bars if `visible`."""
        self.visible = visible
        self.minutes: dict[str, float] = {}

    @contextlib.contextmanager
    def part(self, name: str, total: int, unit: str = "done") -> Iterator[Tick]:
        """Run one part; arguments and what is yielded as of `progress_bar`."""
        begin = time.perf_counter()
        drawn = self.visible and sys.stderr.isatty()
        if self.visible and not drawn:  # a log file gets a line in place of a bar
            print(f"{name}: {total:,} {unit}", file=sys.stderr, flush=True)
        with progress_bar(name, total, drawn, unit) as tick:
            yield tick
        self.minutes[name] = (time.perf_counter() - begin) / 60
