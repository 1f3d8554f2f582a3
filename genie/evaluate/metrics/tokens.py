"""How good the tokens are, and how well the dynamics predicts them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from corpus.clips import read_clips
from corpus.progress import Tick, no_tick
from dynamics.token_map import recall_line
from genie.evaluate.clips import BATCH_FRAMES, CLIP_FRAMES, batches
from genie.evaluate.context import EvalContext
from genie.evaluate.metrics.errors import mean_frame_psnr, psnr, squared_error
from genie.evaluate.metrics.similarity import ssim
from genie.evaluate.workers import at_once
from genie.frames import to_uint8
from genie.library.bundle import Bundle
from spacetime.seeds import seed_of

MASK_RATIOS = tuple(math.cos(math.pi / 2 * i / 8) for i in range(8))
CROSS_ENTROPY_CLIPS = 64
CROSS_ENTROPY_BATCH = 8


@dataclass(frozen=True, kw_only=True)
class TokenizerScores:
    """Quality of the tokenizer on the true frames of all clips.

    Attributes:
        psnr: pooled, dB.
        mean_frame_psnr: mean of per-frame values capped at 60 dB.
        ssim: mean, or None for frames below 11 pixels.
        codes_used_share: fraction of the K codes that occur at least once.
        perplexity: exp of the entropy of the codes.
        bits_per_frame: N * log2(K), the size of a frame as stored.
    """

    psnr: float
    mean_frame_psnr: float
    ssim: float | None
    codes_used_share: float
    perplexity: float
    bits_per_frame: float


@dataclass(frozen=True, kw_only=True)
class CrossEntropy:
    """Nats per masked token.

    Attributes:
        first: at mask ratio 1, the first draft.
        mean: over eight fixed ratios of the cosine schedule.
        by_frame: at mask ratio 1, for frames 1…T-1 of a clip.
        clips: how many clips were read.
    """

    first: float
    mean: float
    by_frame: tuple[float, ...]
    clips: int


def score_tokenizer(context: EvalContext, tick: Tick = no_tick) -> TokenizerScores:
    """Send the true frames of every clip through the tokenizer and compare; ticks count clips.

    Source: metrics.md, "PSNR of a set", "SSIM".
    """
    bundle, choice, encoded = context.bundle, context.choice, context.encoded

    def score(part: slice, tick: Tick) -> tuple[np.ndarray, np.ndarray | None]:
        true = read_clips(context.corpus, choice.starts[part], CLIP_FRAMES)
        decoded = to_uint8(bundle.tokenizer.decode(encoded.ids[part].to(bundle.device)))
        found = squared_error(decoded, true), ssim(decoded, true)
        tick(part.stop - part.start)
        return found

    parts = batches(len(choice), max(1, BATCH_FRAMES // CLIP_FRAMES))
    errors, similar = zip(*at_once(score, parts, bundle.device, tick), strict=True)
    squared = np.concatenate(errors)
    num_codes = int(bundle.tokenizer.num_codes)
    counts = torch.bincount(encoded.ids.flatten(), minlength=num_codes).numpy()
    return TokenizerScores(
        psnr=float(psnr(squared.mean())),
        mean_frame_psnr=mean_frame_psnr(squared),
        ssim=None if similar[0] is None else float(np.concatenate(similar).mean()),
        codes_used_share=float((counts > 0).mean()),
        perplexity=math.exp(_entropy(counts)),
        bits_per_frame=encoded.ids.shape[-1] * math.log2(num_codes),
    )


def _entropy(counts: np.ndarray) -> float:
    fractions = counts[counts > 0] / counts.sum()
    return float(-(fractions * np.log(fractions)).sum())


def score_cross_entropy(context: EvalContext, tick: Tick = no_tick) -> CrossEntropy:
    """Predict masked tokens of the first 64 clips from clean true history; ticks count clips.

    Source: metrics.md, "Token cross-entropy".
    """
    bundle, encoded, seed = context.bundle, context.encoded, context.config.seed
    clips = min(CROSS_ENTROPY_CLIPS, len(encoded.ids))

    def score(part: slice, tick: Tick) -> tuple[Tensor, np.ndarray]:
        ids, codes = encoded.ids[part], encoded.codes[part]
        everything = torch.ones_like(ids, dtype=torch.bool)
        whole = _nats(bundle, ids, codes, everything)[:, 1:].mean(dim=2)  # (B, T-1)
        # Ratios rotate over clips and frames: eight clips meet every ratio at every frame.
        masked, ratio = _rotated_masks(ids, part.start, seed)
        by_ratio = _sums_by_ratio(_nats(bundle, ids, codes, masked), masked, ratio)
        tick(len(ids))
        return whole, by_ratio

    parts = batches(clips, CROSS_ENTROPY_BATCH)
    whole, sums = zip(*at_once(score, parts, bundle.device, tick), strict=True)
    first, by_ratio = torch.cat(whole), np.sum(sums, axis=0)
    met = by_ratio[by_ratio[:, 1] > 0]
    return CrossEntropy(
        first=float(first.mean()),
        mean=float((met[:, 0] / met[:, 1]).mean()),
        by_frame=tuple(first.mean(dim=0).tolist()),
        clips=clips,
    )


def _sums_by_ratio(nats: Tensor, masked: Tensor, ratio: Tensor) -> np.ndarray:
    """Sum up each ratio: float64 (ratios, 2), nats and masked tokens."""
    rows = []
    for i in range(len(MASK_RATIOS)):
        counted = masked & (ratio == i)[:, :, None]
        counted[:, 0] = False  # frame 0 bears no loss
        rows.append([float(nats[counted].sum()), int(counted.sum())])
    return np.array(rows)


def _rotated_masks(ids: Tensor, first_clip: int, seed: int) -> tuple[Tensor, Tensor]:
    """Mask tokens: bool (B, T, N), and which ratio each frame got: int64 (B, T)."""
    clips, frames, tokens = ids.shape
    order = torch.arange(clips)[:, None] + first_clip + torch.arange(frames)[None]
    ratio = order % len(MASK_RATIOS)  # (B, T)
    count = torch.tensor([max(1, round(r * tokens)) for r in MASK_RATIOS])[ratio]
    rank = []
    for clip in range(first_clip, first_clip + clips):
        generator = torch.Generator().manual_seed(seed_of(seed, clip))
        rank.append(torch.rand(frames, tokens, generator=generator).argsort(-1).argsort(-1))
    return torch.stack(rank) < count[:, :, None], ratio


def _nats(bundle: Bundle, ids: Tensor, codes: Tensor, masked: Tensor) -> Tensor:
    """Return -log p of every true token: float64 (B, T, N) on the CPU."""
    layout, known = getattr(bundle.dynamics, "map_layout", None), {}
    if layout is not None:
        lines = zip(ids.tolist(), codes.tolist(), strict=True)
        recalled = [recall_line(layout, *line) for line in lines]
        known["recalled"] = torch.tensor(recalled, device=bundle.device)
    ids, codes, masked = (tensor.to(bundle.device) for tensor in (ids, codes, masked))
    logits = bundle.dynamics.forward(ids, codes, masked, **known)
    chosen = logits.gather(-1, ids[..., None])[..., 0].double()
    return (torch.logsumexp(logits.double(), dim=-1) - chosen).cpu()
