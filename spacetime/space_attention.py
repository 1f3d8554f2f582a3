"""Attention inside a frame, by content, by place and by offset."""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from spacetime.attention import Attention, attend

BIAS_SCALE = 25.0
"""Scores per unit of a learned bias (our choice): AdamW moves a weight by its rate, 0.002, in a
step, and a score has to move by several units before softmax prefers one place to all others."""


def offset_ids(grid: tuple[int, int]) -> Tensor:
    """Number the offsets between the places of a grid.

    Args:
        grid: rows R and columns C.

    Returns:
        int64 (N, N), N = R·C; entry (q, k) names the offset from place q to place k, the same for
        all pairs of one offset, 0 … (2R−1)(2C−1) − 1.
    """
    rows, columns = grid
    place = torch.arange(rows * columns)
    row, column = place // columns, place % columns
    down = row[None, :] - row[:, None] + rows - 1
    right = column[None, :] - column[:, None] + columns - 1
    return down * (2 * columns - 1) + right


class SpaceAttention(Attention):
    """Every token of a frame sees every token of the same frame, and no other frame.

    With a grid, a learned bias for each head and offset is added to the scores, so that "the token
    to the left" is learned once and not at each place: most of what moves in a picture moves by
    the same offset everywhere.

    Source: relative position bias as in Swin (Liu et al. 2021), section 3.2; its scale is ours.
    """

    def __init__(self, dim: int, heads: int, grid: tuple[int, int] | None = None) -> None:
        """Build the projections.

        Args:
            dim: D, channels.
            heads: number of heads.
            grid: rows and columns of tokens in a frame; None: places are not told apart here.
        """
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
        """Attend inside each frame.

        Args:
            x: float (..., N, D).

        Returns:
            (..., N, D).
        """
        lead = x.shape[:-2]
        queries, keys, values = self.project(
            x.reshape(-1, *x.shape[-2:]), "b n (three heads d) -> three b heads n d"
        )
        mixed = attend(queries, keys, values, bias=self.bias())
        mixed = rearrange(mixed, "b heads n d -> b n (heads d)")
        return self.out(mixed).reshape(*lead, *x.shape[-2:])

    def step(self, x: Tensor) -> Tensor:
        """Attend inside one new frame: `forward` as play computes it, float (B, N, D) to the same.

        Nothing is learned here, so PyTorch's fused kernel, which is slow only backwards, is used;
        with a bias it takes more than twice the time of the products written out.
        """
        both, values = self.project_frame(x)
        queries, keys = both.unbind(2)
        heads = [part.transpose(1, 2) for part in (self.sharpened(queries), keys, values)]
        if self.offsets is None:
            mixed = F.scaled_dot_product_attention(*heads, scale=1.0)
        else:
            queries, keys, values = heads
            mixed = (queries @ keys.mT + self.bias()).softmax(dim=-1) @ values
        return self.out(rearrange(mixed, "b heads n d -> b n (heads d)"))
