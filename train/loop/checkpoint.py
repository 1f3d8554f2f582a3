"""Checkpoints: written atomically, private to their run, read without running code.

A sharded fit leaves a file for each process, and beside them an index that says that all are there.
`torch.distributed.checkpoint` would do so as well, but reads its index by pickle.
"""

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from spacetime.partial import write_atomic
from spacetime.weights import read_json, write_json
from train.loop.module import FitModule
from train.loop.optim import MuonAdamW
from train.processes.ranks import Ranks
from train.processes.shards import join_parts, own_part

CHECKPOINT = "checkpoint.ckpt"
INDEX = "checkpoint.json"


def save_checkpoint(
    folder: Path, module: FitModule, optimizer: MuonAdamW, ranks: Ranks | None = None
) -> None:
    """Write a checkpoint atomically; of several processes, all call this.

    Raises:
        ValueError: if a weight is not a number; the checkpoint before stays.
        OSError: if the disk refuses; the checkpoint before stays.
    """
    check_weights(module)
    ranks = ranks or Ranks()
    if not (ranks.is_first or ranks.sharded):
        return
    state = {
        "state_dict": module.state_dict(),
        "optimizer_states": [optimizer.state_dict()],
        "clock": {"step": module.clock.step, "seconds": module.clock.spent},
        "extra": module.extra,
        "config": _config_of(module),
    }
    if ranks.sharded:
        _save_shards(folder, state, ranks)
        return
    _write(folder / CHECKPOINT, state)
    _remove_shards(folder)


def _save_shards(folder: Path, state: dict[str, Any], ranks: Ranks) -> None:
    step = state["clock"]["step"]
    part = own_part(state, ranks.is_first)
    _write(folder / _shard(step, ranks.number), part)
    ranks.wait()
    if not ranks.is_first:
        return
    write_json(folder / INDEX, {"step": step, "count": ranks.count})
    (folder / CHECKPOINT).unlink(missing_ok=True)
    kept = {_shard(step, number) for number in range(ranks.count)}
    for old in folder.glob("checkpoint-*.ckpt"):
        if old.name not in kept:
            old.unlink()


def _remove_shards(folder: Path) -> None:
    (folder / INDEX).unlink(missing_ok=True)
    for old in folder.glob("checkpoint-*.ckpt"):
        old.unlink()


def _shard(step: int, number: int) -> str:
    return f"checkpoint-{step}-{number}.ckpt"


def _write(path: Path, state: dict[str, Any]) -> None:
    data = io.BytesIO()
    torch.save(state, data)
    with data.getbuffer() as view:  # held on to, it keeps `data` from being freed
        write_atomic(path, view)


def read_checkpoint(folder: Path, module: FitModule) -> dict[str, Any] | None:
    """Read a checkpoint for a module, and set its clock; None if there is none.

    Returns:
        The state of whole weights, also of a sharded fit.

    Raises:
        ValueError: if it is damaged, or of another model.
    """
    if not has_checkpoint(folder):
        return None
    saved, path = _read_newest(folder)
    try:
        found = {name: weight.shape for name, weight in saved["state_dict"].items()}
        step, seconds = int(saved["clock"]["step"]), float(saved["clock"]["seconds"])
        saved["optimizer_states"][0]["parts"]
    except Exception as error:
        raise _damaged(path, error) from None
    module.before_resume(found.keys())
    if found != {name: weight.shape for name, weight in module.state_dict().items()}:
        raise ValueError(
            f"{path} is of a model of other sizes: resume with the recipe and the corpus it was "
            f"begun with, or choose another --out"
        )
    # A finished fit would be written as what the recipe says by now.
    before, now = saved.get("config", {}), _config_of(module)
    for name in before.keys() & now.keys():
        if before[name] != now[name]:
            raise ValueError(
                f"{path} is of a model whose {name} is {before[name]!r:.60}, not "
                f"{now[name]!r:.60}: resume with the recipe and the corpus it was begun with, or "
                f"choose another --out"
            )
    module.clock.step, module.clock.seconds = step, seconds
    module.extra.update(saved.get("extra", {}))
    return saved


def _config_of(module: FitModule) -> dict[str, Any]:
    """Return the configuration of a module's model, in plain values; empty if it has none."""
    config = getattr(module.model, "config", None)
    if config is None:
        return {}
    values = config.to_json() if hasattr(config, "to_json") else asdict(config)
    return json.loads(json.dumps(values))


def has_checkpoint(folder: Path) -> bool:
    """Return whether a fit has left a checkpoint in its folder."""
    return any((folder / name).exists() for name in (CHECKPOINT, INDEX))


def _read_newest(folder: Path) -> tuple[dict[str, Any], Path]:
    """Read the checkpoint of a folder, and name its file; of a sharded fit, the index.

    A kill may leave two, one of them of a sharded fit.
    """
    found = []
    if (folder / CHECKPOINT).exists():
        found.append(_load(folder / CHECKPOINT))
    if (folder / INDEX).exists():
        try:
            index = read_json(folder / INDEX)
            step = int(index["step"])
            names = [_shard(step, number) for number in range(index["count"])]
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(folder / INDEX, error) from None
        if not found or step > _step_of(found[0], folder / CHECKPOINT):
            parts = [_load(folder / name, folder / INDEX) for name in names]
            try:
                return join_parts(parts), folder / INDEX
            except Exception as error:
                raise _damaged(folder / INDEX, error) from None
    return found[0], folder / CHECKPOINT


def _step_of(saved: dict[str, Any], path: Path) -> int:
    try:
        return int(saved["clock"]["step"])
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from None


def _load(path: Path, index: Path | None = None) -> dict[str, Any]:
    """Load a checkpoint, or a part of one that is listed in an index."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load has no one error for damaged data
        refused = isinstance(error, (OSError, MemoryError))  # which tells nothing of the data
        if refused and not isinstance(error, FileNotFoundError):
            raise
        raise _damaged(path, error, index) from None


def _damaged(path: Path, error: Exception, index: Path | None = None) -> ValueError:
    line, what = " ".join(str(error).split())[:100], "it" if index is None else index
    return ValueError(
        f"{path} is damaged ({type(error).__name__}: {line}): delete {what} to begin this stage "
        f"again, or choose another --out"
    )


def check_weights(module: FitModule) -> None:
    """Raise ValueError if a weight is not a number; of a sharded model its average tells."""
    model = module.average if module.is_sharded else module.model
    if not all(weight.isfinite().all() for weight in model.parameters()):
        raise not_a_number("a weight", module)


def not_a_number(what: str, module: FitModule) -> ValueError:
    """Return the error of a fit that broke."""
    return ValueError(
        f"{what} is not a number at step {module.clock.step}: lower lr and matrix_lr in the "
        f"recipe, and resume from the last checkpoint with --resume"
    )
