"""The dynamics: a space-time transformer that predicts the masked tokens of the next frame."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dynamics.token_map import MapLayout, MappedCache, TokenMap
from spacetime.blocks import SpaceTimeStack, init_weights
from spacetime.cache import TimeCache


@dataclass(frozen=True, kw_only=True)
class DynamicsConfig:
    """Sizes of the dynamics.

    Attributes:
        num_tokens: N, tokens per frame.
        num_codes: K, codes a token can take.
        num_actions: A; id A means "none given".
        dim: D, channels.
        heads: attention heads.
        layers: L, blocks.
        band: W, frames in sight of time attention, its own included.
        grid: rows and columns of tokens, for space attention by offset; None: by content only.
        moves: for each action, by how many rows and columns of tokens the picture moves; None: it
            moves by no whole tokens, and what leaves the picture is forgotten.
        fixed: with `moves`, the numbers of tokens that do not move with the picture.
    """

    num_tokens: int
    num_codes: int
    num_actions: int
    dim: int = 192
    heads: int = 6
    layers: int = 6
    band: int = 8
    grid: tuple[int, int] | None = None
    moves: tuple[tuple[int, int], ...] | None = None
    fixed: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit together."""
        if min(self.num_tokens, self.num_codes, self.num_actions) < 1 or self.band < 2:
            raise ValueError(
                f"num_tokens, num_codes and num_actions must be 1 or more and band 2 or more, got "
                f"{self.num_tokens}, {self.num_codes}, {self.num_actions} and {self.band}"
            )
        if self.grid is not None:
            rows, columns = self.grid
            object.__setattr__(self, "grid", (rows, columns))  # JSON has no tuples
            if rows * columns != self.num_tokens:
                raise ValueError(
                    f"a grid of {rows} by {columns} does not hold {self.num_tokens} tokens"
                )
        object.__setattr__(self, "fixed", tuple(self.fixed))
        if self.moves is not None:
            object.__setattr__(self, "moves", tuple((down, right) for down, right in self.moves))
            if self.grid is None or len(self.moves) != self.num_actions:
                raise ValueError(
                    f"moves of {len(self.moves)} actions do not fit {self.num_actions} actions on "
                    f"a grid of {self.grid}"
                )
            if not all(0 <= number < self.num_tokens for number in self.fixed):
                raise ValueError(f"fixed tokens must be numbers below {self.num_tokens}")


class Dynamics(nn.Module):
    """Logits of a frame's masked tokens, given the frames before it and its action.

    Training runs two streams through the same weights: clean frames, causal among themselves, and
    masked frames, each of which sees the clean frames before it but never its own clean copy. This
    is what play computes with `draft` and `commit`, so one forward pass trains all T frames on
    exactly the function that is played.

    Source: Genie (Bruce et al. 2024), section 2, for MaskGIT over space-time tokens with the
    action added to every token; Emu3.5's discrete-diffusion adaptation for the two streams.
    """

    def __init__(self, config: DynamicsConfig) -> None:
        """Build the model with new weights."""
        super().__init__()
        self.config = config
        dim = config.dim
        self.tokens = nn.Embedding(config.num_codes + 1, dim)  # id K: masked
        self.actions = nn.Embedding(config.num_actions + 1, dim)  # id A: none given
        # Embeddings of positions; the name is that in saved weights.
        self.places = nn.Parameter(torch.zeros(config.num_tokens, dim))
        self.stack = SpaceTimeStack(dim, config.heads, config.layers, config.band, config.grid)
        self.head = nn.Linear(dim, config.num_codes)
        init_weights(self)
        nn.init.normal_(self.places, std=0.02)
        self.map_layout = None
        if config.moves is not None:
            self.map_layout = MapLayout(config.grid, config.moves, config.fixed, config.num_codes)
            # What stood at a token's place when it was last seen; id K: nothing is known.
            self.recalled = nn.Embedding(config.num_codes + 1, dim)
            # How far to believe it: weights are learned for all codes at once.
            self.belief = nn.Linear(dim, 1)
            # A world that learns it later plays as before at first.
            for weight in (self.recalled.weight, *self.belief.parameters()):
                nn.init.zeros_(weight)

    def forward(
        self,
        ids: Tensor,
        actions: Tensor,
        masked: Tensor,
        history_ids: Tensor | None = None,
        recalled: Tensor | None = None,
    ) -> Tensor:
        """Predict the masked tokens of whole clips.

        Args:
            ids: int64 (B, T, N), the true tokens.
            actions: int64 (B, T−1); entry t leads from frame t to frame t+1; A: none given.
            masked: bool (B, T, N), True where the masked stream does not see the token.
            history_ids: int64 (B, T, N), what later frames see as history; None: `ids`. Training
                corrupts them, so that the model copes with its own mistakes in play.
            recalled: int64 (B, T, N), what a map knew of each frame before it was seen, K where
                nothing; given if there are `moves`.

        Returns:
            Logits float (B, T, N, K); those of frame 0 have no history and bear no loss.
        """
        none = actions.new_full((len(actions), 1), self.config.num_actions)
        prev_actions = torch.cat((none, actions), dim=1)  # (B, T)
        shown = ids.masked_fill(masked, self.config.num_codes)
        clean = self._embed(ids if history_ids is None else history_ids, prev_actions)
        drafted = self._embed(shown, prev_actions, recalled)
        return self._logits(self.stack.two_stream(clean, drafted), recalled)

    @property
    def memory(self) -> int:
        """Frames that a cache depends on, the last one included."""
        return self.stack.memory

    def new_cache(self, batch: int, start: int = 0) -> TimeCache:
        """Allocate an empty history of `batch` rollouts; frame numbers count from `start`."""
        cache = self.stack.new_cache(batch, self.config.num_tokens, start)
        if self.map_layout is None:
            return cache
        maps = [TokenMap(self.map_layout) for _ in range(batch)]
        return MappedCache(**vars(cache), maps=maps)

    def parts_to_compile(self) -> tuple[nn.Module, ...]:
        """Return the whole model: block by block it is slower (a sixth, measured on a CPU)."""
        return (self,)

    def draft(self, ids: Tensor, action: Tensor, cache: TimeCache) -> Tensor:
        """Predict the masked tokens of the next frame; the cache is not changed.

        Args:
            ids: int64 (B, N), K where masked.
            action: int64 (B,), the action that leads to this frame; A: none given.
            cache: the frames before.

        Returns:
            Logits float (B, N, K).
        """
        recalled = cache.recall(action) if isinstance(cache, MappedCache) else None
        x = self.stack.draft(self._embed(ids, action, recalled), cache)
        return self._logits(x, recalled)

    def commit(self, ids: Tensor, action: Tensor, cache: TimeCache) -> None:
        """Add a finished frame to the cache; arguments as `draft`, with no token masked."""
        self.stack.remember(self._embed(ids, action), cache)
        if isinstance(cache, MappedCache):
            cache.observe(ids, action)

    def _embed(self, ids: Tensor, prev_actions: Tensor, recalled: Tensor | None = None) -> Tensor:
        """Embed tokens (…, N) with the action (…) that led to their frame: (…, N, D)."""
        x = self.tokens(ids) + self.actions(prev_actions)[..., None, :] + self.places
        return x if recalled is None else x + self.recalled(recalled)

    def _logits(self, x: Tensor, recalled: Tensor | None) -> Tensor:
        """Score all codes, (…, N, K), and what is recalled higher, as far as it is believed."""
        logits = self.head(x)
        if recalled is None:
            return logits
        codes = self.config.num_codes
        belief = self.belief(x).masked_fill((recalled == codes)[..., None], 0).to(logits)
        return logits.scatter_add(-1, recalled.clamp_max(codes - 1)[..., None], belief)
