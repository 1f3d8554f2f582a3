"""Whether a tokenizer draws what moves: healthy, weak or collapsed, and what to try."""

import math
from dataclasses import dataclass

from torch import Tensor

from spacetime.pixels import changed_pixels
from spacetime.verdict import Verdict
from tokenizer.losses import code_use

# Pong at 64x64 with 2 of 1,000 codes and 34.8 dB, frozen 35.2, has no paddle and no ball; with
# 5.5 % of the codes and 41.5 dB it has both.
COLLAPSED_CODES_USED = 0.01
COLLAPSED_RECALL = 0.25
WEAK_RECALL = 0.8


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """How frames come back from their tokens. PSNR is of the whole set, in dB.

    Attributes:
        psnr: of all pixels.
        frozen_psnr: of the frame before, repeated; None if there are no neighbours.
        codes_used: share of the codebook that occurs.
        perplexity: exp of the entropy of the codes.
        moving_psnr: of pixels that differ from the still background; None if none does.
        moving_recall: share of those pixels that come back nearer to the frame than to the
            background; None if there are none.
    """

    psnr: float
    frozen_psnr: float | None
    codes_used: float
    perplexity: float
    moving_psnr: float | None
    moving_recall: float | None


@dataclass(frozen=True, kw_only=True)
class TokenizerHealth(Verdict):
    """The state of a tokenizer."""

    ABOUT = "tokenizer"


_REMEDIES = (
    "train the tokenizer longer (--resume --minutes): what is small comes last",
    "weight what differs from the still background (recipe: `tokenizer: method: "
    "{background_weight: 10}`)",
    "build the corpus with larger frames (--size), or use smaller patches (recipe: `tokenizer: "
    "model: {patch: 4}`)",
)


def measure_reconstruction(
    frames: Tensor, rendered: Tensor, ids: Tensor, num_codes: int, background: Tensor
) -> Reconstruction:
    """Measure the reconstructions of clips.

    Args:
        frames: uint8 (B, T, H, W, 3).
        rendered: uint8 of the same shape.
        ids: int64 (B, T, N).
        num_codes: K.
        background: uint8 (H, W, 3).
    """
    true, drawn, still = (
        part.movedim(-1, -3).float() / 255 for part in (frames, rendered, background)
    )
    error = (drawn - true).square()
    moving = changed_pixels(still, true)  # (B, T, H, W)
    lost = error.sum(dim=-3) >= (drawn - still).square().sum(dim=-3)
    used, perplexity = code_use(ids, num_codes)
    anything = bool(moving.any())
    return Reconstruction(
        psnr=_psnr(error),
        frozen_psnr=_psnr((true[:, 1:] - true[:, :-1]).square()) if true.shape[1] > 1 else None,
        codes_used=used,
        perplexity=perplexity,
        moving_psnr=_psnr(error.movedim(-3, -1)[moving]) if anything else None,
        moving_recall=float((~lost[moving]).double().mean()) if anything else None,
    )


def assess_tokenizer(found: Reconstruction) -> TokenizerHealth:
    """Assess whether a world can be drawn with a tokenizer.

    Collapsed: PSNR under that of the frozen frame with fewer than 1 % of the codes, or fewer than
    25 % of the moving pixels recalled. Weak: one of the first two alone, or fewer than 80 % of the
    moving pixels recalled.
    """
    few = found.codes_used < COLLAPSED_CODES_USED
    below = found.frozen_psnr is not None and not found.psnr >= found.frozen_psnr
    # Written so that NaN counts as collapsed.
    recall = 1.0 if found.moving_recall is None else found.moving_recall
    lost = not recall >= COLLAPSED_RECALL
    state = "collapsed" if lost or (few and below) else "healthy"
    reasons = []
    if few:
        reasons.append(
            f"{found.codes_used:.1%} of the codes are used, under {COLLAPSED_CODES_USED:.0%}"
        )
    if below:
        reasons.append(
            f"its pictures have {found.psnr:.1f} dB, under the {found.frozen_psnr:.1f} dB of the "
            "frame before, repeated"
        )
    if not recall >= WEAK_RECALL:
        reasons.append(
            f"of the pixels that differ from the still background it draws {recall:.0%}, under "
            f"{COLLAPSED_RECALL if lost else WEAK_RECALL:.0%}"
        )
    if reasons and state == "healthy":
        state = "weak"
    remedies = _REMEDIES if reasons else ()
    return TokenizerHealth(state=state, reasons=tuple(reasons), remedies=remedies)


def _psnr(errors: Tensor) -> float:
    """Return the PSNR of pooled squared errors in dB; a perfect match counts as 100 dB."""
    return -10 * math.log10(max(errors.double().mean().item(), 1e-10))
