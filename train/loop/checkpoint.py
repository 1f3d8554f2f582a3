"""Checkpoints: written atomically, private to their run, read without running code."""

import io
from pathlib import Path
from typing import Any

import torch

from spacetime.partial import write_atomic
from train.loop.module import FitModule
from train.loop.optim import MuonAdamW

CHECKPOINT = "checkpoint.ckpt"


def save_checkpoint(folder: Path, module: FitModule, optimizer: MuonAdamW) -> None:
    """Write a checkpoint atomically.

    Raises:
        ValueError: if a weight is not a number; the checkpoint before stays.
        OSError: if the disk refuses; the checkpoint before stays.
    """
    check_weights(module)
    state = {
        "state_dict": module.state_dict(),
        "optimizer_states": [optimizer.state_dict()],
        "clock": {"step": module.clock.step, "seconds": module.clock.spent},
        "extra": module.extra,
    }
    data = io.BytesIO()
    torch.save(state, data)
    with data.getbuffer() as view:  # held on to, it keeps `data` from being freed
        write_atomic(folder / CHECKPOINT, view)


def read_checkpoint(folder: Path, module: FitModule) -> dict[str, Any] | None:
    """Read a checkpoint for a module, and set its clock; None if there is none.

    Raises:
        ValueError: if it is damaged, or of a model of other sizes.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        found = {name: weight.shape for name, weight in saved["state_dict"].items()}
        step, seconds = int(saved["clock"]["step"]), float(saved["clock"]["seconds"])
        saved["optimizer_states"][0]["parts"]
    except Exception as error:  # torch.load has no one error for damaged data
        line = " ".join(str(error).split())[:100]
        raise ValueError(
            f"{path} is damaged ({type(error).__name__}: {line}): delete it to begin this stage "
            f"again, or choose another --out"
        ) from None
    if found != {name: weight.shape for name, weight in module.state_dict().items()}:
        raise ValueError(
            f"{path} is of a model of other sizes: resume with the recipe and the corpus it was "
            f"begun with, or choose another --out"
        )
    module.clock.step, module.clock.seconds = step, seconds
    module.extra.update(saved.get("extra", {}))
    return saved


def check_weights(module: FitModule) -> None:
    """Raise ValueError if a weight is not a number."""
    if not all(weight.isfinite().all() for weight in module.model.parameters()):
        raise not_a_number("a weight", module)


def not_a_number(what: str, module: FitModule) -> ValueError:
    """Return the error of a fit that broke."""
    return ValueError(
        f"{what} is not a number at step {module.clock.step}: lower lr and matrix_lr in the "
        f"recipe, and resume from the last checkpoint with --resume"
    )
