"""Replay of session logs: the pictures again, or every frame sampled again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpus.progress import Tick, no_tick
from genie.media.overlay import with_key
from genie.session.format import FrameRecord
from genie.session.log import Session


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The first record that is not what play would have made.

    Attributes:
        record: its number in the log.
        frame: its number on its line, 0 the first of the prompt.
        reason: what is wrong with it, as part of a line.
    """

    record: int
    frame: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What `verify` found.

    Attributes:
        sampled: frames that were sampled again, as logged.
        edited: frames that were edited; their tokens are given, as those of a prompt.
        prompts: frames of prompts.
        foreign: those that are none of the world's own prompts. The log does not hold the pictures
            that they were made from, so their tokens cannot be checked.
        unchecked: frames too near behind a missing one to be sampled again.
        difference: the first that differs, after which nothing is checked; or None.
    """

    sampled: int
    edited: int
    prompts: int
    foreign: int
    unchecked: int
    difference: Difference | None


def pictures(session: Session, records: Sequence[int], world: Any) -> Iterator[np.ndarray]:
    """Decode records of a session again, uint8 (H, W, 3) each.

    They are those of play bit for bit on the same machine and version of torch.

    Args:
        session: what was played.
        records: numbers of records that follow each other, such as a part of a line.
        world: the genie.world.World of the session.
    """
    for record in records:
        before = session.history(int(record), world.picture_memory)
        yield world.picture(session.ids(before), session.frame_number(int(before[0])))


def with_keys(
    session: Session, records: Sequence[int], frames: Iterable[np.ndarray]
) -> Iterator[np.ndarray]:
    """Write the action that led to each record into its frame, which enlarges it."""
    names = [action.name for action in session.header.card.actions]
    for record, frame in zip(records, frames, strict=True):
        action = session[int(record)].action
        yield with_key(frame, names[action] if action < len(names) else "")


def verify(session: Session, world: Any, tick: Tick = no_tick) -> Verification:
    """Sample every frame of a session again from its seed.

    What differs as play samples now is sampled as it was before its sums ran in another order.

    Args:
        session: what was played.
        world: the genie.world.World of the session; it is left in a session of its own.
        tick: called with 1 for each record.
    """
    from spacetime.step.frame_step import plain_steps

    found = _verify(session, world, tick)
    if found.difference is not None:
        with plain_steps(world.bundle.dynamics), plain_steps(world.bundle.tokenizer):
            before = _verify(session, world, no_tick)
        if before.difference is None:
            return before
    return found


def _verify(session: Session, world: Any, tick: Tick) -> Verification:
    own = {world.see(prompt)[0].tobytes() for prompt in world.bundle.prompts}
    again = Session(session.header)  # record by record what `session` should be
    found = dict.fromkeys(("sampled", "edited", "prompts", "foreign", "unchecked"), 0)
    difference = None
    for record in range(len(session)):
        frame, number = session[record], session.frame_number(record)
        reason = ""
        if not frame.missing and (frame.steps == 0) != (number < session.header.prompt_frames):
            reason = f"is logged as {'sampled' if frame.steps else 'a prompt'}, but cannot be one"
        elif frame.edited:
            found["edited"] += 1
            again.append(frame)
        elif not frame.steps:
            found["prompts"] += not frame.missing
            found["foreign"] += not frame.missing and frame.ids.tobytes() not in own
            again.append(frame)
        elif session.missing.intersection(world.history(session, frame.parent).tolist()):
            found["unchecked"] += 1
            again.append(frame)
        else:
            reason = _sample_again(again, frame, world)
            found["sampled"] += not reason
        if reason:
            difference = Difference(record=record, frame=number, reason=reason)
            break
        tick(1)
    return Verification(**found, difference=difference)


def _sample_again(again: Session, frame: FrameRecord, world: Any) -> str:
    """Append a frame to a session by playing; return how it differs, as part of a line."""
    from genie.session.state import sampled_with

    if world.session is not again or world.head != frame.parent:
        world.go_to(again, frame.parent)
    settings = sampled_with(frame, world.settings)
    if settings != world.settings:
        world.settings = settings
    world.step(frame.action)
    differ = int((again[world.head].ids != frame.ids).sum())
    if not differ:
        return ""
    return f"is sampled otherwise than logged: {differ} of {len(frame.ids)} tokens differ"


def last_seconds(session: Session, head: int, seconds: float) -> np.ndarray:
    """Return the records of the last seconds of a line at the world's pace, at least one."""
    return session.line(head, max(1, round(seconds * session.header.card.fps)))


def write_pictures(
    path: Path | str, frames: Iterable[np.ndarray], fps: float, tick: Tick = no_tick
) -> Path:
    """Write frames as `genie.media.recording.Recording` does; returns where they lie."""
    from genie.media.recording import Recording, final_path

    with Recording(path, fps) as recording:
        for frame in frames:
            recording.add(frame)
            tick(1)
    return final_path(recording.path)
