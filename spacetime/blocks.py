"""Space-time transformer blocks and stacks of them."""

import torch
from torch import Tensor, nn

from spacetime.attention import KeysValues, TimeAttention
from spacetime.cache import TimeCache
from spacetime.rotary import rotary_matrix, rotary_table
from spacetime.space_attention import SpaceAttention
from spacetime.step.frame_step import FrameStep


class FeedForward(nn.Module):
    """Two linear layers, 4× wide, with squared ReLU between them.

    Source: squared ReLU from Primer (So et al. 2021), section 3; cheaper than GELU on a CPU.
    """

    def __init__(self, dim: int) -> None:
        """Build the layers for D = `dim` channels."""
        super().__init__()
        self.up = nn.Linear(dim, 4 * dim, bias=False)
        self.down = nn.Linear(4 * dim, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map float (..., D) to (..., D), each token by itself."""
        return self.down(torch.relu(self.up(x)).square())

    def step(self, x: Tensor) -> Tensor:
        """Compute `forward` without gradients, in place between the layers."""
        wide = torch.relu_(self.up(x))
        return self.down(wide.mul_(wide))


class SpaceTimeBlock(nn.Module):
    """Pre-norm space attention, banded causal time attention (none if W is 1), feed-forward.

    Source: ST-transformer of Genie (Bruce et al. 2024), section 2.
    """

    def __init__(
        self, dim: int, heads: int, band: int, grid: tuple[int, int] | None = None
    ) -> None:
        """Build the block; see `SpaceTimeStack` for the arguments."""
        super().__init__()
        self.space_norm = nn.RMSNorm(dim)
        self.space = SpaceAttention(dim, heads, grid)
        self.time_norm = nn.RMSNorm(dim) if band > 1 else None
        self.time = TimeAttention(dim, heads, band) if band > 1 else None
        self.feed_norm = nn.RMSNorm(dim)
        self.feed = FeedForward(dim)

    def forward(self, x: Tensor) -> Tensor:
        """Run whole clips: float (B, T, N, D) to (B, T, N, D)."""
        x = x + self.space(self.space_norm(x))
        if self.time is not None:
            x = x + self.time(self.time_norm(x))
        return x + self.feed(self.feed_norm(x))

    def two_stream(self, streams: Tensor) -> Tensor:
        """Run both streams through the same weights: (2B, T, N, D), clean clips, then masked."""
        streams = streams + self.space(self.space_norm(streams))
        if self.time is not None:
            clean, masked = self.time_norm(streams).chunk(2)
            streams = streams + torch.cat(self.time.two_stream(clean, masked))
        return streams + self.feed(self.feed_norm(streams))

    def masked_stream(self, streams: Tensor) -> Tensor:
        """Return the masked half of `two_stream`, without what only the clean half needs."""
        clean, masked = (streams + self.space(self.space_norm(streams))).chunk(2)
        if self.time is not None:
            masked = masked + self.time.masked_stream(self.time_norm(clean), self.time_norm(masked))
        return masked + self.feed(self.feed_norm(masked))

    def step(
        self, x: Tensor, past: KeysValues, rotation: Tensor, bias: Tensor
    ) -> tuple[Tensor, KeysValues]:
        """Run one new frame over cached history; arguments and result as `TimeAttention.step`."""
        x = x + self.space.step(self.space_norm(x))
        own = past
        if self.time is not None:
            mixed, own = self.time.step(self.time_norm(x), past, rotation, bias)
            x = x + mixed
        return x + self.feed.step(self.feed_norm(x)), own

    def remember(self, x: Tensor, rotation: Tensor) -> KeysValues:
        """Return only the keys and values that `step` returns; W must be 2 or more."""
        x = x + self.space.step(self.space_norm(x))
        return self.time.remember(self.time_norm(x), rotation)


class SpaceTimeStack(nn.Module):
    """Blocks of one width and band, with the cache that plays them frame by frame.

    Attributes:
        buffered: whether play computes in the buffers of a `FrameStep`.
        product_dtype: in which that multiplies by weights: float32, or bfloat16.
    """

    def __init__(
        self, dim: int, heads: int, layers: int, band: int, grid: tuple[int, int] | None = None
    ) -> None:
        """Build the stack.

        Args:
            dim: D, channels; a multiple of 2·heads.
            heads: number of heads.
            layers: L, number of blocks.
            band: W, frames in sight of time attention, its own included.
            grid: rows and columns of tokens, for space attention by offset; None: without.
        """
        super().__init__()
        if dim < 1 or heads < 1 or dim % heads or (dim // heads) % 2 or layers < 1 or band < 1:
            raise ValueError(
                f"dim {dim}, heads {heads}, layers {layers}, band {band} do not fit together: dim "
                f"must be a multiple of 2·heads, layers and band at least 1"
            )
        self.dim, self.heads, self.band = dim, heads, band
        self.blocks = nn.ModuleList(SpaceTimeBlock(dim, heads, band, grid) for _ in range(layers))
        self.norm = nn.RMSNorm(dim)
        self.buffered, self.product_dtype = True, torch.float32

    @property
    def memory(self) -> int:
        """Frames that a frame depends on through all layers, itself included."""
        return len(self.blocks) * (self.band - 1) + 1

    def forward(self, x: Tensor) -> Tensor:
        """Run whole clips: float (B, T, N, D) to (B, T, N, D)."""
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def two_stream(self, clean: Tensor, masked: Tensor) -> Tensor:
        """Run both streams, each float (B, T, N, D), and return the masked one."""
        streams = torch.cat((clean, masked))
        for block in self.blocks[:-1]:
            streams = block.two_stream(streams)
        return self.norm(self.blocks[-1].masked_stream(streams))

    def new_cache(self, batch: int, tokens: int, start: int = 0) -> TimeCache:
        """Allocate an empty cache for `batch` rollouts of N = `tokens` tokens per frame."""
        shape = (
            len(self.blocks), batch, tokens, self.heads, self.band - 1, self.dim // self.heads
        )  # fmt: skip
        return TimeCache.empty(shape, self.norm.weight.device, start)

    def draft(self, x: Tensor, cache: TimeCache) -> Tensor:
        """Run one new frame, float (B, N, D), over the cached history, which stays as it was."""
        return self._frame(cache).draft(x) if self._buffered(x) else self.step(x, cache)[0]

    def step(self, x: Tensor, cache: TimeCache) -> tuple[Tensor, list[KeysValues]]:
        """Compute `draft`, and what `TimeCache.write` needs to add the frame to the history."""
        if self._buffered(x):
            return self._frame(cache).step(x)
        x, new = self._through(self.blocks, x, cache, self.next_rotation(cache))
        return self.norm(x), new

    def remember(self, x: Tensor, cache: TimeCache) -> None:
        """Add one finished frame, float (B, N, D), to the cache; W must be 2 or more."""
        if self._buffered(x):
            new = self._frame(cache).remember(x)
        else:
            # The rest of the last block computes the frame's output, which a commit does not need.
            rotation = self.next_rotation(cache)
            x, new = self._through(self.blocks[:-1], x, cache, rotation)
            new.append(self.blocks[-1].remember(x, rotation))
        cache.write(new)

    def _buffered(self, x: Tensor) -> bool:
        """Whether `FrameStep` computes this: in play on a CPU or a CUDA GPU."""
        fits = (x.is_cpu or x.is_cuda) and x.dtype == torch.float32
        return self.buffered and fits and not torch.is_grad_enabled()

    def _frame(self, cache: TimeCache) -> FrameStep:
        """Return the cache's buffers, prepared for its next frame."""
        if cache.frame_step is None:
            cache.frame_step = FrameStep(self.blocks, self.norm, cache, self.product_dtype)
        frame = cache.frame_step
        if frame.positions != cache.positions:
            rotation = self.next_rotation(cache)
            frame.prepare(cache.positions, rotation, next_bias(cache))
        return frame

    def next_rotation(self, cache: TimeCache) -> Tensor:
        """Return the rotation of the next frame's queries and keys, as `rotary_matrix` does."""
        positions = torch.tensor(cache.positions)
        return rotary_matrix(rotary_table(positions, self.dim // self.heads, cache.keys.device))

    @staticmethod
    def _through(
        blocks: nn.ModuleList, x: Tensor, cache: TimeCache, rotation: Tensor
    ) -> tuple[Tensor, list[KeysValues]]:
        """Return the blocks' output, and each block's own keys and values."""
        # Once for all layers: in play, launching small operations costs more than computing them.
        bias = next_bias(cache)
        new = []
        for layer, block in enumerate(blocks):
            x, own = block.step(x, (cache.keys[layer], cache.values[layer]), rotation, bias)
            new.append(own)
        return x, new


def next_bias(cache: TimeCache) -> Tensor:
    """Return what is added to the next frame's scores: 0 for what it sees, or −infinity."""
    seen = cache.visible()
    return torch.zeros(seen.shape, device=seen.device).masked_fill(~seen, -torch.inf)


@torch.no_grad()
def init_weights(module: nn.Module) -> None:
    """Draw the weights of a model before training, in place.

    Matrices get std 1/sqrt(fan-in), embeddings 0.02; the last projection of every residual
    branch starts at zero, so that a block starts as the identity.

    Source: GPT-2's 0.02 for embeddings; zero-initialised branches as in Fixup (Zhang et al. 2019).
    """
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, std=part.in_features**-0.5)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.Embedding):
            nn.init.normal_(part.weight, std=0.02)
    for part in module.modules():
        if isinstance(part, SpaceAttention | TimeAttention):
            nn.init.zeros_(part.out.weight)
        elif isinstance(part, FeedForward):
            nn.init.zeros_(part.down.weight)
