"""How fast a fit runs: frames and floating-point operations a second, and its share of products."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_flop_count

PRODUCT_SIDE = {"cpu": 1024, "cuda": 8192}
"""Of the square matrices that a machine's products are timed on."""
PRODUCT_REPEATS = 3


class _Counter(TorchDispatchMode):
    """Counts what is calculated.

    PyTorch's own counter takes operations apart, which may round otherwise: a fit would not be the
    same as one that is not counted. This one only looks on.
    """

    def __init__(self) -> None:
        """Begin at 0."""
        super().__init__()
        self.flops = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation, and add what it costs."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        packet = func._overloadpacket
        if packet in flop_registry:
            self.flops += flop_registry[packet](*args, **kwargs, out_val=result)
        elif packet in _CPU_ATTENTION:  # PyTorch counts that of GPUs only
            query, key, value = args[_CPU_ATTENTION[packet] :][:3]
            product = sdpa_flop_count(query.shape, key.shape, value.shape)
            # Backwards five products of the forward pass's two: the scores again, and a gradient
            # for each of four factors.
            self.flops += 5 * product // 2 if _CPU_ATTENTION[packet] else product
        return result


_CPU_ATTENTION = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: 0,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: 1,
}
"""Where the queries stand among the arguments; before them is the gradient, going backwards."""


@contextmanager
def counted_flops(found: Callable[[int], None]) -> Iterator[None]:
    """Count the floating-point operations of products, convolutions and attentions inside.

    Args:
        found: takes their number at the end; a multiplication and an addition are two.
    """
    # Compiled code would not be seen.
    with torch.compiler.set_stance("force_eager"), _Counter() as counter:
        yield
    found(counter.flops)


class Throughput:
    """The speed of one slice of a fit."""

    def __init__(
        self,
        frames: int,
        device: torch.device,
        precision: str,
        processes: int = 1,
        counts: bool = True,
    ) -> None:
        """Measure a fit.

        Args:
            frames: of a step, in one process.
            device: of this process.
            precision: Lightning's, in which products are timed.
            processes: that fit together, each on a device of its own.
            counts: whether operations are counted; in a sharded fit they are not.
        """
        self.frames, self.device, self.processes = frames, device, processes
        self.dtype = torch.bfloat16 if precision == "bf16-mixed" else torch.float32
        self.flops: int | None = None
        self.seconds, self.steps = 0.0, 0
        self._counts, self._products, self._done, self._part = counts, 0.0, 0.0, None

    @contextmanager
    def step(self, part: object = None) -> Iterator[None]:
        """Surround the forward and backward passes of a step.

        Args:
            part: of the fit, whose steps are of one size; those of its first one are counted.
        """
        if not self._counts or (self.flops is not None and part == self._part):
            yield
            return
        self._part = part
        with counted_flops(self._take):
            yield

    def add(self, steps: int, seconds: float) -> dict[str, float]:
        """Take in how long some steps took, and return the row of the log.

        Returns:
            frames_per_second, and where they are counted teraflops (a second), both of all
            processes, and of_products: the share of what plain matrix products reach on this one's
            device. Nothing if no time passed.
        """
        self.steps, self.seconds = self.steps + steps, self.seconds + seconds
        done = (self.flops or 0) * steps
        self._done += done
        return self._figures(steps, done, seconds) if seconds > 0 else {}

    def summary(self) -> str | None:
        """Say how fast the slice ran; None if it was too short to be timed."""
        if not self.seconds:
            return None
        figures = self._figures(self.steps, self._done, self.seconds)
        line = f"{figures['frames_per_second']:,.3g} frames/s"
        if "teraflops" not in figures:
            return line
        return (
            f"{line}, {1000 * figures['teraflops']:,.3g} GFLOP/s: {figures['of_products']:.0%} of "
            "this machine's matrix products"
        )

    def _take(self, flops: int) -> None:
        self.flops = flops

    def _figures(self, steps: int, done: float, seconds: float) -> dict[str, float]:
        figures = {"frames_per_second": self.frames * self.processes * steps / seconds}
        if done:
            self._products = self._products or products_per_second(self.device, self.dtype)
            figures["teraflops"] = done / seconds * self.processes / 1e12
            figures["of_products"] = done / seconds / self._products
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
