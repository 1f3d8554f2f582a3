"""The world that is played: one rollout, from a prompt, under one action a frame."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dynamics.token_map import TokenMap
from genie.edit import edit_frame
from genie.frames import encode_prompt, to_models
from genie.inputs import check_prompt
from genie.library.bundle import Bundle, load_bundle
from genie.library.progress import Say, silent
from genie.rollouts.frame_decoder import FrameDecoder, decoder_memory
from genie.rollouts.rollout import Rollout
from genie.rollouts.together import commit_together, step_together
from genie.session.format import FrameRecord
from genie.session.header import Header, new_header
from genie.session.log import Session
from genie.session.past import map_before
from genie.session.state import State
from genie.settings import Settings
from genie.speed import StepSeconds


class World:
    """A world to play: reset with a prompt, step with an action.

    Attributes:
        bundle: models, keymap, prompts and the record.
        session: every frame since `reset`, or the session that play goes on in; None before.
        head: the record of the last frame.
        seconds: what the last `step` took.
    """

    def __init__(self, bundle: Bundle, settings: Settings | None = None) -> None:
        """Wrap a loaded bundle; `settings` None takes the tested ones."""
        self.bundle = bundle
        self.session: Session | None = None
        self.head = 0
        self.seconds = StepSeconds(model=0.0, decode=0.0)
        self._settings = settings or bundle.settings
        self._rollout: Rollout | None = None
        self._pending: tuple[Tensor, Tensor] | None = None  # tokens and action to be committed
        self._before: TokenMap | None = None  # of all frames before the head, if known

    def __repr__(self) -> str:
        """Return a few lines: the bundle, and how far play is."""
        return f"World at frame {self.frame_index} of {self.bundle!r}"

    @classmethod
    def load(
        cls,
        path: Path | str,
        device: str | torch.device = "cpu",
        settings: Settings | None = None,
        say: Say = silent,
        precision: str = "float32",
    ) -> "World":
        """Load a world from its folder; see `genie.library.bundle.load_bundle` for the errors."""
        return cls(load_bundle(path, device, say, precision), settings)

    @property
    def settings(self) -> Settings:
        """How frames are sampled; assign to change it from the next frame on."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._settings = settings
        if self._rollout is not None:
            self._rollout.settings = settings

    @property
    def frame_index(self) -> int:
        """Number of the frame that comes next, prompt frames included."""
        return 0 if self.session is None else self.session.frame_number(self.head) + 1

    def reset(self, prompt: np.ndarray, seed: int = 0) -> np.ndarray:
        """Start from one frame or several, in a new session.

        Args:
            prompt: uint8 (H, W, 3), or (T0, H, W, 3); the actions between its frames are inferred.
            seed: of everything sampled from here on, 0 … 2^64 - 1.

        Returns:
            uint8 (H, W, 3): the last prompt frame as the tokenizer makes it.

        Raises:
            ValueError: if the prompt is not of the world's frame size, or there is no such seed.
        """
        frames = check_prompt(self.bundle, prompt)
        return self.start(frames, Session(self._new_header(seed, len(frames))))

    def start(self, prompt: np.ndarray, session: Session) -> np.ndarray:
        """Start a new line of a session, otherwise as `reset` does."""
        frames = check_prompt(self.bundle, prompt)
        if len(frames) != session.header.prompt_frames:
            raise ValueError(
                f"each line of this session starts from {session.header.prompt_frames} frames, the "
                f"prompt has {len(frames)}"
            )
        ids, actions = encode_prompt(self.bundle, frames)
        self._rollout = Rollout(self.bundle, [session.header.seed], self._settings)
        self._pending = self._before = None
        shown = self._rollout.reset(ids, actions)
        self.session, parent = session, None
        prev_actions = [self.bundle.num_actions, *actions[0].tolist()]
        for tokens, action in zip(ids[0], prev_actions, strict=True):
            parent = self._log(parent, action, 0, tokens)
        return shown[0, -1].numpy()

    def step(self, action: int) -> np.ndarray:
        """Sample the next frame; it is committed by `commit_pending`, or with the next step.

        Args:
            action: id, 0 … A−1.

        Returns:
            uint8 (H, W, 3).

        Raises:
            ValueError: if the action is out of range, or before `reset`.
        """
        return step_together([self], [action])[0]

    def commit_pending(self) -> None:
        """Commit the last frame to the cache, if it is not yet: once it is shown, there is time.

        Nothing that is sampled depends on when this happens.
        """
        commit_together([self])

    def edit(self, change: np.ndarray) -> np.ndarray:
        """Change tokens of the last frame; the world goes on from the changed frame alone.

        What came before is no longer history: it would outvote a piece that was put down. The
        edited frame is logged in place of the last one.

        Args:
            change: integer (h, w) or (N,), token ids, and −1 where a token stays as it is. Or a
                picture, uint8 (H, W, 3): tokens are made of it where it differs from the frame.

        Returns:
            uint8 (H, W, 3): the frame as it is now.

        Raises:
            ValueError: if the edit does not fit the frame, or before `reset`.
        """
        if self.session is None:
            raise ValueError("edit before reset: give the world a prompt first")
        edited = edit_frame(self.session[self.head], change, self)
        return self.go_to(self.session, self.session.append(edited))

    def go_to(self, session: Session, record: int) -> np.ndarray:
        """Continue from a record of a session of this world, with the settings of now.

        Returns:
            uint8 (H, W, 3): the frame of that record.

        Raises:
            ValueError: if the session is of another world, or damaged.
        """
        self._check_fingerprint(session.header.fingerprint)
        rollout = Rollout(self.bundle, [session.header.seed], self._settings)
        line = session.history(record, None if rollout.keeps_map else rollout.memory)
        ids = self._check_tokens(session.ids(line))
        prev_actions = torch.tensor([[session[int(index)].action for index in line]])
        if prev_actions.max() > self.bundle.num_actions:
            raise ValueError(f"the log names action {int(prev_actions.max())}: it is damaged")
        first = session[int(line[0])]
        if first.edited:
            # A frame on its own shows no motion that would bear out the action that led to it.
            prev_actions[0, 0] = self.bundle.keymap.idle
        self._rollout, self._pending, seen, maps = rollout, None, [], []
        if first.edited and self._rollout.keeps_map:
            seen = [(ids[:1], torch.tensor([first.action]), True)]
            maps = [self._map_before(session, int(line[0]))]
        start = session.frame_number(int(line[0]))
        shown = self._rollout.restore(ids[None], prev_actions, start, seen, maps)
        self._before = maps[0] if maps and len(line) == 1 else None
        self.session, self.head = session, record
        return shown[0].numpy()

    def see(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Encode and decode a picture, uint8 (H, W, 3), as play would start from it.

        Returns:
            Its tokens, uint16 (N,), and the frame that they make: uint8 (H, W, 3).

        Raises:
            ValueError: if it is not of the world's frame size.
        """
        pixels = to_models(check_prompt(self.bundle, picture)[None, :1], self.bundle.device)
        with torch.inference_mode():
            ids = _uint16(self.bundle.tokenizer.encode(pixels)[0])
        return ids[0], self.picture(ids)

    def picture(self, ids: np.ndarray, first: int = 0) -> np.ndarray:
        """Decode a frame of any history; play is not moved.

        Args:
            ids: integer (T, N): the frame's tokens last; before them those of as many frames as
                `picture_memory` counts, or of all there were.
            first: number of the first of these frames.

        Returns:
            uint8 (H, W, 3): the last frame, as play showed it.
        """
        frame_decoder = FrameDecoder(self.bundle.tokenizer, first=first)
        for frame in self._check_tokens(ids):
            shown = frame_decoder.draw(frame[None])
        return shown[0].numpy()

    def history(self, session: Session, record: int) -> np.ndarray:
        """Return the records of a session that the frame after `record` depends on, int64 (T,)."""
        if Rollout(self.bundle, [0]).keeps_map:
            return session.line(record)
        return session.history(record, self.memory)

    @property
    def memory(self) -> int:
        """Frames that the next one depends on, beside a map of all that was seen."""
        return Rollout(self.bundle, [0]).memory

    @property
    def picture_memory(self) -> int:
        """Frames that a decoded frame depends on, itself included."""
        return decoder_memory(self.bundle.tokenizer)

    def save_state(self) -> State:
        """Return what is needed to continue from here.

        Raises:
            ValueError: before `reset`.
        """
        if self.session is None:
            raise ValueError("save_state before reset: give the world a prompt first")
        return State.of_session(self.session, self.head, self.bundle.settings, self._settings)

    def load_state(self, state: State) -> np.ndarray:
        """Continue from a saved state of this world with its settings, in a new session.

        Returns:
            uint8 (H, W, 3): the last frame of the state.

        Raises:
            ValueError: if the state belongs to another world.
        """
        self._check_fingerprint(state.fingerprint)
        session = state.to_session(self._new_header(state.seed, state.prompt_frames))
        shown = self.go_to(session, len(session) - 1)
        self.settings = state.next_settings
        return shown

    def _log(self, parent: int | None, action: int, steps: int, ids: Tensor) -> int:
        """Append a frame to the session; returns its record, which becomes the head."""
        self.head = self.session.append(
            FrameRecord(
                parent=parent,
                action=action,
                steps=steps,
                unmask_order=self._settings.unmask_order,
                temperature=self._settings.temperature,
                ids=_uint16(ids),
            )
        )
        return self.head

    def _map_before(self, session: Session, record: int) -> TokenMap:
        """Return the map of all frames before a record; at hand where that replaces the head."""
        known = session is self.session and session[record].parent == session[self.head].parent
        if known and self._before is not None:
            return self._before
        return map_before(session, record, self.bundle.dynamics.map_layout)

    def _new_header(self, seed: int, prompt_frames: int) -> Header:
        device = self.bundle.device
        return new_header(self.bundle, seed, device=device, prompt_frames=prompt_frames)

    def _check_fingerprint(self, fingerprint: str) -> None:
        if fingerprint != self.bundle.fingerprint:
            raise ValueError(
                f"this was saved in another world (fingerprint {fingerprint[:12]}, this world has "
                f"{self.bundle.fingerprint[:12]}): load that world first"
            )

    def _check_tokens(self, ids: np.ndarray) -> Tensor:
        codes = self.bundle.dynamics.config.num_codes
        if ids.max() >= codes:
            raise ValueError(f"the log names code {ids.max()} of {codes}: it is damaged")
        return torch.from_numpy(ids.astype(np.int64))


def _uint16(ids: Tensor) -> np.ndarray:
    return ids.cpu().numpy().astype(np.uint16)
