"""Weights, JSON records and fingerprints on disk."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor


def write_atomic(path: Path | str, data: bytes | memoryview) -> None:
    """Write a file under a temporary name and rename it, so that it is never seen half written."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path: Path | str, record: Any) -> None:
    """Write a record as indented JSON, atomically; NaN and infinity raise ValueError."""
    write_atomic(path, (json.dumps(record, indent=2, allow_nan=False) + "\n").encode())


def read_json(path: Path | str) -> Any:
    """Read a JSON file; raise FileNotFoundError if it is missing, ValueError if it is damaged."""
    path = _existing(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
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


def read_weights(path: Path | str) -> dict[str, Tensor]:
    """Read a safetensors file, floating-point tensors as float32.

    Raises:
        FileNotFoundError: if it is missing.
        ValueError: if it is damaged.
    """
    path = _existing(path)
    try:
        weights = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged ({error}): copy or export it again") from None
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in weights.items()
    }


def model_fingerprint(path: Path | str, config: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hexadecimal, of a model's safetensors file and its configuration."""
    digest = hashlib.sha256(Path(path).read_bytes())
    digest.update(json.dumps(config, sort_keys=True).encode())
    return digest.hexdigest()


def _existing(path: Path | str) -> Path:
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: the folder is incomplete or not of this kind")
    return path
