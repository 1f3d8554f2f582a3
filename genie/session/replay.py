"""Replay of session logs: pictures again, the draw checked, or the same keys in another world."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from corpus.progress import Tick, no_tick
from genie.media.overlay import with_key
from genie.session.format import FrameRecord
from genie.session.log import Session


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A frame that is drawn otherwise than the log says.

    Attributes:
        record: its number in the log.
        frame: its number on its line, 0 the first of the prompt.
        tokens: how many of its tokens differ.
    """

    record: int
    frame: int
    tokens: int


def pictures(
    session: Session, records: Sequence[int], world: Any, show_keys: bool = False
) -> Iterator[np.ndarray]:
    """Draw records of a session again.

    Args:
        session: what was played.
        records: numbers of records that follow each other, such as a part of a line.
        world: a genie.world.World, the one of the session.
        show_keys: whether to write the action into each picture, which enlarges it.

    Yields:
        uint8 (H, W, 3) each, bit for bit as in play on the same machine and version of torch.
    """
    names = [action.name for action in session.header.card.actions]
    for record in records:
        before = session.line(int(record), world.picture_memory)
        first = session.frame_number(int(before[0]))
        frame = world.picture(session.ids(before), first)
        action = session[int(record)].action
        if show_keys:
            frame = with_key(frame, names[action] if action < len(names) else "")
        yield frame


def verify(session: Session, world: Any, tick: Tick = no_tick) -> Difference | None:
    """Draw every frame of a session again from its seed.

    Args:
        session: what was played.
        world: a genie.world.World, the one of the session.
        tick: called with 1 for each record.

    Returns:
        The first frame whose tokens differ, or None.
    """
    shown = None
    for record in range(len(session)):
        moment = session[record]
        if moment.steps:
            if moment.parent != shown:
                go_to(world, session, moment.parent)
            set_drawing(world, moment)
            world.step(moment.action)
            ids, _ = world.history(world.frame_index - 1)
            differ = int((ids[0] != moment.ids).sum())
            if differ:
                frame = session.frame_number(record)
                return Difference(record=record, frame=frame, tokens=differ)
            shown = record
        tick(1)
    return None


def go_to(world: Any, session: Session, record: int) -> np.ndarray:
    """Put a world where a session was; what is played then continues as it did there.

    Args:
        world: a genie.world.World, the one of the session; it keeps its settings.
        session: what was played.
        record: number of the record.

    Returns:
        uint8 (H, W, 3): the frame of that record.

    Raises:
        ValueError: if the session was played in another world.
    """
    return world.load_state(state_at(session, record, world.settings))


def state_at(session: Session, record: int, settings: Any) -> Any:
    """Return the genie.session.state.State of a record.

    Args:
        session: what was played.
        record: number of the record.
        settings: genie.settings.Settings of the frame that comes next.
    """
    import torch

    from genie.session.state import State

    line = session.line(record)
    moments = [session[int(index)] for index in line]
    known: dict[tuple, Any] = {}
    for moment in moments:
        key = (moment.steps, moment.unmask_order, moment.temperature)
        if key not in known:
            known[key] = drawing_settings(settings, moment)
    return State(
        fingerprint=session.header.fingerprint,
        seed=session.header.seed,
        ids=torch.from_numpy(session.ids(line).astype(np.int32)),
        prev_actions=torch.tensor([moment.action for moment in moments], dtype=torch.int16),
        settings=tuple(known[(m.steps, m.unmask_order, m.temperature)] for m in moments),
        next_settings=settings,
    )


def drawing_settings(settings: Any, moment: FrameRecord) -> Any:
    """Return the settings that a frame was drawn with; those given for a frame of a prompt."""
    if not moment.steps:
        return settings
    return replace(
        settings,
        steps=moment.steps,
        unmask_order=moment.unmask_order,
        temperature=moment.temperature,
    )


def set_drawing(world: Any, moment: FrameRecord) -> None:
    """Let a world draw its next frame with the settings of a moment."""
    settings = drawing_settings(world.settings, moment)
    if settings != world.settings:
        world.settings = settings


def last_seconds(session: Session, head: int, seconds: float) -> np.ndarray:
    """Return the records of the last seconds of a line at the world's pace, at least one."""
    return session.line(head, max(1, round(seconds * session.header.card.fps)))


def write_pictures(
    path: Path | str, frames: Iterable[np.ndarray], fps: float, tick: Tick = no_tick
) -> Path:
    """Write frames as a GIF, an MP4 or a folder of PNGs; see `genie.media.recording.Recording`."""
    from genie.media.recording import Recording

    with Recording(path, fps) as recording:
        for frame in frames:
            recording.add(frame)
            tick(1)
    return recording.path
