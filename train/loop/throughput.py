"""How fast a fit runs: frames and floating-point operations a second, and its share of products."""

import copy
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from train.loop.module import FitModule

PRODUCT_SIDE = {"cpu": 1024, "cuda": 8192}
"""Of the square matrices that a machine's products are timed on."""
PRODUCT_REPEATS = 3


def _attention(query: tuple, key: tuple, value: tuple, *_: Any, **__: Any) -> int:
    return sdpa_flop_count(query, key, value)


def _attention_backward(
    gradient: tuple, query: tuple, key: tuple, value: tuple, *_: Any, **__: Any
) -> int:
    # Five products of the forward's two: the scores again, and the gradients of all four factors.
    return 5 * sdpa_flop_count(query, key, value) // 2


# PyTorch counts the attention of GPUs only.
_CPU_ATTENTION = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
}


def count_flops(work: Callable[[], object]) -> int:
    """Count the floating-point operations of products, convolutions and attentions in a call.

    A multiplication and an addition are two. Counting breaks operations into parts, which may round
    otherwise: results of the call are not those that it has alone.
    """
    with FlopCounterMode(display=False, custom_mapping=_CPU_ATTENTION) as counter:
        work()
    return counter.get_total_flops()


def flops_of_step(module: FitModule, precision: str) -> int:
    """Count the operations of a step's forward and backward passes, which change nothing.

    Args:
        module: on its device.
        precision: Lightning's, of the fit.
    """
    trial = copy.copy(module)
    trial._modules = dict(module._modules)
    trial.model = copy.deepcopy(module.model)  # uncompiled, whatever the module's own is
    device = module.device
    batch = [part.to(device) for part in module.draw(module.clock.step)]
    state = torch.random.fork_rng([device] if device.type == "cuda" else [])
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16-mixed")
    with state, autocast:
        return count_flops(lambda: trial.loss(*batch)[0].backward())


class Throughput:
    """The speed of one slice of a fit."""

    def __init__(
        self,
        frames: int,
        device: torch.device,
        precision: str,
        processes: int = 1,
        flops: int | None = None,
    ) -> None:
        """Measure a fit.

        Args:
            frames: of a step, in one process.
            device: of this process.
            precision: Lightning's, in which products are timed.
            processes: that fit together, each on a device of its own.
            flops: of a step, in one process; None: not counted.
        """
        self.frames, self.device, self.processes = frames, device, processes
        self.dtype = torch.bfloat16 if precision == "bf16-mixed" else torch.float32
        self.flops, self._products = flops, 0.0
        self.seconds, self.steps = 0.0, 0

    def add(self, steps: int, seconds: float) -> dict[str, float]:
        """Take in how long some steps took, and return the row of the log.

        Returns:
            frames_per_second, and where they are counted teraflops (a second), both of all
            processes, and of_products: the share of what plain matrix products reach on this one's
            device. Nothing if no time passed.
        """
        self.steps, self.seconds = self.steps + steps, self.seconds + seconds
        return self._figures(steps / seconds) if seconds > 0 else {}

    def summary(self) -> str | None:
        """Say how fast the slice ran; None if it was too short to be timed."""
        if not self.seconds:
            return None
        figures = self._figures(self.steps / self.seconds)
        line = f"{figures['frames_per_second']:,.3g} frames/s"
        if "teraflops" not in figures:
            return line
        return (
            f"{line}, {1000 * figures['teraflops']:,.3g} GFLOP/s: {figures['of_products']:.0%} of "
            "this machine's matrix products"
        )

    def _figures(self, rate: float) -> dict[str, float]:
        figures = {"frames_per_second": self.frames * self.processes * rate}
        if self.flops:
            self._products = self._products or products_per_second(self.device, self.dtype)
            done = self.flops * rate
            figures["teraflops"] = done * self.processes / 1e12
            figures["of_products"] = done / self._products
        return figures


def products_per_second(device: torch.device, dtype: torch.dtype) -> float:
    """Time plain matrix products: the operations a second of the best of three."""
    side = PRODUCT_SIDE.get(device.type, PRODUCT_SIDE["cpu"])
    one = torch.ones(side, side, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(1 + PRODUCT_REPEATS):  # the first one warms up
        began = time.perf_counter()
        torch.mm(one, one)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - began)
    return 2 * side**3 / best
