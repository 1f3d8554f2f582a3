"""What is needed to continue play from a frame, bit for bit, in memory and on disk."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from genie.inputs import MOST_SEED
from genie.session.format import MOST_CODES, FrameRecord
from genie.session.header import Header
from genie.session.log import Session
from genie.settings import Settings
from genie.values import text, whole
from spacetime.weights import read_json, read_weights, write_json, write_weights

STATE_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class State:
    """One line of a session, up to a frame, and the settings of the next.

    Attributes:
        fingerprint: of the world it belongs to.
        seed: of the rollout.
        ids: int32 (T, N), tokens of all frames so far, the prompt's included.
        prev_actions: int16 (T,), the action that led to each frame; A where none was given.
        settings: for each frame, the settings it was sampled with; the tested ones for a prompt's.
        next_settings: the settings of the frame that comes next.
        prompt_frames: how many of the frames are the prompt.
        edited: numbers of the frames that were edited.
    """

    fingerprint: str
    seed: int
    ids: Tensor
    prev_actions: Tensor
    settings: tuple[Settings, ...]
    next_settings: Settings
    prompt_frames: int = 1
    edited: tuple[int, ...] = ()

    @classmethod
    def of_session(
        cls, session: Session, head: int, tested: Settings, next_settings: Settings
    ) -> "State":
        """Take the line that leads to a record of a session."""
        line = session.line(head)
        frames = [session[int(record)] for record in line]
        return cls(
            fingerprint=session.header.fingerprint,
            seed=session.header.seed,
            ids=torch.from_numpy(session.ids(line).astype(np.int32)),
            prev_actions=torch.tensor([frame.action for frame in frames], dtype=torch.int16),
            settings=tuple(sampled_with(frame, tested) for frame in frames),
            next_settings=next_settings,
            prompt_frames=session.header.prompt_frames,
            edited=tuple(number for number, frame in enumerate(frames) if frame.edited),
        )

    def to_session(self, header: Header) -> Session:
        """Return a session of this one line; the header has its seed and prompt frames."""
        session = Session(header)
        rows = zip(self.ids.numpy(), self.prev_actions.tolist(), self.settings, strict=True)
        for index, (ids, action, settings) in enumerate(rows):
            session.append(
                FrameRecord(
                    parent=index - 1 if index else None,
                    action=action,
                    steps=0 if index < self.prompt_frames else settings.steps,
                    unmask_order=settings.unmask_order,
                    temperature=settings.temperature,
                    ids=ids,
                    edited=index in self.edited,
                )
            )
        return session

    @property
    def frame_index(self) -> int:
        """Number of the frame that comes next."""
        return len(self.ids)

    def save(self, folder: Path | str) -> None:
        """Write state.json and state.safetensors into `folder`, which is made."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_weights(folder / "state.safetensors", {"ids": self.ids, "leads": self.prev_actions})
        distinct = list(dict.fromkeys(self.settings))
        record = {
            "format": STATE_FORMAT,
            "world": self.fingerprint,
            "seed": self.seed,
            "frame_index": self.frame_index,
            "settings": [settings.to_json() for settings in distinct],
            "settings_of_frame": [distinct.index(settings) for settings in self.settings],
            "next_settings": self.next_settings.to_json(),
            "prompt_frames": self.prompt_frames,
            "edited": list(self.edited),
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
            distinct = [Settings.from_json(settings) for settings in record["settings"]]
            state = cls(
                fingerprint=text(record["world"]),
                seed=whole(record["seed"], 0, MOST_SEED),
                ids=_whole(tensors["ids"], "ids"),
                prev_actions=_whole(tensors["leads"], "leads"),
                settings=tuple(distinct[index] for index in record["settings_of_frame"]),
                next_settings=Settings.from_json(record["next_settings"]),
                prompt_frames=record.get("prompt_frames", 1),  # older files have none
                edited=tuple(
                    whole(frame, 0, len(tensors["ids"]) - 1) for frame in record.get("edited", ())
                ),
            )
            frames = {
                len(state.ids),
                len(state.prev_actions),
                len(state.settings),
                whole(record["frame_index"], 0, 1 << 48),
            }
            if state.ids.ndim != 2 or state.prev_actions.ndim != 1:
                raise ValueError("shapes")
        except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
            raise ValueError(f"{folder} lacks or misspells {error}: save the state again") from None
        if len(frames) != 1 or frames == {0}:
            raise ValueError(
                f"{folder} is damaged, its files hold {sorted(frames)} frames: save the state again"
            )
        if state.prompt_frames not in range(1, len(state.ids) + 1):
            raise ValueError(f"{folder} has {state.prompt_frames!r} prompt frames: save it again")
        return state


def _whole(values: Tensor, name: str) -> Tensor:
    """Return values that a session log can hold; ValueError for others."""
    kinds = (torch.int16, torch.int32, torch.int64)
    if values.dtype not in kinds or ((values < 0) | (values.long() >= MOST_CODES)).any():
        raise ValueError(f"{name}, whole numbers from 0 to {MOST_CODES - 1}")
    return values


def sampled_with(frame: FrameRecord, settings: Settings) -> Settings:
    """Return the settings that a frame was sampled with; those given for a prompt's frame."""
    if not frame.steps:
        return settings
    return replace(
        settings,
        steps=frame.steps,
        unmask_order=frame.unmask_order,
        temperature=frame.temperature,
    )
