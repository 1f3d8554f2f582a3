"""Space-time transformer blocks and stacks of them."""

import torch
from torch import Tensor, nn

from spacetime.attention import TimeAttention
from spacetime.cache import TimeCache
from spacetime.rotary import rotary_matrix, rotary_table
from spacetime.space_attention import SpaceAttention


class FeedForward(nn.Module):
    """Two linear layers, 4× wide, with squared ReLU between them.

    Source: squared ReLU from Primer (So et al. 2021), section 3; it is cheaper than GELU on a CPU.
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
        """Map as `forward` does, in place between the layers: nothing is learned in play."""
        wide = torch.relu_(self.up(x))
        return self.down(wide.mul_(wide))


class SpaceTimeBlock(nn.Module):
    """Pre-norm space attention, banded causal time attention, feed-forward.

    With a band of 1 a frame sees only itself and the block has no time attention.

    Source: ST-transformer of Genie (Bruce et al. 2024), section 2.
    """

    def __init__(
        self, dim: int, heads: int, band: int, grid: tuple[int, int] | None = None
    ) -> None:
        """Build the block.

        Args:
            dim: D, channels; a multiple of `heads`.
            heads: number of heads.
            band: W, frames in sight of time attention, the own one included.
            grid: rows and columns of tokens, for space attention by offset; None: without.
        """
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
        """Run the clean and the masked stream of whole clips through the same weights.

        Args:
            streams: float (2B, T, N, D): the clean clips, then the masked ones.

        Returns:
            The same shape.
        """
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
        self,
        x: Tensor,
        past: tuple[Tensor, Tensor],
        turn: Tensor,
        bias: Tensor,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Run one new frame over cached history; see `TimeAttention.step` for the arguments.

        Returns:
            (B, N, D), and the frame's own keys and values for the cache.
        """
        x = x + self.space.step(self.space_norm(x))
        own = past
        if self.time is not None:
            mixed, own = self.time.step(self.time_norm(x), past, turn, bias)
            x = x + mixed
        return x + self.feed.step(self.feed_norm(x)), own

    def remember(self, x: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
        """Return what `step` returns for the cache, without the rest of the block; band ≥ 2."""
        x = x + self.space.step(self.space_norm(x))
        return self.time.remember(self.time_norm(x), turn)


class SpaceTimeStack(nn.Module):
    """Blocks of one width and band, with the cache that plays them frame by frame."""

    def __init__(
        self,
        dim: int,
        heads: int,
        layers: int,
        band: int,
        grid: tuple[int, int] | None = None,
    ) -> None:
        """Build the stack.

        Args:
            dim: D, channels; a multiple of `heads`, with an even number of channels a head.
            heads: number of heads.
            layers: L, number of blocks.
            band: W, frames in sight of time attention, the own one included.
            grid: rows and columns of tokens, for space attention by offset; None: without.

        Raises:
            ValueError: if the sizes do not fit together.
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
        """Allocate an empty cache for `batch` rollouts of N = `tokens` tokens a frame."""
        shape = (
            len(self.blocks), batch, tokens, self.heads, self.band - 1, self.dim // self.heads
        )  # fmt: skip
        return TimeCache.empty(shape, self.norm.weight.device, start)

    def step(self, x: Tensor, cache: TimeCache) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Run one new frame over the cached history; the cache is read, not written.

        Args:
            x: float (B, N, D).
            cache: history of the same B and N.

        Returns:
            (B, N, D), and what `TimeCache.write` takes to let this frame enter the history.
        """
        x, new = self._through(self.blocks, x, cache, self._turn(cache, x.device))
        return self.norm(x), new

    def remember(self, x: Tensor, cache: TimeCache) -> None:
        """Let one finished frame enter the history; what only its output needs is left out.

        Args:
            x: float (B, N, D).
            cache: history of the same B and N, with a band of 2 or more; changed in place.
        """
        turn = self._turn(cache, x.device)
        x, new = self._through(self.blocks[:-1], x, cache, turn)
        cache.write([*new, self.blocks[-1].remember(x, turn)])

    def _turn(self, cache: TimeCache, device: torch.device) -> Tensor:
        """Return the rotation of the next frame's queries and keys."""
        here = torch.tensor([cache.position])
        return rotary_matrix(rotary_table(here, self.dim // self.heads, device))

    @staticmethod
    def _through(
        blocks: nn.ModuleList, x: Tensor, cache: TimeCache, turn: Tensor
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Return what the blocks make of x, and each block's own keys and values."""
        # Once for all layers: in play, small operations cost more than they compute.
        seen = cache.visible()
        bias = torch.zeros(seen.shape, device=seen.device).masked_fill(~seen, -torch.inf)
        new = []
        for layer, block in enumerate(blocks):
            x, own = block.step(x, (cache.keys[layer], cache.values[layer]), turn, bias)
            new.append(own)
        return x, new


@torch.no_grad()
def init_weights(module: nn.Module) -> None:
    """Draw the weights of a model before training.

    Matrices get std 1/sqrt(fan-in), embeddings 0.02; the last projection of every residual
    branch starts at zero, so that a block starts as the identity.

    Args:
        module: any model of this project; changed in place.

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
