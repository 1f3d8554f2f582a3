"""The loss of the dynamics."""

from torch import Tensor
from torch.nn import functional as F

from spacetime.ranks import rank_weight

NO_LOSS = -100


def masked_cross_entropy(
    logits: Tensor, ids: Tensor, masked: Tensor, weights: Tensor | None = None
) -> Tensor:
    """Mean cross-entropy of the masked tokens of frames 1 … T−1; frame 0 has no history.

    Args:
        logits: float (B, T, N, K).
        ids: int64 (B, T, N), the true tokens.
        masked: bool (B, T, N).
        weights: float (N,), of each position; None: all equal.

    Returns:
        A scalar, nats per masked token. Where several processes train together, its mean over them
        is that over all their tokens.

    Source: MaskGIT (Chang et al. 2022), section 3.1.
    """
    # By target, not by boolean index: an index makes the CPU wait for the GPU to count its matches.
    targets = ids.masked_fill(~masked, NO_LOSS)[:, 1:]
    flat = logits[:, 1:].flatten(0, -2).float(), targets.flatten()
    if weights is None:
        return F.cross_entropy(*flat, ignore_index=NO_LOSS) * rank_weight(masked[:, 1:].sum())
    losses = F.cross_entropy(*flat, ignore_index=NO_LOSS, reduction="none").view_as(targets)
    total = (masked[:, 1:] * weights).sum()
    return (losses * weights).sum() / total * rank_weight(total)
