"""What play, training and evaluation need of a model: three protocols.

A model is an `nn.Module` with a `config`: a frozen dataclass of plain values, which is what a
world's record holds of it. Register its class with `genie.register`, and it trains, saves, loads,
plays and is evaluated like the models that ship. Shapes: B clips, T frames, H×W pixels, N tokens
a frame, K codes, A actions.
"""

from typing import Any, Protocol, runtime_checkable

from torch import Tensor


class FrameTokenizer(Protocol):
    """Frames to token ids and back. Each frame is encoded by itself.

    Attributes:
        config: has `height` and `width`, in pixels.
        num_tokens: N.
        num_codes: K, at most 65,536.
    """

    config: Any
    num_tokens: int
    num_codes: int

    def encode(self, frames: Tensor) -> Tensor:
        """Turn frames float32 (B, T, 3, H, W) in [0, 1] into ids int64 (B, T, N)."""

    def decode(self, ids: Tensor) -> Tensor:
        """Turn ids int64 (B, T, N) into frames float32 (B, T, 3, H, W) in [0, 1]."""

    def training_loss(
        self, frames: Tensor, method: Any, pixel_weights: Tensor | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of frames (B, T, 3, H, W), and what to log beside it.

        Args:
            frames: float32 in [0, 1].
            method: the recipe's numbers, a `tokenizer.losses.TokenizerMethod`.
            pixel_weights: float32 (H, W) or (B, T, 1, H, W), 1 or more; None: all equal.
        """


@runtime_checkable
class StreamingDecoder(Protocol):
    """A tokenizer whose decoder sees earlier frames. Others decode each frame by itself.

    Attributes:
        decoder_memory: frames that a decoded frame depends on, itself included.
    """

    decoder_memory: int

    def new_cache(self, batch: int, start: int = 0) -> Any:
        """Allocate the decoder's cache; `start` is the number of the first frame."""

    def decode_step(self, ids: Tensor, cache: Any) -> Tensor:
        """Decode the next frame: ids int64 (B, N) to float32 (B, 3, H, W); the cache changes."""


class ActionModel(Protocol):
    """Two frames to an action.

    Attributes:
        config: has `height`, `width` and `num_actions`, A, 128 at most.
    """

    config: Any

    def infer(self, frames: Tensor) -> Tensor:
        """Infer int64 (B, T−1) from frames (B, T, 3, H, W); entry t leads from t to t+1."""

    def predict(self, frame: Tensor, action: Tensor) -> Tensor:
        """Predict the frame (B, 3, H, W) that actions int64 (B,) lead to."""


@runtime_checkable
class EpisodeReader(Protocol):
    """An action model that reads actions off whole episodes, not transition by transition."""

    def observe(self, frames: Tensor) -> Tensor:
        """Encode each transition by itself: frames (B, T, 3, H, W) to float32 (B, T−1, F)."""

    def read(self, observed: Tensor, episodes: Tensor | None = None) -> Tensor:
        """Read actions int64 (B, S) off consecutive transitions (B, S, F).

        Args:
            observed: from `observe`.
            episodes: int64 (B,), the numbers of the episodes: where several readings are right,
                neighbouring episodes may be read differently. None: one reading for all.
        """


class TokenDynamics(Protocol):
    """History and an action to the masked tokens of the next frame.

    Id K stands for a masked token, action A for "none given".

    Attributes:
        config: has `num_tokens`, `num_codes` and `num_actions`.
        memory: frames that a cache depends on, the last one included.
    """

    config: Any
    memory: int

    def __call__(
        self, ids: Tensor, actions: Tensor, masked: Tensor, history_ids: Tensor | None = None
    ) -> Tensor:
        """Return logits float (B, T, N, K) of whole clips, for training.

        Args:
            ids: int64 (B, T, N).
            actions: int64 (B, T−1).
            masked: bool (B, T, N), what must not be seen of a frame when it is predicted.
            history_ids: int64 (B, T, N), what later frames see of a frame; None: `ids`.
        """

    def new_cache(self, batch: int, start: int = 0) -> Any:
        """Allocate the history of `batch` rollouts; `start` is the number of the first frame.

        For vector environments, the cache has `take_rows` as `spacetime.cache.TimeCache` has it;
        for visitors whose frames are computed together, `join`.
        """

    def draft(self, ids: Tensor, action: Tensor, cache: Any) -> Tensor:
        """Return logits (B, N, K) of the next frame, ids (B, N); the cache stays as it was."""

    def commit(self, ids: Tensor, action: Tensor, cache: Any) -> None:
        """Add a finished frame (B, N) and its prev action (B,) to the cache."""
