"""The world that is played: one rollout with a picture for a prompt and a key for an action."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from genie.bundle import Bundle, load_bundle
from genie.rollout import Rollout
from genie.settings import Settings
from spacetime.weights import read_json, read_weights, write_json, write_weights

STATE_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class State:
    """A moment of play, enough to continue it bit for bit.

    Attributes:
        fingerprint: of the world it belongs to.
        seed: of the rollout.
        ids: int32 (T, N), tokens of all frames so far, the prompt's included.
        leads: int16 (T,), the action that led to each frame; A where none was given.
        settings: for each frame, the settings it was drawn with.
        next_settings: the settings of the frame that comes next.
    """

    fingerprint: str
    seed: int
    ids: Tensor
    leads: Tensor
    settings: tuple[Settings, ...]
    next_settings: Settings

    @property
    def frame_index(self) -> int:
        """Number of the frame that comes next."""
        return len(self.ids)

    def save(self, folder: Path | str) -> None:
        """Write state.json and state.safetensors into `folder`, which is made."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_weights(folder / "state.safetensors", {"ids": self.ids, "leads": self.leads})
        distinct = list(dict.fromkeys(self.settings))
        record = {
            "format": STATE_FORMAT,
            "world": self.fingerprint,
            "seed": self.seed,
            "frame_index": self.frame_index,
            "settings": [asdict(settings) for settings in distinct],
            "settings_of_frame": [distinct.index(settings) for settings in self.settings],
            "next_settings": asdict(self.next_settings),
        }
        write_json(folder / "state.json", record)

    @classmethod
    def load(cls, folder: Path | str) -> "State":
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: if a file is missing.
            ValueError: if it is damaged or of a newer format.
        """
        record = read_json(Path(folder) / "state.json")
        tensors = read_weights(Path(folder) / "state.safetensors")
        if not isinstance(record, dict) or record.get("format") != STATE_FORMAT:
            raise ValueError(
                f"{folder} is not a saved state of format {STATE_FORMAT}: save it again with this "
                f"version"
            )
        try:
            distinct = [Settings(**settings) for settings in record["settings"]]
            state = cls(
                fingerprint=record["world"],
                seed=record["seed"],
                ids=tensors["ids"],
                leads=tensors["leads"],
                settings=tuple(distinct[index] for index in record["settings_of_frame"]),
                next_settings=Settings(**record["next_settings"]),
            )
            frames = {len(state.ids), len(state.leads), len(state.settings), record["frame_index"]}
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError(f"{folder} lacks or misspells {error}: save the state again") from None
        if len(frames) != 1 or frames == {0}:
            raise ValueError(
                f"{folder} is damaged, its files tell of {sorted(frames)} frames: save the state "
                f"again"
            )
        return state


class World:
    """A world to play: reset with a picture, step with an action.

    Attributes:
        bundle: models, keymap, prompts and the record.
    """

    def __init__(self, bundle: Bundle, settings: Settings | None = None) -> None:
        """Wrap a loaded bundle; `settings` None takes the tested ones."""
        self.bundle = bundle
        self._settings = settings or bundle.settings
        self._rollout: Rollout | None = None
        self._seed = 0
        self._ids: list[Tensor] = []
        self._leads: list[int] = []
        self._drawn_with: list[Settings] = []

    @classmethod
    def load(
        cls,
        path: Path | str,
        device: str | torch.device = "cpu",
        settings: Settings | None = None,
    ) -> "World":
        """Load a world from its folder; see `genie.bundle.load_bundle` for the errors."""
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
        shown = self._rollout.reset(ids, actions)
        self._ids = list(ids[0].int().cpu())
        self._leads = [self.bundle.num_actions, *actions[0].tolist()]
        self._drawn_with = [self._settings] * len(frames)
        return shown[0, -1].numpy()

    def step(self, action: int) -> np.ndarray:
        """Draw the next frame.

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
        ids, frames = self._rollout.step(torch.tensor([action]))
        self._ids.append(ids[0].int().cpu())
        self._leads.append(int(action))
        self._drawn_with.append(self._settings)
        return frames[0].numpy()

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
            ids=torch.stack(self._ids),
            leads=torch.tensor(self._leads, dtype=torch.int16),
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
        shown = self._rollout.restore(state.ids.long()[None], state.leads.long()[None])
        self._ids = list(state.ids)
        self._leads = state.leads.tolist()
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
