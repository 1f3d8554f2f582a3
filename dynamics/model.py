"""The dynamics: a space-time transformer that fills in the hidden tokens of the next frame."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from spacetime.blocks import SpaceTimeStack, init_weights
from spacetime.cache import TimeCache


@dataclass(frozen=True, kw_only=True)
class DynamicsConfig:
    """Sizes of the dynamics.

    Attributes:
        num_tokens: N, tokens a frame.
        num_codes: K, codes a token can take.
        num_actions: A, actions; id A means "none given".
        dim: D, channels.
        heads: attention heads.
        layers: L, blocks.
        band: W, frames in sight along time, the own one included.
        grid: rows and columns of the tokens, so that space attention knows offsets; None: worlds
            that know places only.
    """

    num_tokens: int
    num_codes: int
    num_actions: int
    dim: int = 192
    heads: int = 6
    layers: int = 6
    band: int = 8
    grid: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit together."""
        if min(self.num_tokens, self.num_codes, self.num_actions) < 1 or self.band < 2:
            raise ValueError(
                f"num_tokens, num_codes and num_actions must be 1 or more and band 2 or more, got "
                f"{self.num_tokens}, {self.num_codes}, {self.num_actions} and {self.band}"
            )
        if self.grid is not None:
            rows, columns = self.grid
            object.__setattr__(self, "grid", (rows, columns))  # json knows no tuples
            if rows * columns != self.num_tokens:
                raise ValueError(
                    f"a grid of {rows} by {columns} does not hold {self.num_tokens} tokens"
                )


class Dynamics(nn.Module):
    """Logits of the hidden tokens of a frame, from the frames before it and its action.

    Training runs two streams through the same weights: clean frames, causal among themselves, and
    masked frames, each of which sees the clean frames before it and never the clean copy of
    itself. That is what play computes with `draft` and `commit`, so one forward trains all T
    frames on the very function that is played.

    Source: Genie (Bruce et al. 2024), section 2, for MaskGIT over space-time tokens with the
    action added to every token; the two streams are our choice (as in Emu3.5's adaptation).
    """

    def __init__(self, config: DynamicsConfig) -> None:
        """Build the model of `config`, freshly drawn."""
        super().__init__()
        self.config = config
        dim = config.dim
        self.tokens = nn.Embedding(config.num_codes + 1, dim)  # id K: hidden
        self.actions = nn.Embedding(config.num_actions + 1, dim)  # id A: none given
        self.places = nn.Parameter(torch.zeros(config.num_tokens, dim))
        self.stack = SpaceTimeStack(dim, config.heads, config.layers, config.band, config.grid)
        self.head = nn.Linear(dim, config.num_codes)
        init_weights(self)
        nn.init.normal_(self.places, std=0.02)

    def forward(
        self, ids: Tensor, actions: Tensor, masked: Tensor, history_ids: Tensor | None = None
    ) -> Tensor:
        """Predict hidden tokens of whole clips.

        Args:
            ids: int64 (B, T, N), the true tokens.
            actions: int64 (B, T−1); entry t leads from frame t to frame t+1; A: none given.
            masked: bool (B, T, N), True where the masked stream must not see the token.
            history_ids: int64 (B, T, N), what the frames after see as history; None: `ids`.
                Corrupt them in training, and the model forgives its own mistakes in play.

        Returns:
            Logits float (B, T, N, K); at frame 0 they have no history and bear no loss.
        """
        none = actions.new_full((len(actions), 1), self.config.num_actions)
        prev_actions = torch.cat(
            (none, actions), dim=1
        )  # (B, T): the action that led to each frame
        shown = ids.masked_fill(masked, self.config.num_codes)
        clean = self._embed(ids if history_ids is None else history_ids, prev_actions)
        return self.head(self.stack.two_stream(clean, self._embed(shown, prev_actions)))

    @property
    def memory(self) -> int:
        """Frames that a cache depends on, the last one included."""
        return self.stack.memory

    def new_cache(self, batch: int, start: int = 0) -> TimeCache:
        """Allocate the history of `batch` rollouts; frame numbers count from `start`."""
        return self.stack.new_cache(batch, self.config.num_tokens, start)

    def parts_to_compile(self) -> tuple[nn.Module, ...]:
        """Return the whole model: block by block it is slower (a sixth, measured on a CPU)."""
        return (self,)

    def draft(self, ids: Tensor, action: Tensor, cache: TimeCache) -> Tensor:
        """Predict the hidden tokens of the next frame; the cache stays as it was.

        Args:
            ids: int64 (B, N); hidden places hold id K.
            action: int64 (B,), the action that leads to this frame; A: none given.
            cache: the frames before.

        Returns:
            Logits float (B, N, K).
        """
        x, _ = self.stack.step(self._embed(ids, action), cache)
        return self.head(x)

    def commit(self, ids: Tensor, action: Tensor, cache: TimeCache) -> None:
        """Let a finished frame enter the history.

        Args:
            ids: int64 (B, N), none hidden.
            action: int64 (B,), the action that led to it; A: none given.
            cache: changed in place.
        """
        self.stack.remember(self._embed(ids, action), cache)

    def _embed(self, ids: Tensor, action: Tensor) -> Tensor:
        """Embed tokens (…, N) with the action (…) that led to their frame: (…, N, D)."""
        return self.tokens(ids) + self.actions(action)[..., None, :] + self.places
