"""How a world is played: what `genie play` takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from genie.device import DEVICES
from genie.media.recording import check_target
from genie.play.scripted_keys import MOST_FRAMES, split_keys
from genie.session.format import SUFFIX
from genie.settings import check_steps, check_temperature
from spacetime.partial import check_writable


@dataclass(frozen=True, kw_only=True)
class PlayOptions:
    """How a world is played; see `genie play --help`. None leaves the choice to the world."""

    headless: bool = False
    frames: int | None = None  # None: the length of the keys, or until Esc
    keys: str | None = None  # as `genie.play.scripted_keys.parse_keys` reads them
    prompt: Path | None = None
    seed: int = 0
    steps: int | None = None  # None also lets the window take fewer on a slow machine
    temperature: float | None = None
    device: str = "auto"
    threads: int | None = None
    precision: str = "float32"
    record: Path | None = None  # .gif, .mp4, .png for a folder, or .session for the log itself
    timings: Path | None = None  # json file, replaced once play has ended
    versus: str | None = None  # a world, a session log or a video to play beside
    gallery: bool = False  # whether the window begins with the choice of a world

    def __post_init__(self) -> None:
        """Refuse what no world can play."""
        for flag, value, least, most in (
            ("frames", self.frames, 1, MOST_FRAMES),
            ("seed", self.seed, 0, (1 << 63) - 1),
            ("threads", self.threads, 1, 1 << 16),
        ):
            if value is not None and value < least:
                raise ValueError(f"--{flag} is {value}: give {least} or more")
            if value is not None and value > most:
                raise ValueError(f"--{flag} is {value}: give {most} or less")
        if self.steps is not None:
            check_steps(self.steps)
        if self.temperature is not None:
            check_temperature(self.temperature)
        if self.keys is not None:
            split_keys(self.keys)  # their names are looked up once the world is known
        if self.device not in DEVICES:
            raise ValueError(f"--device is {self.device!r}: allowed are {', '.join(DEVICES)}")
        if self.record is not None and not self.records_log:
            check_target(self.record)
        if self.records_log and os.path.exists(self.record):
            # A log grows in its place, so an older one would be lost as soon as play begins.
            raise FileExistsError(f"cannot record to {self.record}: choose a name that is free")
        if self.records_log:
            check_writable(self.record, make_folders=True)
        if self.timings is not None:
            check_writable(self.timings)
        if self.versus is not None and self.records_log:
            raise ValueError("--versus records films only: give --record a .gif or .mp4 name")

    @property
    def records_log(self) -> bool:
        """Whether the recording is the session log itself."""
        return self.record is not None and self.record.suffix == SUFFIX

    @property
    def film(self) -> Path | None:
        """The film to record, if any."""
        return None if self.records_log else self.record

    @property
    def scripted(self) -> bool:
        """Whether keys or frames were given, so that play may end by itself."""
        return self.keys is not None or self.frames is not None
