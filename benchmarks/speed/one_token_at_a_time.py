"""An autoregressive decoder of the size of a dynamics, to compare drafts of whole frames with."""

import torch
from torch import Tensor
from torch.nn import functional as F

from dynamics.model import Dynamics
from dynamics.sampler import sample_codes
from spacetime.blocks import SpaceTimeBlock, next_bias
from spacetime.cache import TimeCache


class OneTokenAtATime:
    """Plays the blocks of a dynamics token by token, as a causal decoder does.

    A token sees those before it in its frame, and those at its position in the frames before; keys
    and values of all of them are kept. What it samples means nothing, for nobody trained it so.
    """

    def __init__(self, dynamics: Dynamics, cache: TimeCache) -> None:
        """Take the models; the cache holds the frames before and stays as it is."""
        self._dynamics, self._cache = dynamics, cache
        layers, _, tokens, heads, _, size = cache.keys.shape
        self._keys, self._values = torch.empty(2, layers, 1, heads, tokens, size)

    @torch.inference_mode()
    def frame(self, action: Tensor) -> Tensor:
        """Sample a frame under an action, int64 (1,): int64 (1, N)."""
        dynamics, cache = self._dynamics, self._cache
        stack, uniform = dynamics.stack, torch.rand(1, dynamics.config.num_tokens)
        rotation, bias = stack.next_rotation(cache), next_bias(cache)
        lead, last = dynamics.actions(action), torch.tensor([dynamics.config.num_codes])
        codes = []
        for number, place in enumerate(dynamics.places):
            x = (dynamics.tokens(last) + lead + place)[:, None]  # (1, 1, D)
            for layer, block in enumerate(stack.blocks):
                x = x + self._space(block, layer, number, x)
                past = tuple(
                    part[layer][:, number : number + 1] for part in (cache.keys, cache.values)
                )
                x = x + block.time.step(block.time_norm(x), past, rotation, bias)[0]
                x = x + block.feed.step(block.feed_norm(x))
            logits = dynamics.head(stack.norm(x))
            last = sample_codes(logits, 1.0, uniform[:, number, None])[0][0]
            codes.append(last)
        return torch.stack(codes, dim=1)

    def _space(self, block: SpaceTimeBlock, layer: int, number: int, x: Tensor) -> Tensor:
        """Let a token see its frame as far as it is known."""
        both, values = block.space.project_frame(block.space_norm(x))
        queries, keys = both.transpose(1, 3).unbind(2)  # (1, heads, 1, head_dim)
        self._keys[layer][:, :, number] = keys[:, :, 0]
        self._values[layer][:, :, number] = values[:, 0]
        known = (part[layer][:, :, : number + 1] for part in (self._keys, self._values))
        queries = block.space.sharpened(queries.transpose(1, 2)).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(queries, *known, scale=1.0)
        return block.space.out(mixed.flatten(1)[:, None])
