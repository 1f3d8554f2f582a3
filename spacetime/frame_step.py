"""One new frame through a stack of blocks on a CPU, in fixed buffers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from spacetime.attention import Attention, KeysValues
from spacetime.cache import TimeCache
from spacetime.products import Product, RoundedProduct, Scratch
from spacetime.rotary import turn

_EPS = torch.finfo(torch.float32).eps  # of `F.rms_norm`
# Products with fewer multiplications PyTorch computes in a loop that takes twice as long as sums.
_SMALL_PRODUCT = 400
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
    needs is left out (lab notes, 2026-11-29). All but the products with weights is float32.

    Attributes:
        positions: those of the frame that it is prepared for; None at first.
    """

    def __init__(
        self,
        blocks: nn.ModuleList,
        norm: nn.RMSNorm,
        cache: TimeCache,
        product_dtype: torch.dtype = torch.float32,
    ) -> None:
        """Make the buffers for as many rollouts and tokens as the cache holds.

        Args:
            blocks: the `SpaceTimeBlock`s of a stack.
            norm: of its output.
            cache: what they have seen; its keys and values are read where they lie.
            product_dtype: of the products with weights: float32, or bfloat16.
        """
        batch, tokens, heads, slots, size = cache.keys.shape[1:]
        rows, dim = batch * tokens, heads * size
        self.positions: list[int] | None = None
        # Tensors of inference mode could not be written to outside of it.
        with torch.inference_mode(False), torch.no_grad():
            self._x, self._wide = torch.empty(rows, dim), torch.empty(rows, 4 * dim)
            self._norm = _Norm(rows, dim)
            self._projection = _Projection(batch, tokens, heads, size)
            self._space = _SpaceMix(self._projection)
            self._time = _TimeMix(self._projection, slots)
            self._last_weight = self._norm.weight(norm)
            product: _NewProduct = Product
            if product_dtype == torch.bfloat16:
                product = partial(RoundedProduct, scratch=Scratch(rows))
            self._layers = [
                _Layer(*parts, self._norm, product)
                for parts in zip(blocks, cache.keys, cache.values, strict=True)
            ]

    def prepare(self, positions: list[int], rotation: Tensor, bias: Tensor) -> None:
        """Take what is the same in all drafts of a frame, as `TimeAttention.step` takes it."""
        self.positions, self._rotation = positions, rotation
        self._time.prepare(rotation, bias)

    def run(self, x: Tensor) -> Iterator[None]:
        """Run a frame, float (B, N, D), as far as it is asked for.

        Yields:
            In each block, once `own` would return what the frame adds to its history.
        """
        self._x.copy_(x.flatten(0, 1))
        for layer in self._layers:
            self._projection.fill(layer.space, self._norm(self._x, layer.space_norm))
            layer.space.out.onto(self._x, self._space.mix(layer.bias))
            if layer.time is not None:
                self._projection.fill(layer.time, self._norm(self._x, layer.time_norm))
            yield
            if layer.time is not None:
                layer.time.out.onto(self._x, self._time.mix(layer.keys, layer.values))
            layer.up.into(self._wide, self._norm(self._x, layer.feed_norm))
            layer.down.onto(self._x, self._wide.relu_().mul_(self._wide))

    def own(self) -> KeysValues:
        """Return the frame's keys and values where `run` stands: (B, N, heads, 1, head_dim)."""
        return self._projection.own(self._rotation)

    def output(self) -> Tensor:
        """Return what a whole `run` came to, normalised: (B, N, D)."""
        batch, tokens, *_ = self._projection.shape
        return self._norm(self._x, self._last_weight).view(batch, tokens, -1).clone()


class _Norm:
    """RMS norm in three operations: PyTorch's own is six on a CPU."""

    def __init__(self, rows: int, dim: int) -> None:
        self._length, self._normed = torch.empty(rows, 1), torch.empty(rows, dim)
        self._least = torch.full((rows, 1), (dim * _EPS) ** 0.5)

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


class _Projection:
    """Queries, keys and values of a frame, and what to multiply them by: (B·N, 3, heads, …)."""

    def __init__(self, batch: int, tokens: int, heads: int, size: int) -> None:
        self.shape = (batch, tokens, heads, size)
        rows = batch * tokens
        self._qkv = torch.empty(rows, 3 * heads * size)
        self.parts = self._qkv.view(rows, 3, heads, size)
        self.factors = torch.ones(rows, 3, heads)  # those of values stay 1
        self._both, self._factors = self.parts[:, :2], self.factors[:, :2]
        self._length = torch.empty(rows, 2, heads)
        self._least = torch.full_like(self._length, (size * _EPS) ** 0.5)

    def fill(self, attention: _Attention, x: Tensor) -> None:
        """Project a frame, (B·N, D)."""
        attention.qkv.into(self._qkv, x)
        torch.linalg.vector_norm(self._both, dim=-1, out=self._length)
        torch.hypot(self._length, self._least, out=self._length)
        torch.div(attention.gain, self._length, out=self._factors)

    def own(self, rotation: Tensor) -> KeysValues:
        """Return copies of keys and values, as the cache holds them."""
        _, keys, values = self.parts.unbind(1)
        keys = turn((keys * self.factors[:, 1, :, None]).view(self.shape), rotation)
        return keys[..., None, :], values.view(self.shape)[..., None, :].clone()


class _SpaceMix:
    """What tokens take from the tokens of their frame."""

    def __init__(self, projection: _Projection) -> None:
        batch, tokens, heads, size = projection.shape
        self._parts, self._factors = (
            part.view(batch, tokens, 3, heads, -1).permute(2, 0, 3, 1, 4)
            for part in (projection.parts, projection.factors)
        )
        self._scaled = torch.empty(3, batch, heads, tokens, size)
        self._queries, keys, self._values = self._scaled.flatten(1, 2)
        self._keys = keys.mT
        self._scores = torch.empty(batch * heads, tokens, tokens)
        self._biased = self._scores.view(batch, heads, tokens, tokens)
        self._weights = torch.empty_like(self._scores)
        by_head = torch.empty(batch, heads, tokens, size)
        self._by_head, self._by_token = by_head.flatten(0, 1), by_head.transpose(1, 2)
        self._mixed = torch.empty(batch * tokens, heads * size)
        self._heads = self._mixed.view(batch, tokens, heads, size)

    def mix(self, bias: Tensor | None) -> Tensor:
        """Return values mixed by attention, (B·N, D); `bias` as of `SpaceAttention`."""
        torch.mul(self._parts, self._factors, out=self._scaled)
        torch.bmm(self._queries, self._keys, out=self._scores)
        if bias is not None:
            self._biased.add_(bias)
        torch.softmax(self._scores, dim=-1, out=self._weights)
        torch.bmm(self._weights, self._values, out=self._by_head)
        self._heads.copy_(self._by_token)
        return self._mixed


class _TimeMix:
    """What tokens take from their cached past and from themselves."""

    def __init__(self, projection: _Projection, slots: int) -> None:
        batch, tokens, heads, size = projection.shape
        rows, pairs = batch * tokens, batch * tokens * heads
        self._raw_queries, self._raw_keys, self._raw_values = projection.parts.unbind(1)
        self._query_factors = projection.factors[:, 0, :, None]
        self._key_factors = projection.factors[:, 1]
        self._queries, self._products = torch.empty(2, rows, heads, size)
        self._queries_of_rollouts = self._queries.view(batch, -1, size)
        self._turned = torch.empty(batch, tokens * heads, size)
        self._turned_pairs = self._turned.view(pairs, 1, size)
        self._product_pairs, self._ones = self._products.view(pairs, size), torch.ones(size, 1)
        self._sums = torch.empty(pairs, 1)
        self._past = torch.empty(pairs, 1, slots)
        self._past_heads = self._past.view(batch, tokens, heads, slots)
        self._scores = torch.empty(batch, tokens, heads, slots + 1)
        self._past_scores = self._scores[..., :slots]
        self._own_scores = self._scores.view(rows, heads, -1)[..., slots]
        weights = torch.empty(rows, heads, slots + 1)
        self._weights = weights.view_as(self._scores)
        self._past_weights, self._own_weights = weights[..., :slots], weights[..., slots:]
        self._weight_rows = torch.empty(pairs, 1, slots)
        self._weight_heads = self._weight_rows.view(rows, heads, slots)
        self._terms = torch.empty(pairs, slots, size) if slots * size < _SMALL_PRODUCT else None
        self._mixed = torch.empty(rows, heads * size)
        self._heads = self._mixed.view(rows, heads, size)
        self._pairs = self._mixed.view(pairs, size)

    def prepare(self, rotation: Tensor, bias: Tensor) -> None:
        """Take what is the same in all layers, as `TimeAttention.step` takes it."""
        self._rotation = rotation.expand(len(self._turned), -1, -1).contiguous()
        self._bias = bias[..., :-1]  # a frame sees itself

    def mix(self, keys: Tensor, values: Tensor) -> Tensor:
        """Return values mixed by attention, (B·N, D).

        Args:
            keys: cached, (B·N·heads, head_dim, W−1), a view of the cache.
            values: cached, (B·N·heads, W−1, head_dim).
        """
        torch.mul(self._raw_queries, self._query_factors, out=self._queries)
        # Rotated by the same angle, the own query and key have the same product.
        torch.mul(self._queries, self._raw_keys, out=self._products)
        torch.mm(self._product_pairs, self._ones, out=self._sums)
        torch.mul(self._sums.view_as(self._key_factors), self._key_factors, out=self._own_scores)
        torch.bmm(self._queries_of_rollouts, self._rotation, out=self._turned)
        torch.bmm(self._turned_pairs, keys, out=self._past)
        torch.add(self._past_heads, self._bias, out=self._past_scores)
        torch.softmax(self._scores, dim=-1, out=self._weights)
        self._weight_heads.copy_(self._past_weights)
        if self._terms is None:
            torch.bmm(self._weight_rows, values, out=self._pairs[:, None])
        else:
            torch.mul(values, self._weight_rows.mT, out=self._terms)
            torch.sum(self._terms, dim=1, out=self._pairs)
        self._heads.addcmul_(self._raw_values, self._own_weights)
        return self._mixed
