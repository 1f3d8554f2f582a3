"""The device that models run on."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("float32", "bfloat16")
_SPINS = "1000"
"""Spins, about a twentieth of a millisecond, after which a waiting thread sleeps."""

_ROUNDS = 6


def pick_device(name: str = "auto") -> torch.device:
    """Return the torch device for "auto", "cpu", "cuda" or "mps"; auto is CUDA or the CPU.

    Of several GPUs, "cuda:1" is the second one.

    Raises:
        ValueError: if that device is not there, or there is no such name.
    """
    import torch

    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name == "auto":
        return torch.device("cuda" if available["cuda"] else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:  # no such name
        device = None
    there = device is not None and available.get(device.type, False)
    if there and device.index is not None:
        there = device.index < (torch.cuda.device_count() if device.type == "cuda" else 1)
    if not there:
        usable = ", ".join(kind for kind, found in available.items() if found)
        raise ValueError(f"--device {name} is not available here: choose auto, {usable}")
    return device


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


def pick_threads(work: Callable[[], object]) -> int:
    """Let torch use as many threads as make short work fastest now, and return how many.

    Threads wait for each other hundreds of times a frame. Beside a program that wants the same
    cores, two of them take twice as long as one (lab notes, 2026-11-29). What is computed is equal
    bit for bit.

    Args:
        work: done a dozen times and more, on 1, 2, 4, … threads, up to a core each or to a user's
            own OMP_NUM_THREADS, until more are no faster.
    """
    import torch

    chosen = "OMP_NUM_THREADS" in os.environ
    most, best = torch.get_num_threads() if chosen else usable_cores(), 1
    while 2 * best <= most and _ratio_of_threads(work, 2 * best, best) < 1:
        best *= 2
    torch.set_num_threads(best)
    return best


def _ratio_of_threads(work: Callable[[], object], many: int, few: int) -> float:
    """Return how long work takes on many threads, over how long on few; in turn, the median."""
    import torch

    ratios = []
    for _ in range(_ROUNDS):
        taken = []
        for threads in (many, few):
            torch.set_num_threads(threads)
            begin = time.perf_counter()
            work()
            taken.append(time.perf_counter() - begin)
        ratios.append(taken[0] / taken[1])
    return statistics.median(ratios[1:])  # the first round warms up


def wait_briefly() -> None:
    """Let the threads of one operation spin for each other briefly, before torch is loaded."""
    # GNU's OpenMP spins 300 times as long. Where another program wants the processor, each thread
    # then spins while the one that it waits for cannot run: 0.3 frames/s in place of 19 (lab notes,
    # 2026-11-28). A user's own choice is kept; other OpenMP libraries ignore it.
    if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys():
        os.environ["GOMP_SPINCOUNT"] = _SPINS


def has_fast_bfloat16(device: torch.device) -> bool:
    """Return whether a device multiplies bfloat16 matrices faster than float32 ones."""
    import torch

    # With AVX-512-BF16 or AMX a CPU is 2.5 times as fast in bfloat16, without them 60 times slower
    # (measured: lab notes, 2026-11-21).
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def check_precision(precision: str, device: torch.device) -> None:
    """Raise ValueError for a precision that is unknown, or that would make play slower."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}: allowed are {', '.join(PRECISIONS)}")
    if precision == "float32":
        return
    if device.type not in ("cpu", "cuda") or not has_fast_bfloat16(device):
        raise ValueError(
            f"precision {precision} is for processors and GPUs that multiply bfloat16 "
            "(AVX-512-BF16 or AMX; NVIDIA's since 2020), and would be slower here: leave it out"
        )


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
