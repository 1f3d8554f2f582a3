"""What the dynamics is fitted to."""

from torch import Tensor
from torch.nn import functional as F

NO_LOSS = -100


def masked_cross_entropy(logits: Tensor, ids: Tensor, hidden: Tensor) -> Tensor:
    """Mean cross-entropy of the hidden tokens of frames 1 … T−1.

    Visible tokens and frame 0, which has no history, bear no loss.

    Args:
        logits: float (B, T, N, K).
        ids: int64 (B, T, N), the true tokens.
        hidden: bool (B, T, N).

    Returns:
        A scalar, nats per hidden token.

    Source: MaskGIT (Chang et al. 2022), section 3.1.
    """
    # Left out by their target, not by an index, which would make a GPU tell how many there are.
    targets = ids.masked_fill(~hidden, NO_LOSS)[:, 1:]
    return F.cross_entropy(
        logits[:, 1:].flatten(0, -2).float(), targets.flatten(), ignore_index=NO_LOSS
    )
