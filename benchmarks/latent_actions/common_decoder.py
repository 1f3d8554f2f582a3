"""One decoder for all entries: what their codes are worth for the next frame."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from corpus.clips import clip_starts, draw_clips, read_clips
from corpus.progress import progress_bar
from corpus.store import Corpus
from genie.device import pick_device
from genie.frames import to_models
from lam.config import LatentActionConfig
from lam.health.measures import OneStep, decided, one_step_from_errors, squared_errors
from lam.losses import prediction_loss
from lam.model import Decoder
from train.data.clips import to_float
from train.data.frames import Frames
from train.loop.optim import MuonAdamW, lr_factor
from train.recipe import FitConfig

Predict = Callable[[Tensor, Tensor], Tensor]  # frames (B, 3, H, W), codes (B,): next frames
STEPS = 500
FIT = FitConfig(share=1.0, steps=STEPS, batch=32, frames=2, lr=2e-3)
DECODER_FRAMES = 12_000
"""Frames of the training split whose codes are read for it."""
PAIRS = 2000
AT_ONCE = 250
FRAMES = 256
LEAST_CHANGE = 1e-7
"""Mean squared change of a prediction below which nothing can be undone."""


def fit_decoder(
    corpus: Corpus, codes: Tensor, num_codes: int, steps: int = STEPS, progress: bool = True
) -> Predict:
    """Fit the decoder on the codes of a training split; its weights and draws have a fixed seed.

    Args:
        corpus: the training split.
        codes: int64 (N,), of its frames; −1: not read.
        num_codes: A.
        steps: of the fit.
        progress: whether to show a bar.
    """
    config = LatentActionConfig(
        height=corpus.height, width=corpus.width, num_actions=max(2, num_codes),
        latent=max(2, num_codes), channels=32,
    )  # fmt: skip
    device, frames = pick_device(), Frames(corpus)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        decoder = Decoder(config).to(device)
    optimizer = MuonAdamW(decoder, FIT)
    starts = torch.nonzero(codes >= 0)[:, 0].numpy()

    def predict(before: Tensor, chosen: Tensor) -> Tensor:
        return decoder(before, F.one_hot(chosen, config.latent).float())

    with progress_bar("common decoder", steps, progress, "steps") as tick:
        for step in range(steps):
            chosen = draw_clips(starts, FIT.batch, 0, step)
            before, after = to_float(frames.clips(chosen, 2).to(device)).unbind(dim=1)
            predicted = predict(before, codes[torch.from_numpy(chosen)].to(device))
            optimizer.scale_lr(lr_factor(step / steps, FIT))
            optimizer.zero_grad()
            prediction_loss(before, after, predicted).backward()
            optimizer.step()
            tick(1)
    decoder.eval().requires_grad_(False)
    return lambda before, chosen: predict(before, chosen).clamp(0, 1)


@torch.no_grad()
def score_one_step(predict: Predict, corpus: Corpus, codes: Tensor, num_codes: int) -> OneStep:
    """Score predictions with a corpus' codes against those with random ones."""
    starts = draw_clips(clip_starts(corpus.episode_ends, 2), PAIRS, 0, 0)
    generator = torch.Generator().manual_seed(0)
    chance = torch.randint(num_codes, (PAIRS,), generator=generator)
    inferred, columns, device = codes[torch.from_numpy(starts)], [], pick_device()
    for first in range(0, PAIRS, AT_ONCE):
        part = slice(first, first + AT_ONCE)
        before, after = to_models(read_clips(corpus, starts[part], 2), device).unbind(dim=1)
        best = predict(before, inferred[part].to(device))
        random = predict(before, chance[part].to(device))
        compared = ((best, after), (random, after), (before, after), (best, before))
        errors = [squared_errors(*pair) for pair in compared]
        columns.append(torch.stack([*errors, decided(after, best, random).double()]).cpu())
    inferred, random, frozen, to_current, judged = torch.cat(columns, dim=1)
    return one_step_from_errors(
        inferred=inferred,
        random=random,
        frozen=frozen,
        inferred_to_current=to_current,
        decided=judged,
    )


def draw_frames(corpus: Corpus) -> Tensor:
    """Draw 256 frames of a corpus, always the same: float32 (256, 3, H, W)."""
    starts = draw_clips(clip_starts(corpus.episode_ends, 1), FRAMES, 0, 0)
    return to_models(read_clips(corpus, starts, 1), pick_device())[:, 0]


@torch.no_grad()
def additivity(
    predict: Predict, frames: Tensor, pairs: Sequence[tuple[list[int], list[int]]]
) -> float | None:
    """Measure whether opposite codes undo each other.

    Args:
        predict: the common decoder.
        frames: float32 (B, 3, H, W).
        pairs: the codes of two opposite groups each.

    Returns:
        The mean over the pairs: 1 if every code is undone, 0 if none is; None without a pair whose
        groups both have a code that changes anything.

    Source: metrics.md, "Additivity".
    """
    scores = []
    for one, other in pairs:
        left = moved = 0.0
        for first, second in (
            (a, b) for c, d in ((one, other), (other, one)) for a in c for b in d
        ):
            once = predict(frames, torch.full((len(frames),), first, device=frames.device))
            back = predict(once, torch.full((len(frames),), second, device=frames.device))
            left += (back - frames).square().mean().item()
            moved += (once - frames).square().mean().item()
        if moved > LEAST_CHANGE:
            scores.append(max(0.0, 1 - left / moved))
    return sum(scores) / len(scores) if scores else None
