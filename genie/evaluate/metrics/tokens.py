"""How good the tokens are, and how well the dynamics foretells them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from corpus.clips import read_clips
from genie.evaluate.clips import (
    BATCH_FRAMES,
    CLIP_FRAMES,
    ClipChoice,
    CorpusLike,
    EncodedClips,
    batches,
    bundle_device,
    to_uint8,
)
from genie.evaluate.metrics.errors import mean_frame_psnr, psnr, squared_error
from genie.evaluate.metrics.similarity import ssim
from genie.evaluate.progress import Tick, no_tick
from genie.evaluate.workers import at_once

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
        codes_used_share: share of the K codes that occur at least once.
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
    """Nats per hidden token.

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


def score_tokenizer(
    bundle: object,
    corpus: CorpusLike,
    choice: ClipChoice,
    encoded: EncodedClips,
    tick: Tick = no_tick,
) -> TokenizerScores:
    """Send the true frames of every clip through the tokenizer and compare.

    Args:
        bundle: the world's parts.
        corpus: the corpus.
        choice: the clips.
        encoded: their tokens.
        tick: called with the number of clips done.

    Returns:
        The tokenizer's scores.

    Source: metrics.md, "PSNR of a set", "SSIM".
    """
    device = bundle_device(bundle)

    def score(part: slice, tick: Tick) -> tuple[np.ndarray, np.ndarray | None]:
        true = read_clips(corpus, choice.starts[part], CLIP_FRAMES)
        decoded = to_uint8(bundle.tokenizer.decode(encoded.ids[part].to(device)))
        found = squared_error(decoded, true), ssim(decoded, true)
        tick(part.stop - part.start)
        return found

    parts = batches(len(choice), max(1, BATCH_FRAMES // CLIP_FRAMES))
    errors, similar = zip(*at_once(score, parts, device, tick), strict=True)
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
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())


def score_cross_entropy(
    bundle: object, encoded: EncodedClips, seed: int = 0, tick: Tick = no_tick
) -> CrossEntropy:
    """Ask the dynamics for hidden tokens of true clips, with clean true history.

    The eight ratios go round over clips and frames, so one pass over eight clips meets every
    ratio at every frame; a second pass hides everything. Frame 0 bears no loss.

    Args:
        bundle: the world's parts.
        encoded: tokens and inferred actions; the first 64 clips are read.
        seed: of the choice of hidden tokens.
        tick: called with the number of clips done.

    Returns:
        Cross-entropies in nats per hidden token.

    Source: metrics.md, "Token cross-entropy"; the rotation of ratios is our choice.
    """
    clips = min(CROSS_ENTROPY_CLIPS, len(encoded.ids))

    def score(part: slice, tick: Tick) -> tuple[Tensor, np.ndarray]:
        ids, codes = encoded.ids[part], encoded.codes[part]
        everything = torch.ones_like(ids, dtype=torch.bool)
        whole = _nats(bundle, ids, codes, everything)[:, 1:].mean(dim=2)  # (B, T-1)
        masked, ratio = _rotated_masks(ids, part.start, seed)
        by_ratio = _sums_by_ratio(_nats(bundle, ids, codes, masked), masked, ratio)
        tick(len(ids))
        return whole, by_ratio

    parts = batches(clips, CROSS_ENTROPY_BATCH)
    whole, sums = zip(*at_once(score, parts, bundle_device(bundle), tick), strict=True)
    first, by_ratio = torch.cat(whole), np.sum(sums, axis=0)
    met = by_ratio[by_ratio[:, 1] > 0]
    return CrossEntropy(
        first=float(first.mean()),
        mean=float((met[:, 0] / met[:, 1]).mean()),
        by_frame=tuple(first.mean(dim=0).tolist()),
        clips=clips,
    )


def _sums_by_ratio(nats: Tensor, masked: Tensor, ratio: Tensor) -> np.ndarray:
    """Sum up each ratio, frame 0 left out: float64 (ratios, 2), nats and hidden tokens."""
    rows = []
    for i in range(len(MASK_RATIOS)):
        counted = masked & (ratio == i)[:, :, None]
        counted[:, 0] = False
        rows.append([float(nats[counted].sum()), int(counted.sum())])
    return np.array(rows)


def _rotated_masks(ids: Tensor, first_clip: int, seed: int) -> tuple[Tensor, Tensor]:
    """Hide tokens: bool (B, T, N), and which ratio each frame got: int64 (B, T)."""
    clips, frames, tokens = ids.shape
    order = torch.arange(clips)[:, None] + first_clip + torch.arange(frames)[None]
    ratio = order % len(MASK_RATIOS)  # (B, T)
    count = torch.tensor([max(1, round(r * tokens)) for r in MASK_RATIOS])[ratio]
    rank = []
    for clip in range(first_clip, first_clip + clips):
        generator = torch.Generator().manual_seed(seed * 1_000_003 + clip)
        rank.append(torch.rand(frames, tokens, generator=generator).argsort(-1).argsort(-1))
    return torch.stack(rank) < count[:, :, None], ratio


def _nats(bundle: object, ids: Tensor, codes: Tensor, masked: Tensor) -> Tensor:
    """Return -log p of every true token: float64 (B, T, N) on the CPU."""
    device = bundle_device(bundle)
    logits = bundle.dynamics.forward(ids.to(device), codes.to(device), masked.to(device))
    chosen = logits.gather(-1, ids.to(device)[..., None])[..., 0].double()
    return (torch.logsumexp(logits.double(), dim=-1) - chosen).cpu()
