"""What attention in space and in time share, and banded causal attention in time."""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from spacetime.rotary import rotary_table, rotate, turn

KeysValues = tuple[Tensor, Tensor]


def band_mask(frames: int, band: int, device: torch.device | str = "cpu") -> Tensor:
    """Return bool (T, T), True where frame (row) sees frame (column): itself and W−1 before it."""
    row = torch.arange(frames, device=device)[:, None]
    column = torch.arange(frames, device=device)[None, :]
    return (column <= row) & (column > row - band)


class Attention(nn.Module):
    """Multi-head attention with QK-norm; the base of attention in space and in time.

    Source: QK-norm from Scaling Vision Transformers to 22B (Dehghani et al. 2023), section 2.
    """

    def __init__(self, dim: int, heads: int) -> None:
        """Build the projections for D = `dim` channels, a multiple of `heads`."""
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.out = nn.Linear(dim, dim, bias=False)
        # One sharpness per head, not per channel: per channel, PyTorch's fused kernel would not be
        # used in mixed precision.
        self.gain = nn.Parameter(torch.ones(heads))

    def project(self, x: Tensor, pattern: str) -> tuple[Tensor, Tensor, Tensor]:
        """Return normalised queries and keys, and values.

        Args:
            x: float (..., D).
            pattern: of einops, from "... (three heads d)" to "three … heads … d" with the heads
                third from the end.
        """
        queries, keys, values = rearrange(self.qkv(x), pattern, three=3, heads=self.heads)
        size = (queries.shape[-1],)
        gain = self.gain[:, None, None].to(queries.dtype)
        return F.rms_norm(queries, size) * gain, F.rms_norm(keys, size), values

    def project_frame(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Compute `project` for one new frame with fewer small operations.

        Args:
            x: float (B, N, D).

        Returns:
            Normalised queries and keys (B, N, 2, heads, head_dim), the queries without their gain
            (see `sharpened`), and values (B, N, heads, head_dim).
        """
        parts = rearrange(
            self.qkv(x), "b n (three heads d) -> b n three heads d", three=3, heads=self.heads
        )
        return F.rms_norm(parts[:, :, :2], parts.shape[-1:]), parts[:, :, 2]

    def sharpened(self, queries: Tensor) -> Tensor:
        """Multiply queries (..., heads, head_dim) by their head's gain and by 1/sqrt(head_dim)."""
        return queries * (self.gain * queries.shape[-1] ** -0.5).to(queries.dtype)[:, None]


class TimeAttention(Attention):
    """A token sees the tokens at its position in the last W frames, its own frame included."""

    def __init__(self, dim: int, heads: int, band: int) -> None:
        """Build the projections; `band` is W, 2 or more."""
        super().__init__(dim, heads)
        self.band = band

    def project_clip(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values of clips (B, T, N, D), each (B, N, heads, T, head_dim).

        Queries and keys are rotated by frame number.
        """
        queries, keys, values = self.project(x, "b t n (three heads d) -> three b n heads t d")
        table = rotary_table(torch.arange(x.shape[1]), queries.shape[-1], x.device)
        return rotate(queries, table), rotate(keys, table), values

    def merge(self, mixed: Tensor) -> Tensor:
        """Join the heads: (B, N, heads, T, head_dim) to (B, T, N, D)."""
        return self.out(rearrange(mixed, "b n heads t d -> b t n (heads d)"))

    def forward(self, x: Tensor) -> Tensor:
        """Attend along clips (B, T, N, D); frame t depends on frames t−W+1 … t."""
        queries, keys, values = self.project_clip(x)
        mask = band_mask(x.shape[1], self.band, x.device)
        return self.merge(attend(queries, keys, values, mask))

    def two_stream(self, clean: Tensor, masked: Tensor) -> tuple[Tensor, Tensor]:
        """Attend along clips in both streams at once, each float (B, T, N, D).

        A clean frame sees the clean frames of its band. A masked frame sees the clean frames
        before it and its own masked keys, never the clean copy of itself.

        Source: the discrete-diffusion adaptation of Emu3.5 has this pattern (section 3).
        """
        queries, keys, values = self.project_clip(clean)
        band = band_mask(clean.shape[1], self.band, clean.device)
        mixed = self.merge(attend(queries, keys, values, band))
        return mixed, self._over_clean(masked, keys, values)

    def masked_stream(self, clean: Tensor, masked: Tensor) -> Tensor:
        """Return the masked stream of `two_stream`, without what only the clean one needs."""
        keys, values = self._keys_values(clean, "b t n (two heads d) -> two b n heads t d")
        table = rotary_table(torch.arange(clean.shape[1]), keys.shape[-1], clean.device)
        return self._over_clean(masked, rotate(keys, table), values)

    def _keys_values(self, x: Tensor, pattern: str) -> KeysValues:
        """Compute `project` without the queries."""
        parts = F.linear(x, self.qkv.weight[x.shape[-1] :])
        keys, values = rearrange(parts, pattern, two=2, heads=self.heads)
        return F.rms_norm(keys, keys.shape[-1:]), values

    def _over_clean(self, masked: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Let masked frames (B, T, N, D) see the clean ones before them, and themselves."""
        queries, own_keys, own_values = self.project_clip(masked)
        frames = masked.shape[1]
        own = torch.eye(frames, dtype=torch.bool, device=masked.device)
        seen = torch.cat((band_mask(frames, self.band, masked.device) & ~own, own), dim=1)
        mixed = attend(
            queries,
            torch.cat((keys, own_keys), dim=-2),
            torch.cat((values, own_values), dim=-2),
            seen,  # (T, 2T)
        )
        return self.merge(mixed)

    def step(
        self, x: Tensor, past: KeysValues, rotation: Tensor, bias: Tensor
    ) -> tuple[Tensor, KeysValues]:
        """Attend from one new frame to the cached ones and itself.

        Args:
            x: float (B, N, D), the new frame.
            past: cached keys and values, each (B, N, heads, W−1, head_dim).
            rotation: from `rotary_matrix`, at the number of the new frame or of each rollout's.
            bias: float (W,) or (B, 1, 1, W), 0 for the frames in sight, −infinity for others; the
                last entry is the new frame's.

        Returns:
            (B, N, D), and the frame's own keys and values, each (B, N, heads, 1, head_dim).
        """
        both, values = self.project_frame(x)
        queries, keys = turn(both, rotation).unbind(2)
        mixed = attend_step(self.sharpened(queries), (keys, values), past, bias)
        own = (keys[..., None, :], values[..., None, :])
        return self.out(rearrange(mixed, "b n heads d -> b n (heads d)")), own

    def remember(self, x: Tensor, rotation: Tensor) -> KeysValues:
        """Return only the keys and values that `step` returns for the new frame."""
        keys, values = self._keys_values(x, "b n (two heads d) -> two b n heads 1 d")
        return turn(keys, rotation), values


def attend_step(queries: Tensor, own: KeysValues, past: KeysValues, bias: Tensor) -> Tensor:
    """Attend with one query per token and head, to its cached past and to itself.

    Args:
        queries: float (B, N, heads, head_dim), already scaled.
        own: keys and values of the new frame, each of that shape.
        past: cached keys and values, each (B, N, heads, W−1, head_dim).
        bias: float (W,) or (B, 1, 1, W), added to the scores; the last entry is the new frame's.

    Returns:
        (B, N, heads, head_dim).
    """
    keys, values = own
    past_keys, past_values = past
    # Products and sums, since a batched matrix product of one row is slower on a CPU, and would
    # need a copy of the past beside the new frame.
    before = (past_keys * queries[..., None, :]).sum(dim=-1)  # (B, N, heads, W−1)
    itself = (keys * queries).sum(dim=-1, keepdim=True)
    weights = (torch.cat((before, itself), dim=-1) + bias).softmax(dim=-1)
    mixed = (past_values * weights[..., :-1, None]).sum(dim=-2)
    return mixed + values * weights[..., -1:]


def attend(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    mask: Tensor | None = None,
    bias: Tensor | None = None,
) -> Tensor:
    """Scaled dot-product attention over short sequences.

    Args:
        queries: float (..., heads, Q, head_dim).
        keys: float (..., heads, S, head_dim).
        values: the shape of `keys`.
        mask: bool (Q, S), True where the query sees the key; None: it sees all.
        bias: float (heads, Q, S), added to the scaled scores.

    Returns:
        (..., heads, Q, head_dim).

    Source: Attention Is All You Need (Vaswani et al. 2017), section 3.2.1.
    """
    # Written out elsewhere: at these sizes PyTorch's fused kernels are 7 to 10 times slower
    # backwards in bfloat16 on a CPU, and twice as slow with a mask on a GPU (lab notes, 2026-11-21
    # and 2026-11-26).
    if queries.is_cuda and mask is None and bias is None:
        return F.scaled_dot_product_attention(queries, keys, values)
    scores = queries @ keys.mT * queries.shape[-1] ** -0.5  # (..., heads, Q, S)
    if mask is not None:
        scores = scores + torch.zeros(
            mask.shape, dtype=scores.dtype, device=mask.device
        ).masked_fill(~mask, -torch.inf)
    if bias is not None:
        scores = scores + bias.to(scores.dtype)
    return scores.softmax(dim=-1) @ values
