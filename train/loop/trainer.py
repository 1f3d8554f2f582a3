"""One slice of one stage: Lightning's Trainer around a `Stage`."""

import logging
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import lightning as L
import torch

from train.loop.callbacks import CHECKPOINT, Advance, Bar, Keep, Log, RefuseNaN
from train.loop.clock import Clock
from train.loop.hardware import pick_device, pick_precision
from train.loop.module import Stage

COMPILE_PAYS_AFTER = {"cpu": 600.0, "cuda": 45.0}
"""Seconds of fitting from which compiling is won back: 1.6 times as fast on a CPU after a minute or
two of compiling, twice as fast on a GPU after half a minute (lab notes, 2026-11-21 and -26)."""
COMPILE_PAYS_AFTER_STEPS = 1000
"""The same where steps are counted, whatever a step takes: our choice."""


def compile_if_it_pays(stage: Stage, precision: str) -> None:
    """Compile a stage for a long slice, before its fit's clock starts; short ones start at once.

    Args:
        stage: its model is compiled in place; its weights keep their names.
        precision: Lightning's, which the compiled code is made for.
    """
    device = pick_device().type
    if not _compiling_pays(stage.clock, device):
        return
    # Without a C++ compiler the fit goes on uncompiled.
    torch._dynamo.config.suppress_errors = True
    stage.to(device)
    with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bf16-mixed"):
        stage.compile_model()


def _compiling_pays(clock: Clock, device: str) -> bool:
    few_steps = clock.total_steps - clock.step < COMPILE_PAYS_AFTER_STEPS
    if clock.total_seconds is None and few_steps:
        return False
    # A slice that is short, however its fit is counted, would be over once it has compiled.
    return clock.seconds_to_fit() >= COMPILE_PAYS_AFTER[device]


def fit_slice(
    stage: Stage,
    folder: Path,
    logs: Path,
    export: Callable[[Stage], None],
    precision: str | None = None,
) -> None:
    """Fit until the slice is over; a checkpoint in `folder` is taken up.

    Args:
        stage: the learner.
        folder: where its checkpoint lives.
        logs: where its logs go.
        export: writes what the next stage reads; called at the end of the slice.
        precision: Lightning's; None chooses.

    Raises:
        ValueError: if the checkpoint is of a model of other sizes, a loss is not a number, or the
            GPU's memory is too small; what the last checkpoint holds stays.
        KeyboardInterrupt: after Ctrl-C, once everything is saved.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / CHECKPOINT
    resumed = checkpoint if checkpoint.exists() else None
    if resumed:
        # The data stream starts before Lightning restores the stage: it needs the step now.
        saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
        _check_sizes(stage, saved["state_dict"], checkpoint)
        stage.on_load_checkpoint(saved)
        if stage.clock.finished:
            stage.load_state_dict(saved["state_dict"])
            export(stage)
            return
    # Lightning speaks of litlogger and of worker processes; neither concerns our users.
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    precision = precision or pick_precision()
    trainer = L.Trainer(
        accelerator=pick_device().type,
        devices=1,
        precision=precision,
        max_epochs=-1,
        min_epochs=0,
        gradient_clip_val=1.0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        callbacks=[Advance(), RefuseNaN(), Bar(folder.name), Log(logs), Keep(folder, export)],
    )
    # What is read once is read now, before a bar runs and while Ctrl-C ends it at once.
    stage.draw(stage.clock.step)
    with warnings.catch_warnings(), _interruptible(stage), _memory_of(stage, folder.name):
        warnings.filterwarnings("ignore", module="lightning")
        warnings.filterwarnings("ignore", message="Mismatch dtype between input and weight")
        compile_if_it_pays(stage, precision)
        trainer.fit(stage, ckpt_path=resumed, weights_only=True)
    if stage.clock.interrupted:
        raise KeyboardInterrupt


def _check_sizes(stage: Stage, saved: dict[str, torch.Tensor], checkpoint: Path) -> None:
    def sizes(weights: dict[str, torch.Tensor]) -> dict[str, torch.Size]:
        return {name: weight.shape for name, weight in weights.items()}

    if sizes(saved) != sizes(stage.state_dict()):
        raise ValueError(
            f"{checkpoint} is of a model of other sizes: resume with the recipe and the corpus it "
            f"was begun with, or choose another --out"
        )


@contextmanager
def _memory_of(stage: Stage, name: str) -> Iterator[None]:
    """Say in one line what to lower when a GPU's memory is short."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise ValueError(
            f"the GPU's memory is too small to fit the {name} with {stage.fit_config.batch} clips "
            f"a step: lower batch in the recipe (a copy keeps its name) and resume from the last "
            f"checkpoint with --resume, or lower the model's sizes and begin anew"
        ) from None


@contextmanager
def _interruptible(stage: Stage) -> Iterator[None]:
    """Let Ctrl-C end the slice after the step in progress, with everything saved."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        stage.clock.interrupted = True

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
