"""What the dynamics is fitted to."""

from torch import Tensor
from torch.nn import functional as F

NO_LOSS = -100


def masked_cross_entropy(
    logits: Tensor, ids: Tensor, masked: Tensor, places: Tensor | None = None
) -> Tensor:
    """Mean cross-entropy of the hidden tokens of frames 1 … T−1.

    Visible tokens and frame 0, which has no history, bear no loss.

    Args:
        logits: float (B, T, N, K).
        ids: int64 (B, T, N), the true tokens.
        masked: bool (B, T, N).
        places: float (N,), how much each place of the picture counts; None: all alike.

    Returns:
        A scalar, nats per hidden token (with `places`, their weighted mean).

    Source: MaskGIT (Chang et al. 2022), section 3.1.
    """
    # Left out by their target, not by an index, which would make a GPU tell how many there are.
    targets = ids.masked_fill(~masked, NO_LOSS)[:, 1:]
    flat = logits[:, 1:].flatten(0, -2).float(), targets.flatten()
    if places is None:
        return F.cross_entropy(*flat, ignore_index=NO_LOSS)
    surprise = F.cross_entropy(*flat, ignore_index=NO_LOSS, reduction="none").view_as(targets)
    return (surprise * places).sum() / (masked[:, 1:] * places).sum()
