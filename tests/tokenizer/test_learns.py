"""The tokenizer learns one clip, and not when what it needs is taken away."""

import pytest
import torch

from tokenizer import Tokenizer, TokenizerConfig
from tokenizer.losses import reconstruction_loss
from train.loop.optim import MuonAdamW
from train.recipe import FitConfig

STEPS, FRAMES, SIDE = 150, 4, 16


def clip() -> torch.Tensor:
    """Saturated stripes that walk over a still block, float32 (1, T, 3, H, W).

    Fresh weights miss by about 1 + 0.25, and 0.25 is the variance of such colours: a tenth of that
    cannot be had by learning a mean.
    """
    frames = torch.zeros(1, FRAMES, 3, SIDE, SIDE)
    for t in range(FRAMES):
        bright = (torch.arange(SIDE) + 3 * t) % 8 < 4  # (W,)
        frames[:, t, 0, :, bright] = 1.0
        frames[:, t, 1, :, ~bright] = 1.0
        frames[:, t, 2, SIDE // 2 :, :] = 1.0
    frames[..., 4:10, 4:10] = torch.tensor([1.0, 1.0, 0.0])[:, None, None]
    return frames


def last_over_first(*, rate: float = 1.0, targets_shuffled: bool = False, band: int = 1) -> float:
    """Fit a small tokenizer and return its last loss over its first."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    config = TokenizerConfig(
        height=SIDE, width=SIDE, patch=4, levels=(5, 5, 5), dim=32, heads=2,
        encoder_layers=1, decoder_layers=1, band=band,
    )  # fmt: skip
    model, frames = Tokenizer(config), clip()
    optimizer = MuonAdamW(model, FitConfig(share=1, steps=STEPS, batch=1, frames=FRAMES))
    optimizer.scale_lr(rate)
    losses = []
    for _ in range(STEPS):
        rendered = model.render(model.quantize(frames)[0])
        targets = frames
        if targets_shuffled:
            order = torch.randperm(frames.numel(), generator=generator)
            targets = frames.flatten()[order].view_as(frames)
        loss = reconstruction_loss(targets, rendered, config.patch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses[-5:]) / 5 / losses[0]


@pytest.mark.parametrize("band", [1, 3])
def test_the_tokenizer_falls_to_a_tenth_of_its_first_loss(band):
    assert last_over_first(band=band) < 0.1


def test_the_tokenizer_learns_nothing_at_learning_rate_0():
    assert last_over_first(rate=0) > 0.9


def test_the_tokenizer_learns_nothing_from_shuffled_targets():
    assert last_over_first(targets_shuffled=True) > 0.13
