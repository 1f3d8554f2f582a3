"""The logs of a fit: losses, held-out figures and speed as csv, pictures and curves as png."""

import csv
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lightning.fabric.loggers import Logger
from rich import get_console
from torch import Tensor

from train.loop.checkpoint import check_weights
from train.loop.clock import Clock
from train.loop.curves import draw_curves
from train.loop.module import FitModule
from train.loop.throughput import Throughput
from train.processes.ranks import Ranks

LOSS_EVERY = 25
"""Steps between two rows of the loss."""
CHECKS_FRACTION = 0.1
"""Most of a fit's time that its checks may take, the last one aside: with 256 tokens a frame one
check takes as long as two dozen steps."""

CURVES_EVERY = 30.0
"""Seconds between two drawings of the curves; they are drawn at the end of each slice, too."""


class FitLog:
    """The logs of one slice."""

    def __init__(
        self,
        folder: Path,
        module: FitModule,
        loggers: Sequence[Logger],
        ranks: Ranks,
        speed: Throughput,
    ) -> None:
        """Log a fit into `folder` and to Lightning's loggers; all processes measure, one writes."""
        self.folder, self.loggers, self.ranks, self.speed = folder, loggers, ranks, speed
        self.checks = module.fit_config.checks
        folder.mkdir(parents=True, exist_ok=True)
        # The checks of earlier slices are not repeated.
        self.next_check = int(module.clock.progress * self.checks)
        self.checking, self.curves_at = 0.0, time.monotonic()
        self.aside = 0.0  # seconds of what else is not timed
        # Since when: the step, and the time without all that.
        self.timed: tuple[int, float] | None = None

    def step(self, module: FitModule, loss: Tensor, logs: dict[str, Tensor]) -> None:
        """Log a row every few steps, and check held-out episodes when due."""
        clock = module.clock
        if clock.step % LOSS_EVERY == 0 and self.ranks.is_first:
            figures = {name: float(value) for name, value in logs.items()}
            self._row("loss", clock, {"loss": float(loss), **figures})
            self._time(clock)
        check = int(clock.progress * self.checks)
        if (check > self.next_check and self._affordable(clock)) or clock.finished:
            self.next_check, began = check, time.monotonic()
            check_weights(module)
            self._check(module)
            if began - self.curves_at >= CURVES_EVERY and not clock.slice_over:
                self._draw_curves()
                self.curves_at = began
            self.checking += self.ranks.agree(time.monotonic() - began)
        if clock.slice_over:
            self._draw_curves()

    @contextmanager
    def not_timed(self) -> Iterator[None]:
        """Leave what is done inside, between two steps, out of the speed of the fit."""
        began = time.monotonic()
        yield
        self.aside += time.monotonic() - began

    def _time(self, clock: Clock) -> None:
        """Log the speed since the last row; the steps before the first one warm up."""
        # The clock leaves out what no step takes part in, such as the reading of a whole corpus.
        now, before = (clock.step, clock.spent - self.checking - self.aside), self.timed
        self.timed = now
        if before is None:
            return
        with self.not_timed():  # at first it times the products of this machine
            row = self.speed.add(now[0] - before[0], now[1] - before[1])
        if row:
            self._row("speed", clock, row)

    def _draw_curves(self) -> None:
        if self.ranks.is_first:
            draw_curves(self.folder)

    def _check(self, module: FitModule) -> None:
        figures, picture = module.check()
        if not self.ranks.is_first:
            return
        self._row("held-out", module.clock, figures)
        if notice := module.notice():
            get_console().print(notice)
        if picture is not None:
            import imageio.v3 as iio

            iio.imwrite(self.folder / f"step-{module.clock.step:07d}.png", picture.numpy())

    def _affordable(self, clock: Clock) -> bool:
        """Whether checks take little of a timed fit's time; a fit in steps loses none."""
        timed = clock.total_seconds is not None
        return not timed or self.checking <= CHECKS_FRACTION * clock.slice_spent

    def _row(self, name: str, clock: Clock, figures: dict[str, float]) -> None:
        """Append one row; where the columns change half-way, a header comes again."""
        row = {"step": clock.step, "seconds": round(clock.spent, 1), **figures}
        path = self.folder / f"{name}.csv"
        written = path.read_text(encoding="utf-8") if path.exists() else ""
        headers = [line for line in written.splitlines() if line.startswith("step,")]
        with open(path, "a", newline="", encoding="utf-8") as file:
            if written and not written.endswith("\n"):  # a kill or a full disk cut the last row
                file.write("\n")
            writer = csv.DictWriter(file, fieldnames=list(row))
            if headers[-1:] != [",".join(row)]:
                writer.writeheader()
            writer.writerow(row)
        for logger in self.loggers:
            metrics = {f"{name}/{figure}": value for figure, value in figures.items()}
            logger.log_metrics(metrics, clock.step)
