"""How a world is played: what `genie play` takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genie.device import DEVICES
from genie.media.recording import check_target
from genie.session.format import SUFFIX


@dataclass(frozen=True, kw_only=True)
class PlayOptions:
    """How a world is played; see `genie play --help`.

    Attributes:
        headless: without a window.
        frames: how many frames, 1 or more; None: the length of the keys, or until Esc.
        keys: scripted keys, as `genie.play.keys.parse_keys` reads them.
        prompt: picture to start from; None takes the world's prompts.
        seed: of everything drawn, 0 or more.
        steps: refinement passes M; None takes the world's tested setting, and lets the window take
            fewer where the machine is too slow.
        temperature: of the codes; None takes the world's.
        device: "auto" takes CUDA where there is one and the processor otherwise.
        threads: processor threads; None leaves the choice to torch.
        record: file to record to, .gif or .mp4, .png for a folder of pictures, or .session for the
            log itself; an existing film is replaced once play has ended, a log when it begins.
        timings: json file for the timings, replaced likewise.
        versus: another world, a session log or a video that is played beside it; None: alone.
        gallery: whether the window begins with the choice of a world.
    """

    headless: bool = False
    frames: int | None = None
    keys: str | None = None
    prompt: Path | None = None
    seed: int = 0
    steps: int | None = None
    temperature: float | None = None
    device: str = "auto"
    threads: int | None = None
    record: Path | None = None
    timings: Path | None = None
    versus: str | None = None
    gallery: bool = False

    def __post_init__(self) -> None:
        """Refuse what no world can play."""
        for flag, value, least in (
            ("frames", self.frames, 1),
            ("seed", self.seed, 0),
            ("threads", self.threads, 1),
        ):
            if value is not None and value < least:
                raise ValueError(f"--{flag} is {value}: give {least} or more")
        if self.device not in DEVICES:
            raise ValueError(f"--device is {self.device!r}: allowed are {', '.join(DEVICES)}")
        if self.record is not None and not self.records_log:
            check_target(self.record)
        if self.timings is not None and not self.timings.parent.is_dir():
            raise FileNotFoundError(
                f"cannot write {self.timings}: make the folder {self.timings.parent} first"
            )

    @property
    def records_log(self) -> bool:
        """Whether the recording is the session log itself."""
        return self.record is not None and self.record.suffix == SUFFIX

    @property
    def scripted(self) -> bool:
        """Whether something is played that nobody has to press a key for."""
        return self.keys is not None or self.frames is not None
