"""Pictures that show what each latent action does."""

import torch
from einops import rearrange
from torch import Tensor

from lam.keymap.displacement import as_unit_frames

_GAP = 2
_GREY = 128 / 255
_SMALL_SIDE = 64


def code_grid(before: Tensor, after_by_code: Tensor, amplify: float = 4.0) -> Tensor:
    """Draw what each code does to several prompts.

    One row per code, in the order of ids. For every prompt it shows the frame before, the frame
    that the code makes of it, and their difference on grey, amplified.

    Args:
        before: uint8 or float in [0, 1], (P, 3, H, W), the prompts.
        after_by_code: the same type, (A, P, 3, H, W): each code's prediction from each prompt.
        amplify: factor on the difference, above 0.

    Returns:
        uint8 (height, width, 3), to be written as a png. Frames under 64 pixels are enlarged by a
        whole factor, pixels staying sharp.

    Raises:
        ValueError: if the shapes do not belong together or `amplify` is not positive.
    """
    if after_by_code.ndim != 5 or after_by_code.shape[1:] != before.shape or not len(after_by_code):
        raise ValueError(
            f"after_by_code must be (A, *before.shape) = (A, {', '.join(map(str, before.shape))}), "
            f"got {tuple(after_by_code.shape)}"
        )
    if not amplify > 0 or not len(before):
        raise ValueError(f"give at least one prompt, and amplify above 0 (got {amplify})")
    start = as_unit_frames(before, "before").cpu()
    rows = []
    for after in after_by_code:
        end = as_unit_frames(after, "after_by_code").cpu()
        change = (_GREY + amplify * (end - start)).clamp(0, 1)
        rows.append(torch.stack([start, end, change], dim=1))  # (P, 3 views, 3, H, W)
    return _tile(torch.stack(rows))


def _tile(views: Tensor) -> Tensor:
    """Lay out float (A, P, V, 3, H, W) as one uint8 (height, width, 3), white gaps between."""
    factor = max(1, -(-_SMALL_SIDE // min(views.shape[-2:])))
    views = views.repeat_interleave(factor, dim=-2).repeat_interleave(factor, dim=-1)
    # Views of one prompt touch by one gap, prompts stand apart by two.
    views = torch.nn.functional.pad(views, [_GAP, 0, _GAP, 0], value=1.0)
    prompts = rearrange(views, "a p v c h w -> a p c h (v w)")
    prompts = torch.nn.functional.pad(prompts, [0, _GAP], value=1.0)
    picture = rearrange(prompts, "a p c h w -> (a h) (p w) c")
    picture = torch.nn.functional.pad(picture, [0, 0, 0, 0, 0, _GAP], value=1.0)
    return (picture * 255).round().to(torch.uint8)
