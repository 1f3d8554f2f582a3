"""Work on fixed buffers, launched as one CUDA graph."""

import math
import warnings
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

import torch

Result = TypeVar("Result")
Record = Callable[[Callable[[], Result]], tuple[Result, Callable[[], None]]]
RUNS_BEFORE = 64
"""A graph takes as long to record as some dozens of runs: a cache that is forked, joined or left
sooner never pays for one."""


def record_graph(
    work: Callable[[], Result], device: torch.device
) -> tuple[Result, Callable[[], None]]:
    """Record the kernels that work launches; none of them runs.

    Args:
        work: reads and writes the same tensors each time, and does not wait for the GPU.
        device: where they are.

    Returns:
        What the work returns, whose tensors each call of the second fills.

    Raises:
        RuntimeError: the work waits for the GPU, or does something else that no graph holds.

    Source: "CUDA Graphs" in the CUDA semantics of PyTorch's manual.
    """
    graph = torch.cuda.CUDAGraph()
    # The stream is that of the current device unless it is named, and what runs on another one
    # would not be recorded. Graphs recorded in inference mode and outside of it do not mix.
    with torch.cuda.device(device), torch.inference_mode(False), torch.no_grad():
        before = torch.cuda.current_stream()
        try:
            # Other threads may use the GPU meanwhile.
            with torch.cuda.graph(
                graph, stream=torch.cuda.Stream(device), capture_error_mode="thread_local"
            ):
                result = work()
        finally:
            torch.cuda.set_stream(before)
    return result, graph.replay


class GraphedWork(Generic[Result]):
    """Does work whose tensors keep their addresses with one launch for all its kernels.

    Python and the driver take longer to launch a kernel than a GPU takes to run most of a small
    model's, of which a frame has some hundreds.
    """

    def __init__(self, record: Record, before: int = RUNS_BEFORE) -> None:
        """Begin without a graph.

        Args:
            record: as `record_graph`, of a device.
            before: how often work is done plainly at first.
        """
        self._record, self._before = record, float(before)
        self._runs = 0
        self._replay: Callable[[], None] | None = None
        self._result: Result | None = None

    @classmethod
    def on(cls, device: torch.device) -> "GraphedWork":
        """Return one for a GPU."""
        return cls(partial(record_graph, device=device))

    def due(self) -> bool:
        """Count a run, and say whether it should be launched as a graph."""
        self._runs += 1
        return self._runs > self._before

    def __call__(self, work: Callable[[], Result]) -> Result:
        """Do the work, always the same; what it returns is valid until the next call.

        Args:
            work: of `record_graph`. It is not kept: who owns this and the work would else not be
                freed as soon as it is left.
        """
        if self._replay is None:
            try:
                self._result, self._replay = self._record(work)
            except RuntimeError as error:
                self._before = math.inf
                warnings.warn(
                    "frames take as long as their single launches, since this GPU records no graph "
                    f"of them: {error}",
                    stacklevel=2,
                )
                return work()
        self._replay()
        return self._result
