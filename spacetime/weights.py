"""Weights, records and fingerprints on disk: the only file that imports safetensors."""

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
    """Write a file under a temporary name and rename it, so that no half of it is ever seen.

    Args:
        path: the file to write; its folder must exist.
        data: its whole content.

    Raises:
        OSError: if the disk refuses; the temporary file is removed.
    """
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
    """Write a record as indented json, atomically; NaN and infinity are refused."""
    write_atomic(path, (json.dumps(record, indent=2, allow_nan=False) + "\n").encode())


def read_json(path: Path | str) -> Any:
    """Read a json file.

    Raises:
        FileNotFoundError: if it is missing.
        ValueError: if it is not json.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: the folder is incomplete or not of this kind")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid json ({error}): copy or export it again") from None


def write_weights(
    path: Path | str, weights: Mapping[str, Tensor], dtype: torch.dtype | None = None
) -> None:
    """Write tensors as safetensors, atomically.

    Args:
        path: the file to write.
        weights: name to tensor, as from `state_dict()`.
        dtype: floating-point tensors are stored in this type; None keeps theirs.
    """
    stored = {
        name: (tensor.to(dtype) if dtype and tensor.is_floating_point() else tensor)
        .detach()
        .cpu()
        .contiguous()
        for name, tensor in weights.items()
    }
    write_atomic(path, save(stored))


def read_weights(path: Path | str) -> dict[str, Tensor]:
    """Read a safetensors file; floating-point tensors come as float32.

    Raises:
        FileNotFoundError: if it is missing.
        ValueError: if it is damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: the folder is incomplete or not of this kind")
    try:
        weights = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged ({error}): copy or export it again") from None
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in weights.items()
    }


def model_fingerprint(path: Path | str, config: Mapping[str, Any]) -> str:
    """Return the identity of a model: SHA-256 of its safetensors file and its config json.

    Args:
        path: the safetensors file.
        config: the model's configuration as plain values.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256(Path(path).read_bytes())
    digest.update(json.dumps(config, sort_keys=True).encode())
    return digest.hexdigest()
