"""What happens around the steps: progress, logs, checkpoints and exports."""

import csv
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import torch
from rich import get_console
from rich.progress import BarColumn, Progress, TextColumn

from train.loop.clock import Clock
from train.loop.curves import draw_curves
from train.loop.module import Stage

CHECKPOINT = "checkpoint.ckpt"
CHECKPOINT_EVERY = 120.0
"""Seconds of work that a crash may cost."""


class Advance(L.Callback):
    """First of the callbacks: counts the step and stops the slice when it is over."""

    def on_train_batch_end(
        self, trainer: L.Trainer, stage: Stage, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count the step."""
        stage.advance()
        stage.clock.settle()
        if stage.clock.finished:
            stage.complete()
        if stage.clock.slice_over:
            trainer.should_stop = True


class Bar(L.Callback):
    """A progress bar with the time left."""

    EVERY = 1.0
    """Seconds between two looks at the loss: looking makes a GPU wait."""

    def __init__(self, title: str) -> None:
        """Keep the title of the bar."""
        self.bar = Progress(
            TextColumn(title),
            BarColumn(),
            TextColumn("{task.percentage:5.1f} %  {task.fields[note]}"),
        )
        self.task = self.bar.add_task(title, total=1.0, note="")
        self.moved_at = -self.EVERY

    def on_train_start(self, trainer: L.Trainer, stage: Stage) -> None:
        """Show the bar."""
        self.bar.start()

    def on_train_batch_end(
        self, trainer: L.Trainer, stage: Stage, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Move the bar."""
        clock = stage.clock
        if clock.slice_spent - self.moved_at < self.EVERY and not clock.slice_over:
            return
        self.moved_at = clock.slice_spent
        left = clock.seconds_left() or 0.0
        note = f"step {clock.step}  loss {float(outputs['loss']):.4f}  {left / 60:.1f} min left"
        self.bar.update(self.task, completed=clock.progress, note=note)

    def teardown(self, trainer: L.Trainer, pl_module: Stage, stage: str) -> None:
        """Leave the bar as it stands, also after an error."""
        self.bar.stop()


class Log(L.Callback):
    """Losses and held-out figures as csv and as curves, pictures as png, all in one folder."""

    LOSS_EVERY = 25
    CHECKS_SHARE = 0.1
    """Most of a fit's time that its checks may take, the last one aside (our choice): with 256
    tokens a frame one check takes as long as two dozen steps."""

    def __init__(self, folder: Path) -> None:
        """Write into `folder`, which is made."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.next_check = 0
        self.checking = 0.0

    def on_train_batch_end(
        self, trainer: L.Trainer, stage: Stage, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Log a row now and then; look at held-out episodes when a check is due."""
        clock = stage.clock
        if clock.step % self.LOSS_EVERY == 0:
            logs = {name: float(value) for name, value in outputs["logs"].items()}
            self._row("loss", clock, {"loss": float(outputs["loss"]), **logs})
        check = int(clock.progress * stage.fit_config.checks)
        if (check > self.next_check and self._affordable(clock)) or clock.finished:
            self.next_check, began = check, time.monotonic()
            _check_weights(stage)
            figures, picture = stage.check()
            self._row("held-out", clock, figures)
            if notice := stage.notice():
                get_console().print(notice)
            if picture is not None:
                import imageio.v3 as iio

                iio.imwrite(self.folder / f"step-{clock.step:07d}.png", picture.numpy())
            draw_curves(self.folder)
            self.checking += time.monotonic() - began

    def on_train_start(self, trainer: L.Trainer, stage: Stage) -> None:
        """Do not repeat the checks of earlier slices."""
        self.next_check = int(stage.clock.progress * stage.fit_config.checks)

    def _affordable(self, clock: Clock) -> bool:
        """Whether checks leave the fit its time; a fit that is counted in steps loses none."""
        counted = clock.total_seconds is not None
        return not counted or self.checking <= self.CHECKS_SHARE * clock.slice_spent

    def _row(self, name: str, clock: Any, figures: dict[str, float]) -> None:
        """Append one row; a file whose columns changed half-way gets a header again."""
        row = {"step": clock.step, "seconds": round(clock.spent, 1), **figures}
        path = self.folder / f"{name}.csv"
        header = ",".join(row)
        known = path.exists() and header in path.read_text(encoding="utf-8").splitlines()
        with open(path, "a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if not known:
                writer.writeheader()
            writer.writerow(row)


class Keep(L.Callback):
    """The checkpoint of the run, replaced atomically, and an export at the end of the slice."""

    def __init__(self, folder: Path, export: Callable[[Stage], None]) -> None:
        """Keep checkpoints in `folder`; call `export` when the slice ends."""
        self.path = folder / CHECKPOINT
        self.export = export
        self.saved_at = time.monotonic()

    def save(self, trainer: L.Trainer) -> None:
        """Write the checkpoint under a temporary name and rename it.

        Raises:
            ValueError: if a weight is not a number; the checkpoint before stays.
            OSError: if the disk refuses; the checkpoint before stays.
        """
        _check_weights(trainer.lightning_module)
        temporary = self.path.with_suffix(".partial")
        try:
            trainer.save_checkpoint(temporary)
            os.replace(temporary, self.path)
        finally:
            temporary.unlink(missing_ok=True)
        self.saved_at = time.monotonic()

    def on_train_batch_end(
        self, trainer: L.Trainer, stage: Stage, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save every two minutes, and at the end of the slice."""
        if stage.clock.slice_over:
            self.save(trainer)
            self.export(stage)
        elif time.monotonic() - self.saved_at > CHECKPOINT_EVERY:
            self.save(trainer)


class RefuseNaN(L.Callback):
    """Stop a fit whose loss is no number, before it overwrites a good checkpoint."""

    def on_train_batch_end(
        self, trainer: L.Trainer, stage: Stage, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look at the loss now and then: looking makes a GPU wait."""
        if stage.clock.step % 25 == 0 and not torch.isfinite(outputs["loss"]):
            raise _broken("the loss", stage)


def _check_weights(stage: Stage) -> None:
    if not all(weight.isfinite().all() for weight in stage.model.parameters()):
        raise _broken("a weight", stage)


def _broken(what: str, stage: Stage) -> ValueError:
    return ValueError(
        f"{what} is not a number at step {stage.clock.step}: lower lr and matrix_lr in the recipe, "
        f"and resume from the last checkpoint with --resume"
    )
