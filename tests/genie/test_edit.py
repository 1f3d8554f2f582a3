"""A frame that is edited: what it may be, what the world goes on from, what is logged."""

import numpy as np
import pytest
import torch

from genie.edit import KEEP, Fade, edit_tokens, fade_to, token_grid
from genie.rollouts.rollout import Rollout
from genie.session.log import Session
from genie.session.replay import pictures, verify
from genie.session.state import State
from genie.world import World

GRID = (2, 3)


def played(bundle, small, frames=9, seed=3):
    world = World(bundle)
    world.reset(small.draw_prompts()[0], seed)
    small.play(world, small.actions_of(frames))
    return world


def shown(world):
    """The last frame, decoded again."""
    (frame,) = pictures(world.session, [world.head], world)
    return frame


def some_edit(seed=0):
    """Two tokens changed, four left as they are."""
    change = np.full(6, KEEP)
    change[np.random.default_rng(seed).permutation(6)[:2]] = [3, 7]
    return change.reshape(GRID)


def test_named_tokens_change_and_others_stay(bundle, small):
    world = played(bundle, small)
    before, number = world.session[world.head], world.frame_index
    frame = world.edit(some_edit())
    after = world.session[world.head]
    expected = np.where(some_edit().reshape(-1) == KEEP, before.ids, some_edit().reshape(-1))
    assert np.array_equal(after.ids, expected)
    assert (after.edited, after.parent, after.action) == (True, before.parent, before.action)
    assert world.frame_index == number
    assert np.array_equal(frame, shown(world))
    assert not np.array_equal(frame, world.picture(before.ids[None], number - 1))


@pytest.mark.parametrize("committed", [True, False])
def test_the_cache_after_an_edit_is_that_of_a_history_of_the_edited_frame(bundle, small, committed):
    world = played(bundle, small, small.LONG)
    if committed:
        world.commit_pending()
    world.edit(some_edit())
    fresh = Rollout(bundle, [3])
    frame = world.session[world.head]
    fresh.restore(
        torch.from_numpy(frame.ids.astype(np.int64))[None, None],
        torch.tensor([[bundle.keymap.idle]]),
        start=small.LONG,
    )
    ours, theirs = world._rollout._history, fresh._history
    assert (ours.position, ours.count) == (theirs.position, theirs.count) == (small.LONG + 1, 1)
    assert torch.equal(ours.keys, theirs.keys) and torch.equal(ours.values, theirs.values)
    for action in small.actions_of(small.LONG):
        assert np.array_equal(world.step(action), fresh.step(torch.tensor([action]))[1][0].numpy())


def test_a_painted_picture_changes_the_tokens_under_the_paint_only(bundle, small):
    world = played(bundle, small)
    before, picture = world.session[world.head].ids, shown(world)
    picture[3, 9] ^= 255  # under the token of row 0, column 1
    picture[15, 23] ^= 255  # row 1, column 2
    tokens = world.see(picture)[0]
    world.edit(picture)
    expected = before.copy()
    expected[[1, 5]] = tokens[[1, 5]]
    assert np.array_equal(world.session[world.head].ids, expected)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (np.full((3, 3), KEEP), "6 token ids"),
        (np.zeros(6), "6 token ids"),
        (np.array([0, 0, 0, 0, 0, 16]), "token id 16: allowed are 0 to 15"),
        (np.array([0, 0, 0, 0, 0, -2]), "token id -2: allowed are 0 to 15"),
        (np.zeros((16, 16, 3), np.uint8), "uint8 \\(16, 24, 3\\)"),
        (np.zeros((16, 24, 3), np.float32), "uint8 \\(16, 24, 3\\)"),
        ("boulder", "6 token ids"),
    ],
)
def test_a_wrong_edit_is_one_line_and_changes_nothing(bundle, small, change, words):
    world, other = played(bundle, small), played(bundle, small)
    with pytest.raises(ValueError, match=words) as caught:
        world.edit(change)
    assert "\n" not in str(caught.value)
    assert len(world.session) == len(other.session)
    assert np.array_equal(world.step(1), other.step(1))


def test_before_reset_there_is_nothing_to_edit(world):
    with pytest.raises(ValueError, match="before reset"):
        world.edit(some_edit())


def test_a_prompt_can_be_edited_before_play(world, bundle, small):
    world.reset(small.draw_prompts()[0], seed=1)
    world.edit(some_edit())
    small.play(world, [1, 2, 3])
    found = verify(world.session, World(bundle))
    assert (found.edited, found.prompts, found.sampled, found.difference) == (1, 1, 3, None)


def test_a_frame_that_was_edited_is_no_branch_and_going_back_to_it_undoes_the_edit(bundle, small):
    world, other = played(bundle, small), played(bundle, small)
    before = world.head
    world.edit(some_edit(0))
    world.edit(some_edit(1))
    assert world.session.ends() == [world.head]
    world.go_to(world.session, before)
    assert np.array_equal(world.step(2), other.step(2))


def test_a_state_remembers_edits_on_disk_too(bundle, small, tmp_path):
    world = played(bundle, small)
    world.edit(some_edit())
    small.play(world, [1, 2])
    world.save_state().save(tmp_path)
    expected = small.play(world, small.actions_of(8))
    again = World(bundle)
    again.load_state(State.load(tmp_path))
    assert small.same(small.play(again, small.actions_of(8)), expected)
    assert verify(again.session, World(bundle)).edited == 1


def test_a_scene_fades_in_and_stands_at_the_end(bundle, small):
    world, scene = played(bundle, small), small.draw_prompts()[1]
    ids, seen = world.see(scene)
    first = world.frame_index
    frames = fade_to(world, scene, [1, 2, 1])
    assert np.array_equal(frames[-1], seen)
    assert world.frame_index == first + 3
    line = world.session.line(world.head, 3)
    equal = [int((world.session[int(record)].ids == ids).sum()) for record in line]
    assert equal == sorted(equal) and equal[-1] == 6
    assert len(world.session.ends()) == 1
    found = verify(world.session, World(bundle))
    assert (found.edited, found.difference) == (3, None)


def test_each_frame_of_a_fade_keeps_what_came_in_before():
    fade, before = Fade(np.arange(12), 5), np.zeros(12, bool)
    while fade.left:
        now = fade.next() != KEEP
        assert (now >= before).all()
        before = now
    assert before.all()
    with pytest.raises(ValueError, match="1 frame or more"):
        Fade(np.arange(12), 0)


@pytest.mark.parametrize(
    ("size", "grid"),
    [((16, 24, 6), (2, 3)), ((72, 72, 81), (9, 9)), ((12, 16, 4), (2, 2)), ((8, 64, 8), (1, 8))],
)
def test_tokens_stand_in_the_squarest_grid(size, grid):
    assert token_grid(*size) == grid
    assert edit_tokens(np.zeros(size[2], np.uint16), np.full(grid, KEEP), 1).shape == (size[2],)


def test_tokens_that_form_no_grid_are_one_line():
    with pytest.raises(ValueError, match="do not form a grid over 16x24"):
        token_grid(16, 24, 7)


@pytest.fixture(scope="module")
def edited_play(bundle, small):
    """500 frames with an edit or a fade now and then, and branches; returns session and frames."""
    rng, world, frames = np.random.default_rng(0), World(bundle), {}
    frames[0] = world.reset(small.draw_prompts()[0], 7)
    for number, action in enumerate(small.actions_of(500)):
        frames[world.head] = world.step(action)
        if number % 23 == 11:
            frames[world.head] = world.edit(some_edit(number))
        if number % 120 == 100:
            frames[world.head] = fade_to(world, small.draw_prompts()[1], [1, 2, 3, 0])[-1]
        if number % 90 == 60:
            record = int(rng.integers(len(world.session)))
            frame = world.go_to(world.session, record)
            assert np.array_equal(frame, frames.setdefault(record, frame))
    return world.session, frames


def test_500_frames_with_edits_fades_and_branches_are_replayed_bit_for_bit(edited_play, bundle):
    session, shown = edited_play
    assert len(session.edited) > 30 and len(session.ends()) > 4
    records = sorted({*list(shown)[::4], *(session.edited & shown.keys())})
    again = pictures(session, records, World(bundle))
    assert all(
        np.array_equal(frame, shown[record]) for frame, record in zip(again, records, strict=True)
    )
    found = verify(session, World(bundle))
    assert found.difference is None
    assert (found.sampled, found.edited) == (500 + 4 * 4, len(session.edited))
    assert found.sampled + found.edited + found.prompts == len(session)


def test_a_flipped_bit_in_an_edited_frame_is_named_and_undone(edited_play, tmp_path):
    session, _ = edited_play
    edited = max(session.edited)
    session.write(tmp_path / "s.session")
    whole = (tmp_path / "s.session").read_bytes()
    size = 20 + 2 * 6
    for byte, bit in ((7, 128), (16, 4), (18, 1)):  # that it is edited, and of two tokens
        data = bytearray(whole)
        data[len(whole) - (len(session) - edited) * size + byte] ^= bit
        (tmp_path / "s.session").write_bytes(data)
        again = Session.read(tmp_path / "s.session")
        assert again.damage.repaired == (edited,)
        assert again.edited == session.edited
        assert f"record {edited} repaired" in again.problems()


def test_a_forged_edit_is_found_by_the_frames_behind_it(edited_play, bundle):
    from dataclasses import replace

    session, _ = edited_play
    forged, edited = Session(session.header), min(session.edited)
    for record in range(edited + 2):
        frame = session[record]
        if record == edited:
            frame = replace(frame, ids=(frame.ids + 1) % 16)
        forged.append(frame)
    found = verify(forged, World(bundle))
    assert found.difference is not None and found.difference.record == edited + 1
