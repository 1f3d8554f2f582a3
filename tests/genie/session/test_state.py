"""States of a play: saved, on disk or not, play goes on from them bit for bit."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from genie.library.bundle import load_bundle
from genie.session.state import State
from genie.world import World
from spacetime.weights import read_weights, write_weights


@pytest.mark.parametrize("through_disk", [False, True])
@pytest.mark.parametrize("frame", [0, 1, 4, 9, "LONG"])
def test_a_state_comes_back_bit_for_bit(world, bundle, small, tmp_path, frame, through_disk):
    count = small.LONG if frame == "LONG" else frame
    actions = small.actions_of(count + 5)
    world.reset(np.stack(small.draw_prompts()), seed=9)
    before = small.play(world, actions[:count])
    state = world.save_state()
    if through_disk:
        state.save(tmp_path / "s")
        state = State.load(tmp_path / "s")
    followed = small.play(world, actions[count:])
    again = World(bundle)
    last = again.load_state(state)
    assert again.frame_index == count + 2
    assert not before or np.array_equal(last, before[-1])
    assert small.same(small.play(again, actions[count:]), followed)
    last = world.load_state(state)  # back in time in the same world
    assert small.same(small.play(world, actions[count:]), followed)
    assert torch.equal(world.save_state().ids, again.save_state().ids)
    assert world.save_state().prompt_frames == again.save_state().prompt_frames == 2


def test_settings_that_changed_on_the_way_come_back_too(world, bundle, small, tmp_path):
    actions = small.actions_of(12)
    world.reset(small.draw_prompts()[0], seed=2)
    small.play(world, actions[:3])
    world.settings = small.OTHER
    small.play(world, actions[3:6])
    world.settings = dataclasses.replace(small.OTHER, temperature=2.0)  # of no frame yet
    state = world.save_state()
    followed = small.play(world, actions[6:])
    state.save(tmp_path / "s")
    again = World(bundle)
    again.load_state(State.load(tmp_path / "s"))
    assert again.settings == world.settings
    assert small.same(small.play(again, actions[6:]), followed)
    sampled_with = again.save_state().settings
    assert sampled_with[:7] == (bundle.settings,) * 4 + (small.OTHER,) * 3
    assert sampled_with[7:] == (world.settings,) * 6


def test_a_saved_state_does_not_change_while_play_goes_on(world, small):
    world.reset(small.draw_prompts()[0], seed=2)
    small.play(world, [1, 2])
    state = world.save_state()
    ids = state.ids.clone()
    small.play(world, [3, 0])
    assert torch.equal(state.ids, ids) and state.frame_index == 3


def test_a_state_of_another_world_is_refused(world, small, tmp_path):
    other = World(load_bundle(small.write_world(tmp_path / "w", small.make_models(seed=1))))
    for played in (world, other):
        played.reset(small.draw_prompts()[0], seed=2)
    expected = other.save_state()
    with pytest.raises(ValueError, match="saved in another world") as caught:
        other.load_state(world.save_state())
    assert "\n" not in str(caught.value)
    assert torch.equal(other.save_state().ids, expected.ids)


@pytest.fixture
def saved(world, small, tmp_path):
    world.reset(small.draw_prompts()[0], seed=2)
    small.play(world, [1, 2])
    world.save_state().save(tmp_path / "s")
    return tmp_path / "s"


def test_a_state_on_disk_is_json_and_safetensors(saved):
    assert {path.name for path in saved.iterdir()} == {"state.json", "state.safetensors"}


def test_a_state_of_an_older_version_has_one_prompt_frame(saved, world, small):
    record = json.loads((saved / "state.json").read_text())
    del record["prompt_frames"]
    (saved / "state.json").write_text(json.dumps(record))
    followed = small.play(world, [3, 0])
    world.load_state(State.load(saved))
    assert small.same(small.play(world, [3, 0]), followed)
    assert world.save_state().prompt_frames == 1


@pytest.mark.parametrize(
    "key",
    ["format", "world", "seed", "frame_index", "settings", "settings_of_frame", "next_settings"],
)
def test_a_saved_state_that_lacks_something_is_one_line(saved, key):
    record = json.loads((saved / "state.json").read_text())
    del record[key]
    (saved / "state.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match="save") as caught:
        State.load(saved)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 2),
        ("frame_index", 9),
        ("settings", [{"steps": 0, "order": "random", "temperature": 1.0}]),
        ("settings", [{"speed": 3}]),
        ("settings_of_frame", [0, 0]),
        ("settings_of_frame", [0, 0, 5]),
        ("next_settings", None),
        ("prompt_frames", None),
        ("prompt_frames", 0),
        ("prompt_frames", 9),
    ],
)
def test_a_saved_state_with_a_wrong_value_is_one_line(saved, key, value):
    record = json.loads((saved / "state.json").read_text())
    (saved / "state.json").write_text(json.dumps({**record, key: value}))
    with pytest.raises(ValueError) as caught:
        State.load(saved)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("ids", lambda ids: ids.float()),
        ("ids", lambda ids: ids - (1 << 16)),
        ("ids", lambda ids: ids + (1 << 16)),
        ("leads", lambda actions: actions.float()),
        ("leads", lambda actions: -actions),
    ],
)
def test_tokens_and_actions_that_no_log_could_hold_are_damage(saved, name, change):
    tensors = read_weights(saved / "state.safetensors")
    write_weights(saved / "state.safetensors", {**tensors, name: change(tensors[name])})
    with pytest.raises(ValueError, match=f"{name}, whole numbers from 0 to 65535") as caught:
        State.load(saved)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("file", ["state.json", "state.safetensors"])
def test_a_cut_or_missing_file_of_a_saved_state_is_one_line(saved, file):
    whole = (saved / file).read_bytes()
    (saved / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError) as caught:
        State.load(saved)
    assert "\n" not in str(caught.value)
    (saved / file).unlink()
    with pytest.raises(FileNotFoundError, match=file):
        State.load(saved)


def test_every_seed_that_play_takes_comes_back_from_its_state(world, small, tmp_path):
    prompt = small.draw_prompts()[0]
    for number, seed in enumerate((0, np.int64(7), (1 << 64) - 1)):
        world.reset(prompt, seed)
        world.save_state().save(tmp_path / str(number))
        assert State.load(tmp_path / str(number)).seed == seed


@pytest.mark.parametrize("seed", [-1, 1 << 64, 1.5, "1", None])
def test_a_seed_that_no_state_could_name_is_refused_and_play_stays(world, small, seed):
    prompt = small.draw_prompts()[0]
    world.reset(prompt, 3)
    session = world.session
    with pytest.raises(ValueError, match=r"a seed is a whole number from 0 to 2\^64 - 1, got"):
        world.reset(prompt, seed)
    assert world.session is session and session.header.seed == 3
