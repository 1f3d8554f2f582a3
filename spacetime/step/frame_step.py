"""One new frame through a stack of blocks, in fixed buffers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from spacetime.attention import Attention, KeysValues
from spacetime.cache import TimeCache
from spacetime.step.cuda_graph import GraphedWork
from spacetime.step.mixes import EPS, Projection, SpaceMix, TimeMix
from spacetime.step.products import Product, RoundedProduct, Scratch

_NewProduct = Callable[[nn.Linear], Product]


def lay_out_weights(model: nn.Module) -> None:
    """Lay weights out in memory as play on a CPU reads them; values, shapes and names stay.

    Products of the few rows of one frame with a matrix that widens them are a seventh faster if its
    columns, not its rows, are contiguous (lab notes, 2026-11-29); other matrices stay as they are.
    """
    for layer in _linear_layers(model):
        if layer.out_features > layer.in_features:
            layer.weight.data = layer.weight.data.t().contiguous().t()


@contextmanager
def plain_steps(model: nn.Module) -> Iterator[None]:
    """Let new caches step block by block meanwhile, with weights as `lay_out_weights` found them.

    Sums then run in the order in which they ran before there were buffers: of a thousand frames,
    about one has a token that this decides.
    """
    weights = [layer.weight.data for layer in _linear_layers(model)]
    stacks = [part for part in model.modules() if hasattr(part, "buffered")]
    try:
        for layer in _linear_layers(model):
            layer.weight.data = layer.weight.data.contiguous()
        for stack in stacks:
            stack.buffered = False
        yield
    finally:
        for layer, weight in zip(_linear_layers(model), weights, strict=True):
            layer.weight.data = weight
        for stack in stacks:
            stack.buffered = True


def _linear_layers(model: nn.Module) -> list[nn.Linear]:
    return [part for part in model.modules() if isinstance(part, nn.Linear)]


class FrameStep:
    """Computes what `SpaceTimeBlock.step` does, for one cache, without gradients.

    A block is some forty small operations. To launch them, and to find memory for what each
    returns, took three quarters of the time of the matrix products. Here every buffer, and every
    view of one, is made once a cache; a norm, a gain and a scale are one factor; and what no draft
    needs is left out (lab notes, 2026-11-29). All but the products with weights is float32. What
    keeps its address can be launched as a whole, which a GPU wants (`cuda_graph.py`).

    Attributes:
        positions: those of the frame that it is prepared for; None: of none.
    """

    def __init__(
        self,
        blocks: nn.ModuleList,
        norm: nn.RMSNorm,
        cache: TimeCache,
        product_dtype: torch.dtype = torch.float32,
    ) -> None:
        """Make the buffers for as many rollouts and tokens as the cache holds, where it is.

        Args:
            blocks: the `SpaceTimeBlock`s of a stack.
            norm: of its output.
            cache: what they have seen; its keys and values are read where they lie.
            product_dtype: of the products with weights: float32, or bfloat16.
        """
        batch, tokens, heads, slots, size = cache.keys.shape[1:]
        rows, dim, device = batch * tokens, heads * size, cache.keys.device
        self.positions: list[int] | None = None
        # Tensors of inference mode could not be written to outside of it.
        with torch.inference_mode(False), torch.no_grad(), device:
            self._x, self._wide = torch.empty(rows, dim), torch.empty(rows, 4 * dim)
            self._norm = _Norm(rows, dim)
            self._projection = Projection(batch, tokens, heads, size)
            self._space = SpaceMix(self._projection)
            self._time = TimeMix(self._projection, slots)
            self._last_weight = self._norm.weight(norm)
            product: _NewProduct = Product
            if product_dtype == torch.bfloat16:
                product = partial(RoundedProduct, scratch=Scratch(rows))
            self._layers = [
                _Layer(*parts, self._norm, product)
                for parts in zip(blocks, cache.keys, cache.values, strict=True)
            ]
        self._graph = GraphedWork.on(device) if device.type == "cuda" else None

    def prepare(self, positions: list[int], rotation: Tensor, bias: Tensor) -> None:
        """Take what is the same in all drafts of a frame, as `TimeAttention.step` takes it."""
        self.positions = positions
        self._time.prepare(rotation, bias)

    def draft(self, x: Tensor) -> Tensor:
        """Return what a frame, float (B, N, D), comes to."""
        self._enter(x)
        if self._graph is not None and self._graph.due():
            return self._graph(self._whole)[0].clone()
        for _ in self._run():
            pass
        return self.output()

    def step(self, x: Tensor) -> tuple[Tensor, list[KeysValues]]:
        """Return `draft`, and what each block adds to the history: to be used before the next."""
        self._enter(x)
        if self._graph is not None and self._graph.due():
            output, new = self._graph(self._whole)
            return output.clone(), new
        return self._whole()

    def remember(self, x: Tensor) -> list[KeysValues]:
        """Return only what each block adds to the history."""
        self._enter(x)
        if self._graph is not None and self._graph.due():
            return self._graph(self._whole)[1]
        # The rest of the last block computes the frame's output. Blocks go first in `zip`, so that
        # the run is not asked for more than one stop a block.
        return [self._own() for _, _ in zip(self._layers, self._run(), strict=False)]

    def output(self) -> Tensor:
        """Return what a whole run came to, normalised: (B, N, D)."""
        batch, tokens, *_ = self._projection.shape
        return self._norm(self._x, self._last_weight).view(batch, tokens, -1).clone()

    def _enter(self, x: Tensor) -> None:
        self._x.copy_(x.flatten(0, 1))

    def _whole(self) -> tuple[Tensor, list[KeysValues]]:
        new = [self._own() for _ in self._run()]
        return self.output(), new

    def _run(self) -> Iterator[None]:
        """Run the frame that entered, as far as it is asked for.

        Yields:
            In each block, once `_own` would return what the frame adds to its history.
        """
        for layer in self._layers:
            self._fill(layer.space, self._norm(self._x, layer.space_norm))
            layer.space.out.onto(self._x, self._space.mix(layer.bias))
            if layer.time is not None:
                self._fill(layer.time, self._norm(self._x, layer.time_norm))
            yield
            if layer.time is not None:
                layer.time.out.onto(self._x, self._time.mix(layer.keys, layer.values))
            layer.up.into(self._wide, self._norm(self._x, layer.feed_norm))
            layer.down.onto(self._x, self._wide.relu_().mul_(self._wide))

    def _fill(self, attention: "_Attention", x: Tensor) -> None:
        self._projection.fill(attention.qkv, attention.gain, x)

    def _own(self) -> KeysValues:
        """Return the frame's keys and values where a run stands: (B, N, heads, 1, head_dim)."""
        return self._projection.own(self._time.rotation(single=len(self.positions) == 1))


class _Norm:
    """RMS norm in three operations: PyTorch's own is six on a CPU."""

    def __init__(self, rows: int, dim: int) -> None:
        self._length, self._normed = torch.empty(rows, 1), torch.empty(rows, dim)
        self._least = torch.full((rows, 1), (dim * EPS) ** 0.5)

    def weight(self, norm: nn.RMSNorm) -> Tensor:
        """Return what `__call__` takes: x over its length is shorter than x over its RMS."""
        return norm.weight * norm.weight.shape[0] ** 0.5

    def __call__(self, x: Tensor, weight: Tensor) -> Tensor:
        torch.linalg.vector_norm(x, dim=-1, keepdim=True, out=self._length)
        torch.hypot(self._length, self._least, out=self._length)
        return torch.div(x, self._length, out=self._normed).mul_(weight)


class _Layer:
    """The weights of a block as `FrameStep` multiplies by them, and its part of the cache."""

    def __init__(
        self, block: nn.Module, keys: Tensor, values: Tensor, norm: _Norm, product: _NewProduct
    ) -> None:
        self.space_norm = norm.weight(block.space_norm)
        self.space = _Attention(block.space, product)
        self.bias = block.space.bias()
        self.time = None
        if block.time is not None:
            self.time_norm = norm.weight(block.time_norm)
            self.time = _Attention(block.time, product)
            slots, size = keys.shape[-2:]
            self.keys, self.values = keys.view(-1, slots, size).mT, values.view(-1, slots, size)
        self.feed_norm = norm.weight(block.feed_norm)
        self.up, self.down = product(block.feed.up), product(block.feed.down)


class _Attention:
    """The weights of attention in space or in time."""

    def __init__(self, attention: Attention, product: _NewProduct) -> None:
        self.qkv, self.out = product(attention.qkv), product(attention.out)
        # Over their lengths, queries would be scaled by sqrt(head_dim) and by its inverse.
        size = attention.out.in_features // attention.heads
        self.gain = torch.stack((attention.gain, torch.full_like(attention.gain, size**0.5)))
