"""Attention inside a frame, by content and by offset."""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from spacetime.attention import Attention, attend

# Scores per unit of a learned bias. AdamW moves a weight by its learning rate, 0.002, per step, and
# a score has to move by several units before softmax prefers one position to all others.
BIAS_SCALE = 25.0


def offset_ids(grid: tuple[int, int]) -> Tensor:
    """Number the offsets between the positions of a grid of R rows and C columns.

    Returns:
        int64 (N, N), N = R·C; entry (q, k) is the number of the offset from position q to
        position k, 0 … (2R−1)(2C−1) − 1, the same for all pairs with that offset.
    """
    rows, columns = grid
    position = torch.arange(rows * columns)
    row, column = position // columns, position % columns
    down = row[None, :] - row[:, None] + rows - 1
    right = column[None, :] - column[:, None] + columns - 1
    return down * (2 * columns - 1) + right


class SpaceAttention(Attention):
    """Every token of a frame sees every token of the same frame, and no other frame.

    With a grid, a learned bias per head and offset is added to the scores: what moves in a frame
    moves by the same offset everywhere, so "the token to the left" is learned once, not once per
    position.

    Source: relative position bias as in Swin (Liu et al. 2021), section 3.2.
    """

    def __init__(self, dim: int, heads: int, grid: tuple[int, int] | None = None) -> None:
        """Build the projections, and the bias if there is a grid (rows, columns)."""
        super().__init__(dim, heads)
        self.offsets = None
        if grid is not None:
            rows, columns = grid
            # Three axes, so that no optimizer takes it for a matrix.
            self.offsets = nn.Parameter(torch.zeros(heads, 2 * rows - 1, 2 * columns - 1))
            self.register_buffer("offset_ids", offset_ids(grid), persistent=False)

    def bias(self) -> Tensor | None:
        """Return what is added to the scores, float (heads, N, N); None without a grid."""
        if self.offsets is None:
            return None
        scaled = BIAS_SCALE * self.offsets.flatten(1)
        return scaled.index_select(1, self.offset_ids.flatten()).unflatten(1, self.offset_ids.shape)

    def forward(self, x: Tensor) -> Tensor:
        """Attend inside each frame: float (..., N, D) to the same."""
        lead = x.shape[:-2]
        queries, keys, values = self.project(
            x.reshape(-1, *x.shape[-2:]), "b n (three heads d) -> three b heads n d"
        )
        mixed = attend(queries, keys, values, bias=self.bias())
        mixed = rearrange(mixed, "b heads n d -> b n (heads d)")
        return self.out(mixed).reshape(*lead, *x.shape[-2:])

    def step(self, x: Tensor) -> Tensor:
        """Compute `forward` as play does, for one new frame, float (B, N, D)."""
        both, values = self.project_frame(x)
        queries, keys = both.unbind(2)
        heads = [part.transpose(1, 2) for part in (self.sharpened(queries), keys, values)]
        # PyTorch's fused kernel is slow only backwards, which play does not need; but with a bias
        # it takes more than twice as long as the written-out products.
        if self.offsets is None:
            mixed = F.scaled_dot_product_attention(*heads, scale=1.0)
        else:
            queries, keys, values = heads
            mixed = (queries @ keys.mT + self.bias()).softmax(dim=-1) @ values
        return self.out(rearrange(mixed, "b heads n d -> b n (heads d)"))
