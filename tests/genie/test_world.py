"""One world to play: prompts, actions, settings, and frames that are decoded again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from genie.rollouts.rollout import Rollout
from genie.world import World


def test_a_frame_is_uint8_and_counted(world, small):
    assert world.frame_index == 0
    first = world.reset(small.draw_prompts()[0], seed=1)
    assert first.shape == (16, 24, 3) and first.dtype == np.uint8
    assert world.frame_index == 1
    second = world.step(2)
    assert second.shape == first.shape and second.dtype == np.uint8
    assert world.frame_index == 2


def test_a_seed_plays_the_same_twice_and_another_seed_differs(world, small):
    actions = small.actions_of(6)

    def played(seed):
        return [world.reset(small.draw_prompts()[0], seed), *small.play(world, actions)]

    assert small.same(played(1), played(1))
    assert not small.same(played(1), played(2))


def test_it_is_a_rollout_of_one(world, bundle, small):
    prompt, actions = small.draw_prompts()[0], small.actions_of(5)
    frames = [world.reset(prompt, seed=4), *small.play(world, actions)]
    pixels = torch.from_numpy(prompt).movedim(-1, 0).float()[None, None] / 255
    rollout = Rollout(bundle, [4])
    shown = [rollout.reset(bundle.tokenizer.encode(pixels), torch.zeros(1, 0, dtype=torch.long))]
    shown = [shown[0][0, -1], *(rollout.step(torch.tensor([a]))[1][0] for a in actions)]
    assert small.same(frames, [frame.numpy() for frame in shown])


def test_actions_of_a_longer_prompt_are_inferred_by_the_lam(world, bundle, small):
    prompt = np.stack(small.draw_prompts(4))
    pixels = torch.from_numpy(prompt).movedim(-1, -3).float()[None] / 255
    inferred = bundle.lam.infer(pixels)[0].tolist()
    assert len(set(inferred)) > 1
    last = world.reset(prompt, seed=0)
    state = world.save_state()
    assert world.frame_index == 4
    assert state.prev_actions.tolist() == [bundle.num_actions, *inferred]
    assert torch.equal(state.ids.long(), bundle.tokenizer.encode(pixels)[0])
    rollout = Rollout(bundle, [0])
    shown = rollout.reset(bundle.tokenizer.encode(pixels), torch.tensor([inferred]))
    assert np.array_equal(last, shown[0, -1].numpy())


def test_a_picture_and_a_clip_of_one_are_the_same_prompt(world, small):
    prompt = small.draw_prompts()[0]
    one = [world.reset(prompt, 3), *small.play(world, [1, 2])]
    assert small.same(one, [world.reset(prompt[None], 3), *small.play(world, [1, 2])])


@pytest.mark.parametrize(
    "prompt",
    [
        np.zeros((24, 16, 3), np.uint8),
        np.zeros((16, 24), np.uint8),
        np.zeros((16, 24, 4), np.uint8),
        np.zeros((16, 24, 3), np.float32),
        np.zeros((16, 24, 3), np.int64),
        np.zeros((0, 16, 24, 3), np.uint8),
        np.zeros((1, 1, 16, 24, 3), np.uint8),
        np.zeros((2, 8, 24, 3), np.uint8),
    ],
)
def test_a_prompt_of_another_size_or_kind_is_one_line(world, prompt):
    with pytest.raises(ValueError, match="a prompt is uint8") as caught:
        world.reset(prompt)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="before reset"):
        world.step(0)


def test_a_refused_prompt_leaves_the_play_as_it_was(world, small):
    world.reset(small.draw_prompts()[0], seed=1)
    expected = world.step(1)
    world.reset(small.draw_prompts()[0], seed=1)
    with pytest.raises(ValueError, match="a prompt is uint8"):
        world.reset(np.zeros((2, 2, 3), np.uint8))
    assert np.array_equal(world.step(1), expected)


@pytest.mark.parametrize(
    ("action", "advice"),
    [
        ("left", "give its id, [0-3], or .*by_name.'left'"),
        ("fly", "no action is called 'fly'"),
        (1.5, "whole number from 0 to 3 here, got 1.5"),
        (None, "got None"),
        ([1], "got .1."),
    ],
)
def test_an_action_of_another_kind_says_what_to_give(world, small, action, advice):
    world.reset(small.draw_prompts()[0], seed=1)
    with pytest.raises(ValueError, match=advice):
        world.step(action)
    assert world.step(np.int64(1)).shape == (16, 24, 3)


@pytest.mark.parametrize(
    ("prompt", "advice"),
    [
        ("x.png", "got the name 'x.png': read it"),
        (Path("x.png"), "got the name 'x.png': read it"),
        (np.zeros((16, 24, 3)), "got float64 .*: give whole numbers"),
        (np.zeros((9, 24, 3)), "resize the picture to 16x24"),
        (None, "got object"),
    ],
)
def test_a_prompt_of_another_kind_says_what_to_do(world, prompt, advice):
    for take in (world.reset, world.see):
        with pytest.raises(ValueError, match=advice):
            take(prompt)


@pytest.mark.parametrize("action", [-1, 4, 1000])
def test_an_action_out_of_range_is_one_line_and_changes_nothing(world, small, action):
    world.reset(small.draw_prompts()[0], seed=1)
    expected = small.play(world, [1, 2])
    world.reset(small.draw_prompts()[0], seed=1)
    first = world.step(1)
    with pytest.raises(ValueError, match="actions 0 to 3") as caught:
        world.step(action)
    assert "\n" not in str(caught.value)
    assert small.same([first, world.step(2)], expected)


@pytest.mark.parametrize("call", [lambda w: w.step(0), lambda w: w.save_state()])
def test_before_reset_nothing_can_be_played_or_saved(world, call):
    with pytest.raises(ValueError, match="before reset") as caught:
        call(world)
    assert "\n" not in str(caught.value)


def test_when_a_frame_is_committed_changes_nothing_that_is_sampled(world, bundle, small):
    """Play commits a frame once it is shown; saving and going back come before."""
    prompt, actions = small.draw_prompts()[0], small.actions_of(9)
    world.reset(prompt, seed=3)
    expected = small.play(world, actions)
    other = World(bundle)
    other.reset(prompt, seed=3)
    other.commit_pending()
    frames = []
    for number, action in enumerate(actions):
        frames.append(other.step(action))
        if number % 3 == 0:
            other.load_state(other.save_state())
        for _ in range(number % 3):
            other.commit_pending()
    assert small.same(frames, expected)


def test_a_commit_counts_to_the_model_s_time(world, small):
    world.reset(small.draw_prompts()[0], seed=3)
    world.step(1)
    sampling = world.seconds
    world.commit_pending()
    assert world.seconds.model > sampling.model
    assert world.seconds.decode == sampling.decode


def test_new_settings_count_from_the_next_frame(world, small):
    world.reset(small.draw_prompts()[0], seed=2)
    plain = small.play(world, [1, 2])
    world.reset(small.draw_prompts()[0], seed=2)
    first = world.step(1)
    world.settings = small.OTHER
    changed = world.step(2)
    assert np.array_equal(first, plain[0]) and not np.array_equal(changed, plain[1])
    assert world.bundle.settings == small.SETTINGS


def test_settings_given_at_the_start_are_used(bundle, world_folder, small):
    one = World(bundle, small.OTHER)
    other = World.load(world_folder, settings=small.OTHER)
    for played in (one, other):
        played.reset(small.draw_prompts()[0], seed=2)
    assert np.array_equal(one.step(1), other.step(1))
    assert other.settings == small.OTHER


def history(world):
    """Tokens of all frames so far, and the actions that led to them."""
    line = world.session.line(world.head)
    return world.session.ids(line), [world.session[int(index)].action for index in line]


def test_every_frame_is_in_the_session_with_what_it_was_sampled_with(world, small):
    world.reset(np.stack(small.draw_prompts()), seed=2)
    small.play(world, [1, 3])
    world.settings = small.OTHER
    world.step(2)
    state = world.save_state()
    ids, prev_actions = history(world)
    assert ids.dtype == np.uint16
    assert np.array_equal(ids, state.ids.numpy())
    assert prev_actions == state.prev_actions.tolist()
    assert prev_actions[2:] == [1, 3, 2]
    assert [world.session[i].steps for i in range(5)] == [0, 0, 2, 2, 3]
    assert (world.session.header.seed, world.session.header.prompt_frames) == (2, 2)


def test_a_session_goes_on_from_any_of_its_frames(world, bundle, small):
    world.reset(small.draw_prompts()[0], seed=2)
    small.play(world, [1, 3])
    later = small.play(world, [2, 1])
    session = world.session
    again = World(bundle)
    again.go_to(session, 2)
    assert small.same(small.play(again, [2, 1]), later)
    assert session.ends() == [4, 6]
    again.start(small.draw_prompts()[1], session)
    assert (session.ends(), again.head, again.frame_index) == ([4, 6, 7], 7, 1)
    with pytest.raises(ValueError, match="starts from 1 frames"):
        again.start(np.stack(small.draw_prompts()), session)


def test_tokens_and_actions_that_the_world_does_not_have_are_one_line(world, small):
    world.reset(small.draw_prompts()[0], seed=2)
    frame = world.session[0]
    for wrong in ({"ids": np.full(6, 16, np.uint16)}, {"action": 5}):
        record = world.session.append(replace(frame, **wrong))
        with pytest.raises(ValueError, match="damaged") as caught:
            world.go_to(world.session, record)
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="code 16 of 16"):
        world.picture(np.full((1, 6), 16))


def test_any_frame_is_drawn_again_from_tokens_as_play_drew_it(world, small):
    frames = [
        world.reset(small.draw_prompts()[0], seed=2),
        *small.play(world, small.actions_of(12)),
    ]
    ids, _ = history(world)
    assert world.picture_memory > 1  # this world's pictures depend on frames before
    for last in (0, 3, 12):
        first = max(0, last + 1 - world.picture_memory)
        assert np.array_equal(world.picture(ids[first : last + 1], first), frames[last])


def test_looking_back_does_not_change_what_comes(world, small):
    def played(look):
        world.reset(small.draw_prompts()[0], seed=2)
        frames = small.play(world, [1, 2, 3])
        if look:
            world.picture(history(world)[0][:2])
            world.see(small.draw_prompts()[1])
        return [*frames, *small.play(world, [2, 1])]

    assert small.same(played(True), played(False))


def test_a_prompt_is_seen_as_play_begins_with_it(world, small):
    picture = small.draw_prompts()[1]
    ids, seen = world.see(picture)
    assert np.array_equal(seen, world.reset(picture, seed=0))
    assert np.array_equal(ids, history(world)[0][0])
    with pytest.raises(ValueError, match="a prompt is uint8"):
        world.see(picture[:4])


def test_a_step_tells_what_it_took(world, small):
    world.reset(small.draw_prompts()[0], seed=2)
    world.step(1)
    assert world.seconds.model > 0
    assert world.seconds.decode > 0


def test_the_tokens_of_the_prompt_stay_what_the_tokenizer_made_of_it(world, bundle, small):
    prompt = np.stack(small.draw_prompts(3))
    pixels = torch.from_numpy(prompt).movedim(-1, -3).float()[None] / 255
    world.reset(prompt, seed=2)
    small.play(world, small.actions_of(4))
    ids, _ = history(world)
    assert len(ids) == 7
    assert np.array_equal(ids[:3], bundle.tokenizer.encode(pixels)[0].numpy())


def test_going_to_a_frame_reads_only_what_the_next_one_depends_on(world, small, monkeypatch):
    world.reset(small.draw_prompts()[0], seed=1)
    small.play(world, small.actions_of(3 * small.LONG))
    read, check = [], world._check_tokens
    monkeypatch.setattr(world, "_check_tokens", lambda ids: (read.append(len(ids)), check(ids))[1])
    world.go_to(world.session, 2 * small.LONG)
    assert read == [world.memory] and world.memory < small.LONG
