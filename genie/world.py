"""The world that is played: one rollout with a picture for a prompt and a key for an action."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from genie.frame_decoder import FrameDecoder, decoder_memory
from genie.library.bundle import Bundle, load_bundle
from genie.rollout import Rollout
from genie.session.state import State
from genie.settings import Settings


@dataclass(frozen=True, kw_only=True)
class StepSeconds:
    """What a step took, in seconds; a GPU's unfinished work counts to what waits for it.

    Attributes:
        model: drawing the tokens and, once it is done, committing them.
        decode: from tokens to pixels.
    """

    model: float
    decode: float


class World:
    """A world to play: reset with a picture, step with an action.

    Attributes:
        bundle: models, keymap, prompts and the record.
        seconds: what the last `step` took.
    """

    def __init__(self, bundle: Bundle, settings: Settings | None = None) -> None:
        """Wrap a loaded bundle; `settings` None takes the tested ones."""
        self.bundle = bundle
        self._settings = settings or bundle.settings
        self._rollout: Rollout | None = None
        self._seed = 0
        self._ids: list[bytes] = []  # uint16 each: a tensor a frame would take six times the room
        self._prev_actions: list[int] = []
        self._drawn_with: list[Settings] = []
        self._unsettled: tuple[Tensor, Tensor] | None = None  # tokens and action to be committed
        self.seconds = StepSeconds(model=0.0, decode=0.0)

    def __repr__(self) -> str:
        """Return a few lines: the bundle, and how far play is."""
        return f"World at frame {self.frame_index} of {self.bundle!r}"

    @classmethod
    def load(
        cls,
        path: Path | str,
        device: str | torch.device = "cpu",
        settings: Settings | None = None,
    ) -> "World":
        """Load a world from its folder; see `genie.library.bundle.load_bundle` for the errors."""
        return cls(load_bundle(path, device), settings)

    @property
    def settings(self) -> Settings:
        """How frames are drawn; assign to change it from the next frame on."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._settings = settings
        if self._rollout is not None:
            self._rollout.settings = settings

    @property
    def frame_index(self) -> int:
        """Number of the frame that comes next, prompt frames included."""
        return len(self._ids)

    def reset(self, prompt: np.ndarray, seed: int = 0) -> np.ndarray:
        """Start from one frame or several.

        Args:
            prompt: uint8 (H, W, 3), or (T0, H, W, 3) with T0 ≥ 1; the actions between the frames
                of a longer prompt are inferred.
            seed: of everything drawn from here on, 0 or more.

        Returns:
            uint8 (H, W, 3): the last prompt frame as the tokenizer draws it.

        Raises:
            ValueError: if the prompt is not of the world's frame size.
        """
        frames = self._check_prompt(prompt)
        device = next(self.bundle.dynamics.parameters()).device
        pixels = torch.from_numpy(frames).to(device).movedim(-1, -3).float()[None] / 255
        with torch.inference_mode():
            ids = self.bundle.tokenizer.encode(pixels)  # (1, T0, N)
            actions = ids.new_empty((1, 0))
            if len(frames) > 1:
                actions = self.bundle.lam.infer(pixels)
        self._seed = seed
        self._rollout = Rollout(self.bundle, [seed], self._settings)
        self._unsettled = None
        shown = self._rollout.reset(ids, actions)
        self._ids = [_packed(frame) for frame in ids[0]]
        self._prev_actions = [self.bundle.num_actions, *actions[0].tolist()]
        self._drawn_with = [self._settings] * len(frames)
        return shown[0, -1].numpy()

    def step(self, action: int) -> np.ndarray:
        """Draw the next frame; it enters the history by `settle`, or with the next step.

        Args:
            action: id, 0 … A−1.

        Returns:
            uint8 (H, W, 3).

        Raises:
            ValueError: if the action is out of range, or before `reset`.
        """
        if self._rollout is None:
            raise ValueError("step before reset: give the world a prompt first")
        if not 0 <= action < self.bundle.num_actions:
            raise ValueError(
                f"action {action} is out of range: this world has actions 0 to "
                f"{self.bundle.num_actions - 1}"
            )
        self.settle()
        prev_action, begin = torch.tensor([action]), time.perf_counter()
        ids = self._rollout.draw(prev_action)
        drawn = time.perf_counter()
        frames = self._rollout.show(ids)
        self.seconds = StepSeconds(model=drawn - begin, decode=time.perf_counter() - drawn)
        self._ids.append(_packed(ids[0]))
        self._prev_actions.append(int(action))
        self._drawn_with.append(self._settings)
        self._unsettled = (ids, prev_action)
        return frames[0].numpy()

    def settle(self) -> None:
        """Let the last frame enter the history, if it has not: once it is shown, there is time.

        Nothing that is drawn depends on when this happens.
        """
        if self._unsettled is None:
            return
        begin = time.perf_counter()
        self._rollout.commit(*self._unsettled)
        self._unsettled = None
        took = self.seconds.model + time.perf_counter() - begin
        self.seconds = StepSeconds(model=took, decode=self.seconds.decode)

    def history(self, since: int = 0) -> tuple[np.ndarray, list[int]]:
        """Return what was played.

        Args:
            since: number of the first frame that is returned.

        Returns:
            Tokens uint16 (T, N), and the action that led to each of these frames; A where none
            was given.
        """
        tokens = self.bundle.dynamics.config.num_tokens
        ids = np.frombuffer(b"".join(self._ids[since:]), np.uint16).reshape(-1, tokens)
        return ids, self._prev_actions[since:]

    def see(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Look at a picture as play would start from it.

        Args:
            picture: uint8 (H, W, 3).

        Returns:
            Its tokens, uint16 (N,), and what is left of it: uint8 (H, W, 3).

        Raises:
            ValueError: if it is not of the world's frame size.
        """
        frames = torch.from_numpy(self._check_prompt(picture)[:1])
        device = next(self.bundle.tokenizer.parameters()).device
        with torch.inference_mode():
            pixels = frames.to(device).movedim(-1, -3).float()[None] / 255
            ids = self.bundle.tokenizer.encode(pixels)[0].cpu().numpy().astype(np.uint16)
        return ids[0], self.picture(ids)

    def picture(self, ids: np.ndarray, first: int = 0) -> np.ndarray:
        """Draw a frame of any history, whatever is being played.

        Args:
            ids: integer (T, N): the frame's tokens last; before them those of as many frames as
                `picture_memory` counts, or of all there were.
            first: number of the first of these frames.

        Returns:
            uint8 (H, W, 3): the last frame, as play drew it.
        """
        frame_decoder = FrameDecoder(self.bundle.tokenizer, first=first)
        for frame in torch.from_numpy(ids.astype(np.int64)):
            shown = frame_decoder.draw(frame[None])
        return shown[0].numpy()

    @property
    def picture_memory(self) -> int:
        """Frames that a picture depends on, itself included."""
        return decoder_memory(self.bundle.tokenizer)

    def save_state(self) -> State:
        """Return this moment of play.

        Raises:
            ValueError: before `reset`.
        """
        if self._rollout is None:
            raise ValueError("save_state before reset: give the world a prompt first")
        return State(
            fingerprint=self.bundle.fingerprint,
            seed=self._seed,
            ids=torch.from_numpy(self.history()[0].astype(np.int32)),
            prev_actions=torch.tensor(self._prev_actions, dtype=torch.int16),
            settings=tuple(self._drawn_with),
            next_settings=self._settings,
        )

    def load_state(self, state: State) -> np.ndarray:
        """Go back to a moment of play of this very world; what follows equals what followed.

        The settings of that moment come back too; assign `settings` to go on with others.

        Args:
            state: from `save_state` or `State.load`.

        Returns:
            uint8 (H, W, 3): the last frame of that moment.

        Raises:
            ValueError: if the state belongs to another world.
        """
        if state.fingerprint != self.bundle.fingerprint:
            raise ValueError(
                f"this state was saved in another world (fingerprint {state.fingerprint[:12]}, "
                f"this world has {self.bundle.fingerprint[:12]}): load that world first"
            )
        self._seed, self._settings = state.seed, state.next_settings
        self._rollout = Rollout(self.bundle, [state.seed], self._settings)
        self._unsettled = None
        shown = self._rollout.restore(state.ids.long()[None], state.prev_actions.long()[None])
        self._ids = [_packed(frame) for frame in state.ids]
        self._prev_actions = state.prev_actions.tolist()
        self._drawn_with = list(state.settings)
        return shown[0].numpy()

    def _check_prompt(self, prompt: np.ndarray) -> np.ndarray:
        frames = np.array(prompt)  # a copy: decoded pictures may be read-only, which torch warns of
        frames = frames[None] if frames.ndim == 3 else frames
        size = (self.bundle.height, self.bundle.width, 3)
        if (
            frames.dtype != np.uint8
            or frames.ndim != 4
            or frames.shape[1:] != size
            or not len(frames)
        ):
            raise ValueError(
                f"a prompt is uint8 {size} or (T0, *{size}), got {prompt.dtype} {prompt.shape}: "
                f"resize the picture to {size[0]}x{size[1]}"
            )
        return frames


def _packed(ids: Tensor) -> bytes:
    """Return the tokens of one frame as uint16 bytes."""
    return ids.cpu().numpy().astype(np.uint16).tobytes()
