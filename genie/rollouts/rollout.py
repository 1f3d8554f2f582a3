"""The batched engine: ids in, ids out, one seed per sample."""

from collections.abc import Sequence
from copy import copy
from typing import Any

import torch
from torch import Tensor

from dynamics.sampler import draw_noise, sample_frame
from dynamics.token_map import TokenMap
from genie.device import device_of
from genie.interfaces import FrameTokenizer, StreamingDecoder, TokenDynamics
from genie.library.bundle import Bundle
from genie.rollouts.frame_decoder import FrameDecoder, decoder_memory
from genie.settings import Settings


class Rollout:
    """B worlds played side by side on the same models.

    Tokens stay tokens: decoded frames are shown and never encoded again.

    Attributes:
        settings: how frames are sampled; assign to change it from the next frame on.
        frame: number of the frame that comes next, prompt frames included.
    """

    def __init__(
        self, bundle: Bundle, seeds: Sequence[int], settings: Settings | None = None
    ) -> None:
        """Prepare B = len(seeds) rollouts; `reset` starts them.

        Args:
            bundle: the models.
            seeds: one a rollout, 0 or more each.
            settings: None takes the bundle's.
        """
        self._bundle = bundle
        self.tokenizer: FrameTokenizer = bundle.tokenizer
        self.dynamics: TokenDynamics = bundle.dynamics
        self.settings = settings or bundle.settings
        self.seeds = list(seeds)
        self.device = device_of(self.dynamics)
        self.frame = 0
        self._history: Any = None
        self._shown: FrameDecoder | None = None
        self._ahead: list[int] | None = None  # frames, of each rollout's number over `frame`
        self._parts: Sequence[Rollout] = ()  # what `join` made it of

    @classmethod
    def join(cls, rollouts: Sequence["Rollout"]) -> "Rollout":
        """Return single rollouts of one bundle, all with the same settings, as one of B.

        It serves one frame: what is committed to it and shown by it enters the histories of the
        rollouts that it was made of, each at its own frame number.
        """
        first = rollouts[0]
        if len(rollouts) == 1:
            return first
        joined = cls(first._bundle, [rollout.seeds[0] for rollout in rollouts], first.settings)
        joined._parts, joined._ahead = rollouts, [rollout.frame for rollout in rollouts]
        histories = [rollout._history for rollout in rollouts]
        joined._history = type(first._history).join(histories)
        joined._shown = FrameDecoder.join([rollout._shown for rollout in rollouts])
        return joined

    @torch.inference_mode()
    def reset(self, ids: Tensor, actions: Tensor) -> Tensor:
        """Start from a prompt.

        Args:
            ids: int64 (B, T0, N), the prompt's tokens.
            actions: int64 (B, T0−1), what led from each prompt frame to the next.

        Returns:
            uint8 (B, T0, H, W, 3): the prompt as the tokenizer reconstructs it.
        """
        none = torch.full((len(self.seeds), 1), self.dynamics.config.num_actions)
        prev_actions = torch.cat((none.to(actions), actions), dim=1)  # (B, T0)
        self._restart(0)
        return torch.stack(
            [self._enter(ids[:, t], prev_actions[:, t]) for t in range(ids.shape[1])], dim=1
        )

    @torch.inference_mode()
    def step(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Sample the next frame of every rollout.

        Args:
            actions: int64 (B,), each in 0 … A−1.

        Returns:
            Tokens int64 (B, N), and frames uint8 (B, H, W, 3).

        Raises:
            ValueError: before `reset`.
        """
        ids = self.draw(actions)
        return ids, self._enter(ids, actions.to(self.device))

    @torch.inference_mode()
    def draw(self, actions: Tensor) -> Tensor:
        """Sample the tokens of the next frame, int64 (B, N), without committing it."""
        if self._history is None:
            raise ValueError("step before reset: give the world a prompt first")
        frame = self.frame
        if self._ahead is not None:
            frame = [self.frame + ahead for ahead in self._ahead]
        noise = draw_noise(self.seeds, frame, self.settings.steps, self.dynamics.config.num_tokens)
        return sample_frame(
            self.dynamics,
            actions.to(self.device),
            self._history,
            noise=noise,
            unmask_order=self.settings.unmask_order,
            temperature=self.settings.temperature,
        )

    @torch.inference_mode()
    def commit(self, ids: Tensor, prev_actions: Tensor) -> None:
        """Add a frame to the history; `show` has to be called too, before or after.

        Args:
            ids: int64 (B, N), such as `draw` returns.
            prev_actions: int64 (B,), the action that led to it.
        """
        self.dynamics.commit(ids.to(self.device), prev_actions.to(self.device), self._history)
        for rollout in (self, *self._parts):
            rollout.frame += 1

    @torch.inference_mode()
    def show(self, ids: Tensor) -> Tensor:
        """Decode the next frame, uint8 (B, H, W, 3); once for each frame, in turn."""
        return self._shown.draw(ids)

    @torch.inference_mode()
    def restore(
        self,
        ids: Tensor,
        prev_actions: Tensor,
        start: int = 0,
        seen: Sequence[tuple[Tensor, Tensor, bool]] = (),
        maps: Sequence[TokenMap] = (),
    ) -> Tensor:
        """Continue after a recorded history as if it had just been played.

        Keys and values depend on the last L·(W−1) frames, through all layers: those are committed
        again, into the same slots of the cache.

        Args:
            ids: int64 (B, T, N), the whole history, prompt included; T ≥ 1.
            prev_actions: int64 (B, T), the action that led to each frame; A at frame 0.
            start: number of its first frame; more than 0 where an edit began the history anew.
            seen: where the dynamics keeps a map, the frames before it, and the first one too if
                that was edited: tokens (B, N), prev actions (B,), and whether it was edited.
            maps: B of what came before `seen`, which stay as they are; none: nothing came.

        Returns:
            uint8 (B, H, W, 3): the last frame.
        """
        first = max(0, ids.shape[1] - self.memory)
        self._restart(start + first)
        if self.keeps_map:
            if maps:
                self._history.maps = [token_map.fork() for token_map in maps]
            for frame in seen:
                self._history.observe(*frame)
            for t in range(first):
                self._history.observe(ids[:, t], prev_actions[:, t])
        for t in range(first, ids.shape[1]):
            shown = self._enter(ids[:, t], prev_actions[:, t])
        return shown

    @torch.inference_mode()
    def replace(
        self,
        rows: Sequence[int],
        seeds: Sequence[int],
        ids: Tensor,
        prev_actions: Tensor,
        frames: Sequence[int],
        seen: Sequence[tuple[Tensor, Tensor, bool]] = (),
    ) -> Tensor:
        """Let some rollouts continue after other histories, as `restore` does for all.

        The others go on as they would have. Attention in time sees how far apart frames are, not
        their numbers, so one cache holds rollouts that are at different frames.

        Args:
            rows: which rollouts, b of them.
            seeds: one each.
            ids: int64 (b, T, N), histories of one length; T ≥ 1.
            prev_actions: int64 (b, T), the action that led to each frame; A at frame 0.
            frames: number of the next frame of each; T, where the history is whole.
            seen: as `restore` takes it, of b rollouts.

        Returns:
            uint8 (b, H, W, 3): the last frame of each.
        """
        if self._history is None:
            self._restart(0)
        apart = Rollout(self._bundle, seeds, self.settings)
        shown = apart.restore(ids, prev_actions, self.frame - ids.shape[1], seen)
        index = torch.tensor(rows, device=self.device)
        self._history.take_rows(index, apart._history)
        self._shown.take_rows(index, apart._shown)
        self._ahead = self._ahead or [0] * len(self.seeds)
        for row, seed, frame in zip(rows, seeds, frames, strict=True):
            self.seeds[row], self._ahead[row] = seed, frame - self.frame
        return shown

    def fork(self) -> "Rollout":
        """Return a copy, which goes on from here by itself."""
        forked = copy(self)
        forked.seeds, forked._ahead = list(self.seeds), copy(self._ahead)
        forked._history, forked._shown = self._history.fork(), self._shown.fork()
        return forked

    def map_of_line(self) -> TokenMap | None:
        """Return a copy of a single rollout's map, if its log alone makes the same; or None."""
        # What goes on from an edited frame sees it twice, the second time under the idle action:
        # that changes no map, unless the picture moves under it.
        if not self.keeps_map or self.dynamics.map_layout.shifts[self._bundle.keymap.idle]:
            return None
        return self.maps[0].fork()

    @property
    def maps(self) -> Sequence[TokenMap]:
        """The map of each rollout, where the dynamics keeps one."""
        return getattr(self._history, "maps", ())

    @property
    def keeps_map(self) -> bool:
        """Whether a frame also depends on all that was ever seen."""
        return getattr(self.dynamics, "map_layout", None) is not None

    @property
    def memory(self) -> int:
        """Frames that the caches depend on, the last one included."""
        return max(self.dynamics.memory, decoder_memory(self.tokenizer))

    def _restart(self, first: int) -> None:
        self._history = self.dynamics.new_cache(len(self.seeds), first)
        self._shown = FrameDecoder(self.tokenizer, len(self.seeds), first)
        self.frame, self._ahead = first, None

    def _enter(self, ids: Tensor, prev_actions: Tensor) -> Tensor:
        """Commit a frame and return it decoded, uint8 (B, H, W, 3)."""
        self.commit(ids, prev_actions)
        return self.show(ids)


def cache_without(bundle: Bundle, *methods: str) -> str | None:
    """Return the kind of a cache of the world's models that lacks a method, if one does.

    Models of others need none of those by which caches are joined, copied and mixed.
    """
    caches = [bundle.dynamics.new_cache(1)]
    if isinstance(bundle.tokenizer, StreamingDecoder):
        caches.append(bundle.tokenizer.new_cache(1))
    for cache in caches:
        if not all(hasattr(cache, method) for method in methods):
            return type(cache).__name__
    return None
