"""The models of a world as functions of tensors alone, caches included, as ONNX can hold them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dynamics.model import Dynamics
from spacetime.blocks import SpaceTimeStack
from tokenizer.model import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A module to export, with the names of what goes in and out; inputs by example."""

    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]


def world_graphs(bundle: Any) -> dict[str, Graph]:
    """Return the graphs with which a page plays a genie.library.bundle.Bundle.

    Raises:
        ValueError: if its models are of another kind than this program's own.
    """
    tokenizer, dynamics = bundle.tokenizer, bundle.dynamics
    if type(tokenizer) is not Tokenizer or type(dynamics) is not Dynamics:
        raise ValueError(
            f"a page plays worlds of a Tokenizer and a Dynamics, {bundle.name} has a "
            f"{type(tokenizer).__name__} and a {type(dynamics).__name__}: play it with genie play"
        )
    tokens = dynamics.config.num_tokens
    frame = {
        "ids": torch.zeros(1, tokens, dtype=torch.int64),
        "action": torch.zeros(1, dtype=torch.int64),
    }
    past = cache_inputs(dynamics.stack, tokens)
    slot = past.pop("slot")
    codes, seen = {"ids": frame["ids"]}, ("picture",)
    if tokenizer.decoder.band > 1:
        codes |= cache_inputs(tokenizer.decoder, tokens)
        seen += ("new_keys", "new_values")
    picture = torch.zeros(1, bundle.height, bundle.width, 3, dtype=torch.uint8)
    recalled = {} if dynamics.map_layout is None else {"recalled": frame["ids"].clone()}
    return {
        "draft": Graph(module=Draft(dynamics), inputs=frame | past | recalled, outputs=("logits",)),
        "commit": Graph(
            module=Commit(dynamics),
            inputs=frame | past | {"slot": slot},
            outputs=("new_keys", "new_values"),
        ),
        "decode": Graph(module=Decode(tokenizer), inputs=codes, outputs=seen),
        "encode": Graph(module=Encode(tokenizer), inputs={"picture": picture}, outputs=("ids",)),
    }


def cache_inputs(stack: SpaceTimeStack, tokens: int) -> dict[str, Tensor]:
    """Return what a frame needs of the frames before it, for an empty history.

    Keys and values are (L, 1, N, heads, W−1, head_dim) each. `bias` (W,) is 0 for the frames in
    sight, −infinity for others; `rotation` is that of the new frame; `slot` (W−1,) is 1 where the
    new frame goes.
    """
    cache = stack.new_cache(1, tokens)
    head_dim = stack.dim // stack.heads
    return {
        "keys": cache.keys,
        "values": cache.values,
        "bias": torch.zeros(stack.band),
        "rotation": torch.eye(head_dim),
        "slot": torch.zeros(stack.band - 1),
    }


class Draft(nn.Module):
    """`Dynamics.draft` with the cache as tensors."""

    def __init__(self, dynamics: Dynamics) -> None:
        """Wrap a model."""
        super().__init__()
        self.dynamics = dynamics

    def forward(
        self, ids: Tensor, action: Tensor, keys: Tensor, values: Tensor, bias: Tensor,
        rotation: Tensor, recalled: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Return logits (1, N, K); `recalled` (1, N) is what a map knows, if there is one."""
        x = self.dynamics._embed(ids, action, recalled)
        for layer, block in enumerate(self.dynamics.stack.blocks):
            x, _ = block.step(x, (keys[layer], values[layer]), rotation, bias)
        return self.dynamics._logits(self.dynamics.stack.norm(x), recalled)


class Commit(Draft):
    """`Dynamics.commit` with the cache as tensors."""

    def forward(
        self, ids: Tensor, action: Tensor, keys: Tensor, values: Tensor, bias: Tensor,
        rotation: Tensor, slot: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Return the keys and values after the frame."""
        x, new = self.dynamics._embed(ids, action), []
        *blocks, last = self.dynamics.stack.blocks
        for layer, block in enumerate(blocks):
            x, own = block.step(x, (keys[layer], values[layer]), rotation, bias)
            new.append(own)
        new.append(last.remember(x, rotation))
        return write(keys, values, new, slot)


class Decode(nn.Module):
    """`Tokenizer.decode_step` with the cache as tensors, to a picture of bytes."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Wrap a model."""
        super().__init__()
        self.tokenizer = tokenizer

    def forward(self, ids: Tensor, *cache: Tensor) -> Any:
        """Return a picture uint8 (1, H, W, 3), and the cache after the frame if there is one."""
        tokenizer = self.tokenizer
        x = tokenizer.from_latent(tokenizer.quantizer.lookup(ids)) + tokenizer.decoder_places
        keys, values, bias, rotation, slot = cache or (None,) * 5
        new = []
        for layer, block in enumerate(tokenizer.decoder.blocks):
            past = (keys[layer], values[layer]) if cache else (x, x)
            x, own = block.step(x, past, rotation, bias)
            new.append(own)
        frame = tokenizer._pixels(tokenizer.decoder.norm(x)).clamp(0, 1)
        picture = frame.mul(255).round().to(torch.uint8).movedim(1, -1)
        return (picture, *write(keys, values, new, slot)) if cache else picture


class Encode(nn.Module):
    """`Tokenizer.encode` of one picture of bytes."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Wrap a model."""
        super().__init__()
        self.tokenizer = tokenizer

    def forward(self, picture: Tensor) -> Tensor:
        """Return ids int64 (1, N) of a picture uint8 (1, H, W, 3)."""
        frames = picture.movedim(-1, 1)[:, None].float() / 255
        return self.tokenizer.encode(frames)[:, 0]


def write(keys: Tensor, values: Tensor, new: list, slot: Tensor) -> tuple[Tensor, Tensor]:
    """Return keys and values with those of a new frame in its slot, as `TimeCache.write` puts them.

    As a choice, not by index: this runs on every backend of the browser.
    """
    mine = slot[:, None] > 0
    own_keys, own_values = (torch.stack(part) for part in zip(*new, strict=True))
    return torch.where(mine, own_keys, keys), torch.where(mine, own_values, values)
