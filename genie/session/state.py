"""A moment of play on disk, enough to go on from it bit for bit."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

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
        prev_actions: int16 (T,), the action that led to each frame; A where none was given.
        settings: for each frame, the settings it was drawn with.
        next_settings: the settings of the frame that comes next.
    """

    fingerprint: str
    seed: int
    ids: Tensor
    prev_actions: Tensor
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
                fingerprint=record["world"],
                seed=record["seed"],
                ids=tensors["ids"],
                prev_actions=tensors["leads"],
                settings=tuple(distinct[index] for index in record["settings_of_frame"]),
                next_settings=Settings.from_json(record["next_settings"]),
            )
            frames = {
                len(state.ids),
                len(state.prev_actions),
                len(state.settings),
                record["frame_index"],
            }
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError(f"{folder} lacks or misspells {error}: save the state again") from None
        if len(frames) != 1 or frames == {0}:
            raise ValueError(
                f"{folder} is damaged, its files tell of {sorted(frames)} frames: save the state "
                f"again"
            )
        return state
