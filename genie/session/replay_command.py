"""The `genie replay` command."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpus.progress import progress_bar
from genie.device import DEVICES, pick_device
from genie.library.catalog import find_fingerprint, find_world, read_card
from genie.library.loading import load_world_on
from genie.media.recording import check_target
from genie.session.log import Session
from genie.session.replay import pictures, verify, with_keys, write_pictures
from genie.session.transfer import fit_picture, match_actions, replay_keys


@dataclass(frozen=True, kw_only=True)
class ReplayOptions:
    """How a session is replayed; see `genie replay --help`.

    Attributes:
        record: file to record to, .gif or .mp4, or .png for a folder of pictures.
        verify: whether to sample every frame again from its seed.
        world: another world, in which the keys are played; None decodes the logged tokens.
        show_keys: whether the pictures show the action.
        device: "auto" takes CUDA where there is one and the processor otherwise.
        threads: processor threads; None leaves the choice to torch.
    """

    record: Path | None = None
    verify: bool = False
    world: str | None = None
    show_keys: bool = False
    device: str = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if self.device not in DEVICES:
            raise ValueError(f"--device is {self.device!r}: allowed are {', '.join(DEVICES)}")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"--threads is {self.threads}: give 1 or more")
        if self.world is not None and self.verify:
            raise ValueError("--verify and --world exclude each other: another world draws others")
        if self.world is not None and self.record is None:
            raise ValueError("--world needs --record: say where the other world's frames go")
        if self.show_keys and self.record is None:
            raise ValueError("--show-keys needs --record: it writes the keys into a film's frames")
        if self.record is not None:
            check_target(self.record)


def replay(path: Path, options: ReplayOptions) -> None:
    """Replay a session's last line into a recording, check its draws, or say what it holds.

    Args:
        path: a session log.
        options: how.

    Raises:
        ValueError: if the log or a world is not as it must be, or `verify` finds a difference.
        OSError: if something cannot be found or written.
    """
    session = Session.read(path)
    if not len(session):
        raise ValueError(f"{path} holds no frame: nothing was played")
    print(_describe(session))
    if session.problems():
        print(f"damaged: {session.problems()}")
    if options.record is None and not options.verify:
        print("record it with --record FILE, check it with --verify")
        return
    place = find_fingerprint(session.header.fingerprint, session.header.card.path)
    if options.world is not None:
        match_actions(session.header.card, read_card(find_world(options.world)))
    pick_device(options.device)
    precision = session.header.precision
    world = load_world_on(place, options.device, options.threads, precision=precision)
    _compare_machines(session, str(pick_device(options.device)))
    if options.verify:
        _verify(session, world)
    if options.record is not None:
        _record(session, world, options)


def _record(session: Session, world: Any, options: ReplayOptions) -> None:
    line = session.line(len(session) - 1)
    sampled = [int(index) for index in line if session[int(index)].steps]
    fps = session.header.card.fps
    with progress_bar("drawing", len(sampled)) as tick:
        if options.world is None:
            frames = pictures(session, sampled, world)
        else:
            frames = _elsewhere(session, world, options)
        if options.show_keys:
            frames = with_keys(session, sampled, frames)
        path = write_pictures(options.record, frames, fps, tick)
    print(f"recorded {path}: {len(sampled)} frames")


def _elsewhere(session: Session, world: Any, options: ReplayOptions) -> Iterator[np.ndarray]:
    """Yield the frames of the same keys in another world, from the same prompt."""
    place = find_world(options.world)
    other = load_world_on(place, options.device, options.threads)
    actions = match_actions(session.header.card, read_card(place))
    head = len(session) - 1
    prompts = session.line(head)[: session.header.prompt_frames]
    (prompt,) = pictures(session, prompts[-1:], world)
    prompt = fit_picture(prompt, other.bundle.height, other.bundle.width)
    frames = replay_keys(session, head, prompt, other, actions)
    next(frames)  # the prompt itself was not sampled
    return frames


def _verify(session: Session, world: Any) -> None:
    with progress_bar("verifying", len(session)) as tick:
        found = verify(session, world, tick)
    sampled = f"{found.sampled} of {len(session)} frames are sampled again as logged"
    problems = [f"the log is damaged: {session.problems()}"] if session.problems() else []
    if found.unchecked:
        problems.append(f"{found.unchecked} follow a missing one too closely to be checked")
    if found.difference is not None:
        frame = found.difference
        problems.insert(0, f"frame {frame.frame} (record {frame.record}) {frame.reason}")
    if problems:
        raise ValueError(f"{'; '.join(problems)}; {sampled}")
    own = found.prompts - found.foreign
    edited = f"; {found.edited} were edited by hand" if found.edited else ""
    print(
        f"verified: all {len(session)} frames; {found.sampled} are sampled again as logged{edited}"
    )
    print(f"prompts: {own} of the world's own; {found.foreign} of other pictures, not checked")
    if not session.has_check:
        print("the header has no checksum: the log is of an older version")


def _describe(session: Session) -> str:
    header, branches = session.header, len(session.ends())
    seconds = session.frame_number(len(session) - 1) / header.card.fps
    return (
        f"{header.card.title}: {len(session)} frames, {branches} "
        f"{'branch' if branches == 1 else 'branches'}, the last {seconds:.1f} s long; "
        f"seed {header.seed}, world {header.fingerprint[:12]}"
    )


def _compare_machines(session: Session, device: str) -> None:
    """Say where pixels may differ: they are the same on the same machine and version of torch."""
    import torch

    here = {"torch": torch.__version__, "machine": platform.machine(), "device": device}
    there = session.header.machine
    differ = [f"{name} {there.get(name)}" for name in here if there.get(name) != here[name]]
    if differ:
        print(f"played with {', '.join(differ)}: tokens are the same here, pixels may differ")
