"""The flawed histories of training, so that a model copes with its own mistakes in play."""

import torch
from torch import Tensor, nn

from dynamics.sampler import sample_codes

DRAWN_ROUNDS = 2
BLOCKS = 4
"""Pasted into the history of a clip."""


def corrupt_history(
    ids: Tensor, num_codes: int, max_fraction: float, generator: torch.Generator
) -> Tensor:
    """Return a copy of ids (B, T, N) in which some tokens are random codes.

    The fraction is drawn per clip, uniformly from 0 to `max_fraction`. The generator is on the CPU.

    Source: noise augmentation of history as in GameNGen (Valevski et al. 2024), section 3.2.1,
    here on tokens.
    """
    fraction = torch.rand(len(ids), 1, 1, generator=generator) * max_fraction
    replaced = (torch.rand(ids.shape, generator=generator) < fraction).to(ids.device)
    noise = torch.randint(num_codes, ids.shape, generator=generator).to(ids.device)
    return torch.where(replaced, noise, ids)


def paste_blocks(
    history: Tensor, ids: Tensor, grid: tuple[int, int], fraction: float, generator: torch.Generator
) -> Tensor:
    """Return a copy of a history in which some clips have blocks of others.

    For some frames a thing is then missing, or where it is in the other clip. In play this is how a
    thing is lost; the frames to be predicted still show it, so a model learns to bring it back.

    Args:
        history: int64 (B, T, N).
        ids: int64 (B, T, N), the true tokens. A block comes from the clip before, and from the same
            places and times.
        grid: rows and columns of tokens.
        fraction: of the clips, that get four blocks of up to half of the rows, columns and frames.
        generator: on the CPU.

    Returns:
        int64 (B, T, N).

    Source: CutMix (Yun et al. 2019), here of the history alone.
    """
    clips, frames, _ = ids.shape
    chosen = torch.rand(clips, generator=generator) < fraction
    pasted = torch.zeros(ids.shape, dtype=torch.bool)
    for _ in range(BLOCKS):
        time, down, across = (_draw_spans(size, clips, generator) for size in (frames, *grid))
        rectangle = down[:, :, None] & across[:, None, :]
        pasted |= time[:, :, None] & rectangle.flatten(1)[:, None]
    pasted &= chosen[:, None, None]
    return torch.where(pasted.to(ids.device), ids.roll(1, dims=0), history)


def _draw_spans(size: int, count: int, generator: torch.Generator) -> Tensor:
    """Draw stretches of up to half of a size, bool (count, size).

    They may reach over the ends, or those positions would be in fewer of them.
    """
    uniform = torch.rand(2, count, 1, generator=generator)
    length = 1 + (uniform[0] * (size // 2)).floor()
    first = (uniform[1] * (size + length - 1)).floor() - length + 1
    place = torch.arange(size)
    return (place >= first) & (place < first + length)


@torch.no_grad()
def redraw_history(
    model: nn.Module,
    clips: tuple[Tensor, Tensor],
    redrawn: Tensor,
    uniform: Tensor,
    temperature: float,
    recalled: Tensor | None = None,
) -> Tensor:
    """Let a dynamics draw a part of each frame itself, as it would in play.

    It draws all frames at once, from the true frames before them; and once more from those that it
    has drawn, since in play one mistake leads to the next.

    Args:
        model: the dynamics that draws.
        clips: true tokens int64 (B, T, N), and actions int64 (B, T−1).
        redrawn: bool (B, T, N), which tokens it draws; frame 0 stays as it is.
        uniform: float (B, T, N) in [0, 1), the numbers that it draws by.
        temperature: of the codes.
        recalled: int64 (B, T, N), what a map knew, or None.

    Returns:
        int64 (B, T, N).

    Source: Resampling Forcing (Guo et al. 2025), for a model's own history with true targets.
    """
    ids, actions = clips
    known = {} if recalled is None else {"recalled": recalled}
    redrawn = redrawn.clone()
    redrawn[:, 0] = False  # nothing leads to it
    history = ids
    for _ in range(DRAWN_ROUNDS):
        logits = model(ids, actions, redrawn, history_ids=history, **known)
        codes, _ = sample_codes(logits, temperature, uniform)
        history = torch.where(redrawn, codes, ids)
    return history
