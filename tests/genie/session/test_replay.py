"""Replay on a world with real models: the same pixels again, and every frame checked."""

import random
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from genie.play.adaptive_steps import AdaptiveSteps, FrameTime
from genie.session.format import record_type
from genie.session.header import read_header
from genie.session.log import Session
from genie.session.replay import last_seconds, pictures, verify, write_pictures
from spacetime.step.frame_step import FrameStep, plain_steps

FRAMES = 500


@pytest.fixture(scope="module")
def long_play(bundle, small):
    """500 frames, their steps adapted to a pace that is too fast and then slow.

    The temperature changes too. Returns the session and its pictures.
    """
    from genie.world import World

    world, rng, shown = World(bundle), random.Random(0), []
    world.reset(small.draw_prompts()[0], 11)
    adaptive_steps = AdaptiveSteps(3)
    for number, action in enumerate(small.actions_of(FRAMES)):
        # A machine that takes 12 ms for each draft and the commit, and 2 ms for the rest.
        taken = FrameTime(model=0.012 * (adaptive_steps.steps + 1), decode=0.001, draw=0.001)
        steps = adaptive_steps.note(taken, fps=30.0 if number // 60 % 2 == 0 else 5.0)
        temperature = rng.choice([0.5, 0.7, 1.0]) if number % 20 == 10 else None
        world.settings = replace(
            world.settings, steps=steps, temperature=temperature or world.settings.temperature
        )
        shown.append(world.step(action))
    return world.session, shown


def test_the_pictures_of_a_log_are_those_of_play(long_play, world):
    session, shown = long_play
    again = list(pictures(session, range(1, FRAMES + 1), world))
    assert all(map(np.array_equal, again, shown))


def test_a_long_log_is_rendered_twice_to_the_same_bytes(long_play, world, tmp_path):
    session, _ = long_play
    session.write(tmp_path / "s.session")
    data = []
    for name in ("one.gif", "two.gif"):
        read = Session.read(tmp_path / "s.session")
        frames = pictures(read, last_seconds(read, FRAMES, 4), world)
        write_pictures(tmp_path / name, frames, 15.0)
        data.append((tmp_path / name).read_bytes())
    assert data[0] == data[1]


def test_the_last_seconds_are_counted_at_the_pace_of_the_world(long_play):
    session, _ = long_play
    assert list(last_seconds(session, FRAMES, 4)) == list(range(FRAMES - 59, FRAMES + 1))


def flipped(session, path, seed):
    """Write a session and flip ten of the file's bits; returns the damaged records."""
    session.write(path)
    data, start = bytearray(path.read_bytes()), read_header(path).size
    bits = random.Random(seed).sample(range(8 * len(data)), 10)
    for bit in bits:
        data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)
    size = record_type(session.header.tokens).itemsize
    return sorted({(bit // 8 - start) // size for bit in bits if bit // 8 >= start})


@pytest.mark.parametrize("seed", range(20))
def test_ten_flipped_bits_in_500_frames_are_named_and_undone(long_play, tmp_path, seed):
    session, _ = long_play
    damaged = flipped(session, tmp_path / "s.session", seed)
    again = Session.read(tmp_path / "s.session")
    assert list(again.damage.repaired) == damaged
    assert (again.damage.lost, again.damage.torn) == ((), 0)
    session.write(tmp_path / "whole.session")
    again.write(tmp_path / "mended.session")
    mended = (tmp_path / "mended.session").read_bytes()
    assert mended == (tmp_path / "whole.session").read_bytes()


def test_all_500_frames_with_changing_steps_are_sampled_again_though_bits_have_flipped(
    long_play, world, tmp_path
):
    session, _ = long_play
    assert len({session[i].steps for i in range(1, len(session))}) == 3
    flipped(session, tmp_path / "s.session", seed=0)
    ticks = []
    found = verify(Session.read(tmp_path / "s.session"), world, ticks.append)
    assert (found.sampled, found.prompts, found.foreign, found.unchecked) == (FRAMES, 1, 0, 0)
    assert found.difference is None
    assert sum(ticks) == FRAMES + 1


def forge(session, frames, **changed):
    """A session of the first frames of another, some of them changed, with right checksums."""
    forged = Session(session.header)
    for index in range(frames):
        forged.append(replace(session[index], **changed.get(f"at_{index}", {})))
    return forged


def test_frames_that_depend_on_a_missing_one_are_not_sampled_again_and_all_others_are(
    long_play, world
):
    session, _ = long_play
    zeros = np.zeros_like(session[0].ids)
    forged = forge(session, 40, at_20={"missing": True, "steps": 0, "ids": zeros})
    found = verify(forged, world)
    assert found.difference is None
    assert (found.unchecked, found.sampled) == (world.memory, 38 - world.memory)


def test_a_sampled_frame_cannot_be_passed_off_as_a_prompt(long_play, world):
    session, _ = long_play
    ids = session[5].ids ^ 1
    found = verify(forge(session, 10, at_5={"steps": 0, "ids": ids}), world).difference
    assert (found.record, found.reason) == (5, "is logged as a prompt, but cannot be one")
    found = verify(forge(session, 10, at_0={"steps": 2}), world).difference
    assert (found.record, found.reason) == (0, "is logged as sampled, but cannot be one")


def test_a_prompt_that_is_none_of_the_world_s_own_is_counted(world, small):
    world.reset(np.stack([small.draw_prompts()[0], small.draw_prompts(3)[2]]), 0)
    small.play(world, [1, 2])
    found = verify(world.session, world)
    assert (found.sampled, found.prompts, found.foreign) == (2, 2, 1)


@pytest.mark.parametrize("record", [1, 40])
def test_verify_names_the_first_frame_that_differs(long_play, world, record):
    session, _ = long_play
    forged = Session(session.header)
    for index in range(60):
        frame = session[index]
        if index == record:
            ids = frame.ids.copy()
            ids[2] ^= 1
            frame = replace(frame, ids=ids)
        forged.append(frame)
    found = verify(forged, world).difference
    assert (found.record, found.frame) == (record, record)
    assert "1 of 6 tokens differ" in found.reason


def test_a_log_whose_sums_ran_in_another_order_is_verified_in_that_order(
    bundle, small, monkeypatch
):
    from genie.world import World

    with plain_steps(bundle.dynamics):
        before = World(bundle)
        before.reset(small.draw_prompts()[0], 11)
        small.play(before, small.actions_of(20))
    monkeypatch.setattr(FrameStep, "output", lambda self, output=FrameStep.output: -output(self))
    found = verify(before.session, World(bundle))
    assert (found.sampled, found.difference) == (20, None)
    forged = forge(before.session, 20, at_7={"ids": before.session[7].ids ^ 1})
    assert verify(forged, World(bundle)).difference is not None
    monkeypatch.setattr("spacetime.step.frame_step.plain_steps", lambda model: nullcontext())
    assert verify(before.session, World(bundle)).difference is not None


def test_other_settings_than_logged_are_found(long_play, world):
    session, _ = long_play
    forged = Session(session.header)
    for index in range(30):
        frame = session[index]
        forged.append(replace(frame, steps=min(frame.steps, 1)))
    assert verify(forged, world).difference.frame <= 10
