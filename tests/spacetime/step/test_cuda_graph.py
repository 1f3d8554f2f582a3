"""A frame that is launched as one graph, against the frame launched operation by operation.

No GPU is needed: a recorder keeps every operation with the tensors that it read and wrote, and runs
them again on those very tensors, as a CUDA graph does.
"""

import gc
import weakref
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from spacetime.blocks import SpaceTimeStack
from spacetime.cache import TimeCache
from spacetime.step.cuda_graph import GraphedWork

DIM, HEADS, LAYERS, GRID, BAND = 32, 2, 2, (2, 3), 4
TOKENS = GRID[0] * GRID[1]
WAITS_OR_FREEZES = ("_local_scalar_dense", "nonzero", "lift_fresh", "_to_copy")


class Recorder(TorchDispatchMode):
    """Keeps the operations that run inside of it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[tuple] = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        self.done.append((operation, args, kwargs or {}, result))
        return result

    def replay(self) -> None:
        """Run them again, from what their tensors hold now, into the same tensors."""
        for operation, args, kwargs, result in self.done:
            again = operation(*args, **kwargs)
            for old, new in zip(tree_leaves(result), tree_leaves(again), strict=True):
                if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)

    @property
    def names(self) -> set[str]:
        return {operation.overloadpacket.__name__ for operation, *_ in self.done}


class Recording:
    """Stands in for `record_graph`."""

    def __init__(self, entered: Tensor) -> None:
        self.entered = entered

    def __call__(self, work: Callable[[], object]) -> tuple[object, Callable[[], None]]:
        entered = self.entered.clone()
        with Recorder() as recorder:
            result = work()
        assert not recorder.names & set(WAITS_OR_FREEZES)
        # A GPU records without running anything, so what entered would still be there.
        self.entered.copy_(entered)
        return result, recorder.replay


@torch.no_grad()
def stack() -> SpaceTimeStack:
    model = SpaceTimeStack(DIM, HEADS, LAYERS, BAND, GRID)
    generator = torch.Generator().manual_seed(9)
    for parameter in model.parameters():
        parameter.copy_(0.4 * torch.randn(parameter.shape, generator=generator))
    return model


def graphed_cache(model: SpaceTimeStack, batch: int, before: int = 1) -> TimeCache:
    """Return a cache whose frames go through a graph, as on a GPU."""
    cache = model.new_cache(batch, TOKENS, 1_000_000)
    step = model._frame(cache)
    step._graph = GraphedWork(Recording(step._x), before)
    return cache


@pytest.mark.parametrize("batch", [1, 3])
@torch.no_grad()
def test_a_graph_draws_the_frames_that_its_operations_draw(batch):
    model = stack()
    plain, graphed = model.new_cache(batch, TOKENS, 1_000_000), graphed_cache(model, batch)
    generator = torch.Generator().manual_seed(0)
    for _ in range(3 * BAND):
        first, second = torch.randn(2, batch, TOKENS, DIM, generator=generator)
        expected = model.draft(first, plain)
        drafted = model.draft(first, graphed)
        assert torch.equal(drafted, expected)
        assert torch.equal(model.draft(second, graphed), model.draft(second, plain))
        assert torch.equal(drafted, expected), "a draft changed with the next one"
        model.remember(second, plain)
        model.remember(second, graphed)
        assert torch.equal(graphed.keys, plain.keys) and torch.equal(graphed.values, plain.values)


@torch.no_grad()
def test_a_graph_serves_a_rollout_that_takes_another_history():
    model, x = stack(), torch.randn(6, 2, TOKENS, DIM, generator=torch.Generator().manual_seed(1))
    cache, other = graphed_cache(model, 2), model.new_cache(1, TOKENS, 1_000_003)
    for frame in x[:5]:
        model.remember(frame, cache)
    for frame in x[:2, 1:] + 1:
        model.remember(frame, other)
    model.draft(x[5], cache)
    graph = cache.frame_step._graph
    cache.take_rows(torch.tensor([1]), other)
    torch.testing.assert_close(model.draft(x[5], cache)[1:], model.draft(x[5, 1:], other))
    assert cache.frame_step._graph is graph


def test_work_is_recorded_once_and_only_after_some_runs():
    done, replayed = [], []

    def work() -> int:
        done.append(1)
        return len(done)

    def recorded(work):
        return work(), lambda: replayed.append(1)

    graphed = GraphedWork(recorded, before=2)
    assert [graphed.due() for _ in range(5)] == [False, False, True, True, True]
    assert [graphed(work) for _ in range(3)] == [1, 1, 1]
    assert (len(done), len(replayed)) == (1, 3)


def test_where_no_graph_can_be_recorded_work_goes_on_and_this_is_said_once():
    def refused(work):
        raise RuntimeError("operation not permitted when stream is capturing")

    graphed = GraphedWork(refused, before=1)
    assert [graphed.due() for _ in range(2)] == [False, True]
    with pytest.warns(UserWarning, match="records no graph of them: operation not"):
        assert graphed(lambda: 7) == 7
    assert not any(graphed.due() for _ in range(3))


@torch.no_grad()
def test_a_cache_with_a_graph_is_freed_as_soon_as_it_is_left():
    model = stack()
    cache = graphed_cache(model, 1)
    for x in torch.randn(3, 1, TOKENS, DIM):
        model.draft(x, cache)
    left = weakref.ref(cache.frame_step)
    gc.disable()  # caches of many players take gigabytes of a GPU
    try:
        del cache
        assert left() is None
    finally:
        gc.enable()
