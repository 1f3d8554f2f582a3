"""The device that models run on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")
_SPINS = "1000"
"""Spins, about a twentieth of a millisecond, after which a waiting thread sleeps."""


def pick_device(name: str = "auto") -> torch.device:
    """Return the torch device for "auto", "cpu", "cuda" or "mps"; auto is CUDA or the CPU.

    Raises:
        ValueError: if that device is not there.
    """
    import torch

    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name == "auto":
        return torch.device("cuda" if available["cuda"] else "cpu")
    if not available[name]:
        usable = ", ".join(device for device, there in available.items() if there)
        raise ValueError(f"--device {name} is not available here: choose auto, {usable}")
    return torch.device(name)


def usable_cores() -> int:
    """Return how many processor cores this process may use."""
    cores = os.cpu_count() or 1
    return min(cores, len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else cores


def bounded_threads(threads: int | None) -> int | None:
    """Return at most as many threads as there are cores, and say so; None stays None."""
    cores = usable_cores()
    if threads is None or threads <= cores:
        return threads
    print(f"--threads {threads}: {cores} processor cores can be used here, so it is {cores}")
    return cores


def wait_briefly() -> None:
    """Let the threads of one operation spin for each other briefly, before torch is loaded."""
    # GNU's OpenMP spins 300 times as long. Where another program wants the processor, each thread
    # then spins while the one that it waits for cannot run: 0.3 frames/s in place of 19 (lab notes,
    # 2026-11-28). A user's own choice is kept; other OpenMP libraries ignore it.
    if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys():
        os.environ["GOMP_SPINCOUNT"] = _SPINS


def device_of(module: torch.nn.Module) -> torch.device:
    """Return the device of a module's first parameter or buffer; the CPU if it has none."""
    import torch

    tensors = [*module.parameters(), *module.buffers()]
    return tensors[0].device if tensors else torch.device("cpu")


def unused_gpu() -> str | None:
    """Say that a Mac's GPU is there and fits do not use it; None where there is none."""
    import torch

    if torch.cuda.is_available() or not torch.backends.mps.is_available():
        return None
    return (
        "the GPU of this Mac (mps) is not used: training on it is untested, so this runs on the "
        "processor; genie play --device mps plays on it"
    )
