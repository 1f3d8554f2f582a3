"""A tokenizer for frames that are larger by a whole factor, with the ids of a smaller one."""

from dataclasses import replace

import torch
from torch import Tensor

from spacetime.pixels import SHRINKINGS
from tokenizer.model import Tokenizer


@torch.no_grad()
def enlarge(tokenizer: Tokenizer, factor: int, shrinking: str) -> Tokenizer:
    """Return a tokenizer of frames `factor` times as high and as wide.

    A frame has the ids that the given tokenizer has for the shrunk frame: shrinking is linear, so
    it goes into the first projection. It decodes to what the given one draws, each pixel repeated,
    until its decoder is fitted on large frames. Tokens, codes and the blocks stay as they are.

    Args:
        tokenizer: stays as it is.
        factor: at least 2.
        shrinking: one of `spacetime.pixels.SHRINKINGS`.

    Raises:
        ValueError: for another shrinking, or a factor under 2.
    """
    if shrinking not in SHRINKINGS or factor < 2:
        raise ValueError(
            f"shrinking must be one of {', '.join(SHRINKINGS)} and factor 2 or more, got "
            f"{shrinking!r} and {factor}"
        )
    config = tokenizer.config
    sizes = {"height": config.height, "width": config.width, "patch": config.patch}
    large = Tokenizer(replace(config, **{name: factor * size for name, size in sizes.items()}))
    weights = tokenizer.state_dict()
    weights["embed.weight"] = _spread(weights["embed.weight"].T, config.patch, factor, shrinking).T
    for name in ("to_pixels.weight", "to_pixels.bias"):
        weights[name] = _repeat(weights[name], config.patch, factor)
    large.load_state_dict(weights)
    return large.to(next(tokenizer.parameters()).device)


def _repeat(rows: Tensor, patch: int, factor: int) -> Tensor:
    """Repeat what belongs to each pixel of a patch, (3·patch², ...), for those of a larger one."""
    pixels = rows.unflatten(0, (3, patch, patch))
    return pixels.repeat_interleave(factor, 1).repeat_interleave(factor, 2).flatten(0, 2)


def _spread(rows: Tensor, patch: int, factor: int, shrinking: str) -> Tensor:
    """Share what counts each pixel of a patch, (3·patch², ...), among those that it is made of."""
    repeated = _repeat(rows, patch, factor)
    if shrinking == "mean":
        return repeated / factor**2
    side = torch.arange(factor * patch, device=rows.device) % factor == factor // 2
    chosen = (side[:, None] & side).expand(3, -1, -1).flatten()
    return torch.where(chosen.reshape(-1, *[1] * (rows.ndim - 1)), repeated, 0)
