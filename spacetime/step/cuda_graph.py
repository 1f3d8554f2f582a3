"""Work on fixed buffers, launched as one CUDA graph."""

import warnings
from collections.abc import Callable
from typing import Generic, TypeVar

import torch

Result = TypeVar("Result")
Record = Callable[[Callable[[], Result]], tuple[Result, Callable[[], None]]]
RUNS_BEFORE = 64
"""A graph takes as long to record as some dozens of runs: a cache that is forked, joined or left
sooner never pays for one."""


def record_graph(work: Callable[[], Result]) -> tuple[Result, Callable[[], None]]:
    """Record the kernels that work launches; none of them runs.

    Returns:
        What the work returns, whose tensors each call of the second fills.

    Raises:
        RuntimeError: the work waits for the GPU, or does something else that no graph holds.

    Source: "CUDA Graphs" in the CUDA semantics of PyTorch's manual.
    """
    graph = torch.cuda.CUDAGraph()
    # Other threads may use the GPU meanwhile.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        result = work()
    return result, graph.replay


class GraphedWork(Generic[Result]):
    """Does work whose tensors keep their addresses; soon with one launch for all its kernels.

    Python and the driver take longer to launch a kernel than a GPU takes to run most of a small
    model's, of which a frame has some hundreds.
    """

    def __init__(self, record: Record = record_graph, before: int = RUNS_BEFORE) -> None:
        """Begin without a graph.

        Args:
            record: as `record_graph`.
            before: how often work is called plainly at first.
        """
        self._record, self._before = record, before
        self._runs = 0
        self._replay: Callable[[], None] | None = None
        self._result: Result | None = None

    def __call__(self, work: Callable[[], Result]) -> Result:
        """Do the work, always the same; what it returns is valid until the next call.

        Args:
            work: reads and writes the same tensors each time, and does not wait for the GPU. It is
                not kept: who owns this and the work would else never be freed at once.
        """
        if self._runs == self._before:
            self._try_to_record(work)
        self._runs += 1
        if self._replay is None:
            return work()
        self._replay()
        return self._result

    def _try_to_record(self, work: Callable[[], Result]) -> None:
        try:
            self._result, self._replay = self._record(work)
        except RuntimeError as error:
            warnings.warn(
                f"frames take as long as their single launches, since this GPU records no graph "
                f"of them: {error}",
                stacklevel=2,
            )
