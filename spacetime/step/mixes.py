"""What tokens take from each other, in fixed buffers."""

import torch
from torch import Tensor

from spacetime.attention import KeysValues
from spacetime.rotary import turn
from spacetime.step.products import Product

EPS = torch.finfo(torch.float32).eps  # of `F.rms_norm`
# Products with fewer multiplications PyTorch computes in a loop that takes twice as long as sums.
_SMALL_PRODUCT = 400


class Projection:
    """Queries, keys and values of a frame, and what to multiply them by: (B·N, 3, heads, …)."""

    def __init__(self, batch: int, tokens: int, heads: int, size: int) -> None:
        """Make the buffers for B rollouts of N tokens."""
        self.shape = (batch, tokens, heads, size)
        rows = batch * tokens
        self._qkv = torch.empty(rows, 3 * heads * size)
        self.parts = self._qkv.view(rows, 3, heads, size)
        self.factors = torch.ones(rows, 3, heads)  # those of values stay 1
        self._both, self._factors = self.parts[:, :2], self.factors[:, :2]
        self._length = torch.empty(rows, 2, heads)
        self._least = torch.full_like(self._length, (size * EPS) ** 0.5)

    def fill(self, qkv: Product, gain: Tensor, x: Tensor) -> None:
        """Project a frame, (B·N, D); `gain`, (2, heads), is what queries and keys shall be long."""
        qkv.into(self._qkv, x)
        torch.linalg.vector_norm(self._both, dim=-1, out=self._length)
        torch.hypot(self._length, self._least, out=self._length)
        torch.div(gain, self._length, out=self._factors)

    def own(self, rotation: Tensor) -> KeysValues:
        """Return keys, rotated, and values as the cache holds them."""
        _, keys, values = self.parts.unbind(1)
        keys = turn((keys * self.factors[:, 1, :, None]).view(self.shape), rotation)
        return keys[..., None, :], values.view(self.shape)[..., None, :].clone()


class SpaceMix:
    """What tokens take from the tokens of their frame."""

    def __init__(self, projection: Projection) -> None:
        """Make the buffers that go with a projection's."""
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


class TimeMix:
    """What tokens take from their cached past and from themselves."""

    def __init__(self, projection: Projection, slots: int) -> None:
        """Make the buffers that go with a projection's, and with W−1 `slots` of a cache."""
        batch, tokens, heads, size = projection.shape
        rows, pairs = batch * tokens, batch * tokens * heads
        self._raw_queries, self._raw_keys, self._raw_values = projection.parts.unbind(1)
        self._query_factors = projection.factors[:, 0, :, None]
        self._key_factors = projection.factors[:, 1]
        self._queries, self._products = torch.empty(2, rows, heads, size)
        self._queries_of_rollouts = self._queries.view(batch, -1, size)
        self._rotations, self._bias = (
            torch.empty(batch, size, size),
            torch.empty(batch, 1, 1, slots),
        )
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
        self._rotations.copy_(rotation)
        self._bias.copy_(bias[..., :-1])  # a frame sees itself

    def rotation(self, single: bool) -> Tensor:
        """Return what was prepared, as `turn` has it: of all rollouts at once, or of each."""
        return self._rotations[0] if single else self._rotations

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
        torch.bmm(self._queries_of_rollouts, self._rotations, out=self._turned)
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
