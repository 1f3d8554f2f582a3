"""The loop of a fit: one slice of one stage.

A plain loop over Lightning's Fabric, which brings device, precision, gradient clipping and loggers.
A `Trainer` has checkpoints, a progress bar, epochs and sanity checks of its own that would have to
be switched off, and hides the order of what happens around a step.
"""

import logging
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import torch
from lightning.fabric import Fabric
from lightning.fabric.loggers import Logger
from rich import get_console
from rich.progress import BarColumn, Progress, TextColumn
from torch import Tensor

from genie.device import pick_device
from genie.library.user_paths import cache_folder
from spacetime.seeds import seed_of
from train.data.clips import draw_ahead
from train.loop.checkpoint import not_a_number, read_checkpoint, save_checkpoint
from train.loop.clock import Clock
from train.loop.forecast import Forecast
from train.loop.hardware import pick_precision
from train.loop.log import FitLog
from train.loop.loggers import finalized
from train.loop.module import FitModule
from train.loop.optim import MuonAdamW, lr_factor, update_ema
from train.loop.throughput import Throughput
from train.processes.ranks import Ranks
from train.processes.shards import load_whole

CHECKPOINT_EVERY = 120.0
"""Seconds of work that a crash may cost."""
COMPILE_PAYS_AFTER = {"cpu": 600.0, "cuda": 45.0}
"""Seconds of fitting from which compiling pays: 1.6 times as fast on a CPU after a minute or
two of compiling, twice as fast on a GPU after half a minute (lab notes, 2026-11-21 and -26)."""
COMPILE_PAYS_AFTER_STEPS = 1000
"""The same where steps are counted, whatever a step takes."""
COMPILED_CODE = "TORCHINDUCTOR_CACHE_DIR"
"""Environment variable: the folder of compiled code."""
READ_EVERY_STEPS, READ_EVERY_SECONDS = 25, 1.0
"""How often the loss is read back: reading makes a GPU wait."""


def fit(
    module: FitModule,
    folder: Path,
    *,
    export: Callable[[FitModule], None] | None = None,
    logs: Path | None = None,
    logger: Logger | Sequence[Logger] = (),
    precision: str | None = None,
    ranks: Ranks | None = None,
) -> None:
    """Fit until the slice is over, from the checkpoint in `folder` if there is one.

    Args:
        module: what is fitted.
        folder: where its checkpoint lives.
        export: called with the module at the end of the slice, to write its averaged weights.
        logs: where csv files, pictures and curves go; None: `folder`/logs.
        logger: one of Lightning's loggers, or several (CSVLogger, TensorBoardLogger, WandbLogger).
        precision: Lightning's; None: "bf16-mixed" where bfloat16 is fast, else "32-true".
        ranks: the processes that fit it together, all of which call this; None: this one alone.

    Raises:
        ValueError: if the checkpoint is of a model of other sizes, a loss is not a number, or the
            GPU's memory is too small; what the last checkpoint holds stays.
        KeyboardInterrupt: after Ctrl-C, once everything is saved.
    """
    folder.mkdir(parents=True, exist_ok=True)
    export, ranks = export or (lambda _: None), ranks or Ranks()
    saved = read_checkpoint(folder, module)
    ranks.check_same(module.clock.step, folder.name)
    if saved is not None and module.clock.finished:
        module.load_state_dict(saved["state_dict"])
        ranks.first(lambda: export(module))
        return
    loggers = [logger] if isinstance(logger, Logger) else list(logger)
    precision = precision or pick_precision()
    fabric = ranks.fabric or one_device(precision)
    # Read the frames now, before a bar runs and while Ctrl-C ends it at once.
    module.draw(module.clock.step)
    with warnings.catch_warnings(), _interruptible(module), _memory_of(module, folder.name):
        warnings.filterwarnings("ignore", module="lightning")
        warnings.filterwarnings("ignore", message="Mismatch dtype between input and weight")
        warnings.filterwarnings("ignore", message="FSDP2-wrapped module")  # no view is written
        compile_if_it_pays(module, precision, ranks)
        wrapped = fabric.setup_module(module)
        optimizer = MuonAdamW(module.model, module.fit_config, module.apart)
        steps = fabric.setup_optimizers(optimizer)
        if saved is not None:
            load_whole(module, saved["state_dict"])
            optimizer.load_state_dict(saved["optimizer_states"][0])
        module.before_fit()
        forecast = Forecast(folder.name)
        frames = module.fit_config.batch * module.fit_config.frames
        speed = Throughput(frames, module.device, precision, ranks.count, not ranks.sharded)
        log = FitLog(logs or folder / "logs", module, loggers, ranks, speed)
        module.clock.start()
        saved_at = module.clock.age
        stream = draw_ahead(partial(_draw_pinned, module), module.clock.step)
        with finalized(loggers), _bar(folder.name) as show, closing(stream) as batches:
            for batch in batches:
                _prepare(module, optimizer)
                with speed.step(module.part):
                    loss, figures = wrapped(*(fabric.to_device(part) for part in batch))
                    optimizer.zero_grad()
                    fabric.backward(loss)
                fabric.clip_gradients(
                    wrapped, steps, max_norm=module.fit_config.clip_norm, error_if_nonfinite=False
                )
                steps.step()
                loss = loss.detach()
                _advance(module, ranks)
                if module.clock.step % READ_EVERY_STEPS == 0:
                    loss, figures = ranks.mean(loss, figures)
                if module.clock.step % READ_EVERY_STEPS == 0 and not torch.isfinite(loss):
                    raise not_a_number("the loss", module)
                show(module.clock, loss)
                if line := forecast.line(module.clock, loss):
                    get_console().print(line)
                log.step(module, loss, figures)
                over = module.clock.slice_over
                if over or module.clock.age - saved_at > CHECKPOINT_EVERY:
                    with log.not_timed():
                        save_checkpoint(folder, module, optimizer, ranks)
                    saved_at = module.clock.age
                if over:
                    ranks.first(lambda: export(module))
                    break
    if ranks.is_first and (line := speed.summary()):
        get_console().print(f"{folder.name}: {line}")
    if module.clock.interrupted:
        raise KeyboardInterrupt


def one_device(precision: str) -> Fabric:
    """Return Lightning's Fabric for this process alone."""
    with without_announcements():
        return Fabric(accelerator=pick_device().type, devices=1, precision=precision)


def compile_if_it_pays(module: FitModule, precision: str, ranks: Ranks) -> None:
    """Compile a module for a long slice, before its fit's clock starts.

    Args:
        module: its model is compiled in place; its weights keep their names.
        precision: Lightning's, which the compiled code is made for.
        ranks: the processes that fit it, which all compile it or none.
    """
    device = pick_device().type
    # Compiled whole, a dynamics would not gather the weights of its blocks.
    if ranks.sharded or not ranks.agree(_compiling_pays(module.clock, device)):
        return
    _keep_compiled_code()
    # Without a C++ compiler the fit goes on uncompiled.
    torch._dynamo.config.suppress_errors = True
    module.to(device)
    with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bf16-mixed"):
        module.compile_model()


def _keep_compiled_code() -> None:
    """Let torch keep compiled code in the cache folder, unless the user has chosen another one.

    It would lie among the temporary files, which are gone when the machine starts anew.
    """
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    # Importing torch._dynamo, as Lightning does, sets the variable to the default.
    if os.environ.get(COMPILED_CODE, default_cache_dir()) == default_cache_dir():
        os.environ[COMPILED_CODE] = str(cache_folder() / "compiled")


def _compiling_pays(clock: Clock, device: str) -> bool:
    few_steps = clock.total_steps - clock.step < COMPILE_PAYS_AFTER_STEPS
    if clock.total_seconds is None and few_steps:
        return False
    # A slice that is short, however its fit is counted, would be over once it has compiled.
    return clock.seconds_to_fit() >= COMPILE_PAYS_AFTER[device]


def _prepare(module: FitModule, optimizer: MuonAdamW) -> None:
    """Set the learning rate from progress, and every draw of the step from seed and step."""
    optimizer.scale_lr(lr_factor(module.rate_progress(), module.fit_config), module.apart_rate())
    torch.manual_seed(seed_of(module.seed, module.clock.step))
    module.before_step()


def _advance(module: FitModule, ranks: Ranks) -> None:
    """Count a finished step and average the weights."""
    clock = module.clock
    clock.step += 1
    update_ema(module.average, module.model, module.fit_config.ema, clock.step)
    ranks.keep_time(clock)
    if clock.finished:
        module.complete()


def _draw_pinned(module: FitModule, step: int) -> tuple[Tensor, ...]:
    """Draw a batch in pinned memory, so that copying it to a GPU does not block."""
    batch = module.draw(step)
    if module.device.type != "cuda":
        return batch
    return tuple(part if part.is_cuda else part.pin_memory() for part in batch)


@contextmanager
def without_announcements() -> Iterator[None]:
    """Keep Lightning from saying which precision it uses: that is not for the user."""
    # Which of the two it speaks through depends on which of its parts was imported last.
    loggers = [logging.getLogger(f"lightning.{part}") for part in ("fabric", "pytorch")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def _bar(title: str) -> Iterator[Callable[[Clock, Tensor], None]]:
    """Show a progress bar with the time left; it stays on the screen, also after an error."""
    columns = (
        TextColumn(title),
        BarColumn(),
        TextColumn("{task.percentage:5.1f} %  {task.fields[note]}"),
    )
    with Progress(*columns) as bar:
        task, shown_at = bar.add_task(title, total=1.0, note=""), -READ_EVERY_SECONDS

        def show(clock: Clock, loss: Tensor) -> None:
            nonlocal shown_at
            if clock.slice_spent - shown_at < READ_EVERY_SECONDS and not clock.slice_over:
                return
            shown_at, left = clock.slice_spent, clock.seconds_left() or 0.0
            note = f"step {clock.step}  loss {float(loss):.4f}  {left / 60:.1f} min left"
            bar.update(task, completed=clock.progress, note=note)

        yield show


@contextmanager
def _memory_of(module: FitModule, name: str) -> Iterator[None]:
    """Turn a GPU's lack of memory into one line with a remedy."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise ValueError(
            f"the GPU's memory is too small to fit the {name} with {module.fit_config.batch} clips "
            f"a step: lower batch in the recipe (a copy keeps its name) and resume from the last "
            f"checkpoint with --resume, or lower the model's sizes and begin anew"
        ) from None


@contextmanager
def _interruptible(module: FitModule) -> Iterator[None]:
    """Let the signals that end a program end the slice after its step, with everything saved."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        module.clock.interrupted = True

    signals, hangup = [signal.SIGINT, signal.SIGTERM], getattr(signal, "SIGHUP", None)
    if hangup is not None and signal.getsignal(hangup) != signal.SIG_IGN:  # nohup ignores it
        signals.append(hangup)
    before = [signal.signal(number, stop) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
