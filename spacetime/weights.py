"""Weights, JSON records and fingerprints on disk."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from spacetime.partial import write_atomic

MOST_JSON_BYTES = 8 << 20
MOST_WEIGHT_BYTES = 1 << 30  # of one file
_MOST_TABLE_BYTES = 1 << 20  # of its table of contents: some ten thousand tensors


def write_json(path: Path | str, record: Any, indent: int | None = 2) -> None:
    """Write a record as JSON, atomically; without an indent in one line and without spaces.

    NaN and infinity raise ValueError.
    """
    separators = (",", ":") if indent is None else None
    line = json.dumps(record, indent=indent, separators=separators, allow_nan=False)
    write_atomic(path, (line + "\n").encode())


def read_json(path: Path | str) -> Any:
    """Read a JSON file; raise FileNotFoundError if it is missing, ValueError if it is damaged."""
    path = _existing(path, MOST_JSON_BYTES)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid json ({error}): copy or export it again") from None


def write_weights(
    path: Path | str, weights: Mapping[str, Tensor], dtype: torch.dtype | None = None
) -> None:
    """Write tensors as safetensors, atomically; `dtype` converts floating-point ones."""
    stored = {
        name: (tensor.to(dtype) if dtype and tensor.is_floating_point() else tensor)
        .detach()
        .cpu()
        .contiguous()
        for name, tensor in weights.items()
    }
    write_atomic(path, save(stored))


def read_shapes(path: Path | str) -> dict[str, tuple[int, ...]]:
    """Read the names and shapes of the tensors in a safetensors file, and none of their values.

    Raises:
        FileNotFoundError: if it is missing.
        ValueError: if it is damaged or too large.
    """
    path = _existing(path, MOST_WEIGHT_BYTES)
    try:
        with open(path, "rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if size > _MOST_TABLE_BYTES:
                raise ValueError(f"a table of contents of {size} bytes")
            table = json.loads(file.read(size))
        table.pop("__metadata__", None)
        return {name: tuple(map(int, entry["shape"])) for name, entry in table.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged ({error}): copy or export it again") from None


def read_weights(path: Path | str) -> dict[str, Tensor]:
    """Read a safetensors file, floating-point tensors as float32.

    Raises:
        FileNotFoundError: if it is missing.
        ValueError: if it is damaged or too large, or a number is not finite.
    """
    read_shapes(path)
    try:
        # As bytes, for the library does not open a name that is not UTF-8.
        weights = load(Path(path).read_bytes())
    except (SafetensorError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path} is damaged ({error}): copy or export it again") from None
    for name, tensor in weights.items():
        if tensor.is_floating_point():
            weights[name] = tensor.float()
            if not weights[name].isfinite().all():
                raise ValueError(f"{path} holds numbers in {name} that are not finite")
    return weights


def model_fingerprint(path: Path | str, config: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hexadecimal, of a model's safetensors file and its configuration."""
    digest = hashlib.sha256(Path(path).read_bytes())
    digest.update(json.dumps(config, sort_keys=True).encode())
    return digest.hexdigest()


def _existing(path: Path | str, most_bytes: int) -> Path:
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: the folder is incomplete or not of this kind")
    if path.stat().st_size > most_bytes:
        raise ValueError(f"{path} is larger than {most_bytes >> 20} MiB: it is not of this kind")
    return path
