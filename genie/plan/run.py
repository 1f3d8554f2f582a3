"""The `genie plan` command."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from corpus.progress import progress_bar
from genie.device import DEVICES, pick_device
from genie.library.catalog import playable_folder
from genie.library.loading import load_world_on
from genie.media.film import film
from genie.media.pictures import read_picture
from genie.media.side_by_side import Panel, draw_side_by_side
from genie.plan.planner import find_plan
from genie.plan.search import Plan, PlanLimits
from genie.session.format import SUFFIX
from genie.session.header import new_header
from genie.session.log import Session
from genie.session.logged import logged
from genie.session.transfer import fit_picture
from spacetime.partial import check_writable
from spacetime.weights import write_json

HELD_FRAMES = 4
"""Frames for which a film stands still at its end."""


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """What `genie plan` takes; see its --help.

    Attributes:
        start: picture to start from; None: the world's first prompt.
        goal: picture to get to.
        out: what is written is called so, with the suffixes .gif, .session and .json.
        steps: keys in a plan at most.
        frames: frames imagined at most.
        seed: of the play that is recorded.
        device: "auto" takes CUDA where there is one and the processor otherwise.
        threads: processor threads; None leaves the choice to torch.
    """

    goal: Path
    start: Path | None = None
    out: Path = Path("plan")
    steps: int = PlanLimits.steps
    frames: int = PlanLimits.frames
    seed: int = 0
    device: str = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if not 0 <= self.seed < 1 << 63:
            raise ValueError(f"--seed is {self.seed}: give 0 or more, and less than 2^63")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"--threads is {self.threads}: give 1 or more")
        if self.device not in DEVICES:
            raise ValueError(f"--device is {self.device!r}: allowed are {', '.join(DEVICES)}")
        for suffix in (".gif", SUFFIX, ".json"):
            path = self.file(suffix)
            if path.exists():
                raise FileExistsError(f"{path} is there already: give another --out")
            check_writable(path)

    @property
    def limits(self) -> PlanLimits:
        """How far the search goes."""
        return PlanLimits(steps=self.steps, frames=self.frames)

    def file(self, suffix: str) -> Path:
        """Return the name of one of the files that are written."""
        return self.out.with_name(self.out.name + suffix)


def plan(path: Path, options: PlanOptions) -> None:
    """Find keys from one picture to another, play them, and write keys, film and session.

    Raises:
        ValueError: if a picture, an option or the world is not as it must be.
        OSError: if something cannot be found or written.
    """
    limits = options.limits
    pictures = [given and read_picture(given) for given in (options.start, options.goal)]
    place = playable_folder(path)
    world = load_world_on(place, options.device, options.threads)
    bundle = world.bundle
    start, goal = (
        bundle.prompts[0] if picture is None else fit_picture(picture, bundle.height, bundle.width)
        for picture in pictures
    )
    began = time.perf_counter()
    found = find_plan(bundle, start, goal, limits)
    seconds = time.perf_counter() - began
    keys = write_keys([bundle.keymap.names[action] for action in found.actions])
    print(_verdict(found, keys))
    print(f"{found.imagined} frames imagined in {seconds:.1f} s on {pick_device(options.device)}")
    shown = world.start(start, Session(new_header(bundle, options.seed, place, bundle.device)))
    _play(world, found, shown, goal, options)
    record = asdict(found) | {
        "keys": keys,
        "world": bundle.name,
        "fingerprint": bundle.fingerprint,
        "seed": options.seed,
        "seconds": round(seconds, 3),
        "limits": asdict(limits),
    }
    write_json(options.file(".json"), record)
    print(f"wrote {options.file('.json')} and {options.file(SUFFIX)}")


def write_keys(names: Sequence[str]) -> str:
    """Write the names of actions, one a frame, as `--keys` takes them."""
    runs = ((name, len(list(run))) for name, run in groupby(names))
    return " ".join(f"{name}*{count}" for name, count in runs)


def _verdict(found: Plan, keys: str) -> str:
    if not found.actions:
        what = "the goal is where play is" if found.reached else "nothing looks nearer to the goal"
        return f"no key needs to be pressed: {what}"
    what = f"{keys}: {len(found.actions)} frames"
    if found.reached:
        return f"{what} to the goal"
    return (
        f"{what} towards the goal, a guess: the pictures share too little, or no way was found; "
        "more --frames search further"
    )


def _play(
    world: Any, found: Plan, shown: np.ndarray, goal: np.ndarray, options: PlanOptions
) -> None:
    """Play the keys from the frame that is shown, beside the goal."""
    bundle, end = world.bundle, Panel(title="goal", frame=goal)
    with (
        logged(world.session, options.file(SUFFIX)),
        film(options.file(".gif"), bundle.fps) as add,
        progress_bar("playing", len(found.actions)) as done,
    ):
        add(draw_side_by_side([Panel(title="start", frame=shown), end]))
        for action in found.actions:
            shown = world.step(action)
            panel = Panel(title=bundle.keymap.names[action], frame=shown)
            add(draw_side_by_side([panel, end]))
            done(1)
        for _ in range(HELD_FRAMES):
            add(draw_side_by_side([Panel(title="", frame=shown), end]))
