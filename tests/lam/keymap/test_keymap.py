import json

import pytest
import torch
from torch.nn import functional

from lam.keymap.keymap import KeyAction, Keymap, derive_keymap

STEPS = {"left": (-3, 0), "right": (3, 0), "up": (0, -3), "down": (0, 3)}
DIAGONALS = {"up-left": (-3, -3), "down-right": (3, 3)}


def scene(side: int, generator: torch.Generator) -> torch.Tensor:
    """Draw a smooth random picture, float (3, side, side)."""
    coarse = torch.rand(1, 3, side // 4, side // 4, generator=generator)
    return functional.interpolate(coarse, size=(side, side), mode="bilinear")[0]


def camera_step(step, generator):
    """The player steps, the camera follows: the whole scene goes the other way."""
    dx, dy = step
    wide = scene(96, generator)
    return wide[:, 16:80, 16:80], wide[:, 16 + dy : 80 + dy, 16 + dx : 80 + dx]


def sprite_step(step, generator, ground=True, size=8):
    """A square sprite steps before a ground that stays."""
    back = 0.5 * scene(64, generator) if ground else torch.zeros(3, 64, 64)
    sprite = 0.6 + 0.4 * torch.rand(3, size, size, generator=generator)
    x, y = torch.randint(12, 44, (2,), generator=generator).tolist()
    before, after = back.clone(), back.clone()
    before[:, y : y + size, x : x + size] = sprite
    x, y = x + step[0], y + step[1]
    after[:, y : y + size, x : x + size] = sprite
    return before, after


def transitions(steps, make, repeat=6, **options):
    """Return before, after and codes: code i does `steps[i]`, from `repeat` different scenes."""
    generator = torch.Generator().manual_seed(7)
    pairs = [make(step, generator, **options) for _ in range(repeat) for step in steps]
    before, after = (torch.stack(frames) for frames in zip(*pairs, strict=True))
    return before, after, torch.arange(len(steps)).repeat(repeat)


def derive(steps, make, **options):
    return derive_keymap(*transitions(steps, make, **options), num_actions=len(steps))


def hand_made() -> Keymap:
    return Keymap(
        idle=2,
        actions=(
            KeyAction(id=0, name="left", keys=("left", "a"), effect={"kind": "camera", "dx": -1.5}),
            KeyAction(id=1, name="up", keys=("up",), effect={}),
            KeyAction(id=2, name="none", keys=(), effect={"kind": "none"}),
        ),
    )


def test_key_is_opposite_to_the_shift_where_the_camera_follows():
    keymap = derive([(0, 0), *STEPS.values()], camera_step)
    assert keymap.names == ("none", *STEPS)
    assert keymap.idle == 0
    assert [action.effect["kind"] for action in keymap.actions] == ["none"] + ["camera"] * 4
    for action, step in zip(keymap.actions[1:], STEPS.values(), strict=True):
        assert (action.effect["dx"], action.effect["dy"]) == pytest.approx(step, abs=0.3)
        assert action.effect["agreement"] == 1
        assert action.effect["moving_share"] == 1


@pytest.mark.parametrize(("ground", "size"), [(True, 8), (False, 8), (False, 2)])
def test_key_is_along_the_sprite_where_the_ground_stays(ground, size):
    keymap = derive([(0, 0), *STEPS.values()], sprite_step, ground=ground, size=size)
    assert keymap.names == ("none", *STEPS)
    assert [action.effect["kind"] for action in keymap.actions] == ["none"] + ["object"] * 4
    for action, step in zip(keymap.actions[1:], STEPS.values(), strict=True):
        assert (action.effect["dx"], action.effect["dy"]) == pytest.approx(step, abs=0.5)


@pytest.mark.parametrize("make", [camera_step, sprite_step])
def test_diagonal_steps_get_diagonal_names_and_free_arrows(make):
    keymap = derive([(0, 0), *DIAGONALS.values()], make)
    assert keymap.names == ("none", *DIAGONALS)
    # No code is called left: the arrow goes to the one code that leads there.
    assert keymap.key_bindings["left"] == keymap.key_bindings["up"] == 1
    assert keymap.key_bindings["right"] == keymap.key_bindings["down"] == 2


def test_arrows_wasd_and_space_are_bound():
    bindings = derive([(0, 0), *STEPS.values()], camera_step).key_bindings
    assert [bindings[key] for key in ("left", "right", "up", "down")] == [1, 2, 3, 4]
    assert [bindings[key] for key in ("a", "d", "w", "s")] == [1, 2, 3, 4]
    assert bindings["space"] == bindings["up"]


def test_frames_in_uint8_give_the_same_names():
    before, after, codes = transitions([(0, 0), *STEPS.values()], camera_step)
    keymap = derive_keymap((before * 255).byte(), (after * 255).byte(), codes, 5)
    assert keymap.names == ("none", *STEPS)


def test_order_of_codes_does_not_matter():
    keymap = derive([(3, 0), (0, -3), (0, 0), (-3, 0)], camera_step)
    assert keymap.names == ("right", "up", "none", "left")
    assert keymap.idle == 2


def test_weaker_code_of_a_direction_gets_a_number():
    keymap = derive([(-2, 0), (-5, 0), (0, 0), (0, 0)], camera_step)
    assert keymap.names[:2] == ("left-2", "left")
    assert sorted(keymap.names[2:]) == ["none", "none-2"]
    assert keymap.names[keymap.idle] == "none"
    assert keymap.actions[0].keys == ()


def test_two_codes_of_a_direction_that_part_to_either_side_are_told_apart_by_it():
    keymap = derive([(0, 0), (-1, -6), (2, -6), (-3, 0), (3, 0), (0, 3)], camera_step)
    assert keymap.names == ("none", "up-left", "up-right", "left", "right", "down")
    # The arrow that no code is named for goes to one of them, and its word finds it.
    assert keymap.by_name("up") == keymap.by_name("jump") == keymap.key_bindings["up"] == 2


def test_two_codes_of_a_direction_that_lean_to_one_side_are_numbered():
    keymap = derive([(0, 0), (1, -5), (1, -7), (-3, 0), (3, 0)], camera_step)
    assert sorted(keymap.names) == ["left", "none", "right", "up", "up-2"]


def test_a_walk_that_leans_a_little_keeps_its_name_beside_a_jump_to_its_side():
    steps = [(0, 0), (-6, 0), (6, 0), (-4, -6), (4, -6)]
    before, after, codes = transitions(steps, camera_step)
    lower = transitions([steps[0], (-6, 1), (6, 1), *steps[3:]], camera_step)[1]
    keymap = derive_keymap(before, (after + lower) / 2, codes, 5)
    assert keymap.actions[1].effect["dy"] > 0.2
    assert keymap.names == ("none", "left", "right", "up-left", "up-right")


def test_two_jumps_that_hardly_lean_are_told_by_their_sides():
    steps = [(0, 0), (-6, 0), (6, 0), (-1, -6), (1, -6)]
    keymap = derive_keymap(*transitions(steps, camera_step), 5)
    assert keymap.names == ("none", "left", "right", "up-left", "up-right")


def test_transitions_at_a_wall_do_not_hide_the_direction():
    moving = transitions([(0, 0), (-3, 0), (3, 0)], camera_step)
    stuck = transitions([(0, 0)] * 3, camera_step, repeat=18)
    keymap = derive_keymap(*(torch.cat(both) for both in zip(moving, stuck, strict=True)), 3)
    assert keymap.names == ("none", "left", "right")
    assert keymap.actions[1].effect["moving_share"] == pytest.approx(0.25)
    assert keymap.actions[1].effect["dx"] == pytest.approx(-3, abs=0.3)


def test_what_the_idle_code_shows_is_taken_off():
    # Everything sinks by one pixel; two codes also step to a side.
    keymap = derive([(0, 1), (-5, 1), (5, 1)], camera_step)
    assert keymap.names == ("none", "left", "right")
    assert keymap.actions[1].effect["dy"] == pytest.approx(0, abs=0.3)


def test_a_little_sinking_does_not_make_a_walk_diagonal():
    level = transitions([(0, 0), (-6, 0), (6, 0)], camera_step)
    lower = transitions([(0, 0), (-6, 1), (6, 1)], camera_step)
    sinking = (level[1] + lower[1]) / 2
    keymap = derive_keymap(level[0], sinking, level[2], 3)
    assert keymap.actions[1].effect["dy"] > 0.2
    assert keymap.names == ("none", "left", "right")


def test_two_codes_that_both_move_are_not_called_none():
    keymap = derive([(-3, 0), (3, 0)], camera_step)
    assert keymap.names == ("left", "right")
    assert keymap.by_name("none") == keymap.idle


def test_code_without_one_direction_is_called_mixed():
    still = transitions([(0, 0)], camera_step, repeat=8)
    around = transitions(list(STEPS.values()), camera_step, repeat=2)
    before = torch.cat([still[0], around[0]])
    after = torch.cat([still[1], around[1]])
    keymap = derive_keymap(before, after, torch.arange(16) // 8, 2)
    assert keymap.names == ("none", "mixed")


def test_code_that_never_occurs_is_not_idle():
    before, after, codes = transitions([(0, 0), (3, 0)], camera_step)
    keymap = derive_keymap(before, after, codes + 1, 3)
    assert keymap.idle == 1
    assert keymap.names == ("none-2", "none", "right")


def test_actions_that_move_nothing_have_plain_numbers_and_no_keys():
    effect = {"kind": "camera"}
    keymap = Keymap(
        idle=0,
        actions=(
            KeyAction(id=0, name="none", effect={}),
            KeyAction(id=1, name="down", keys=("down", "s"), effect=effect),
            KeyAction(id=2, name="left", keys=("left", "a"), effect=effect),
            KeyAction(id=3, name="mixed-2", effect=effect),
        ),
    )
    left = keymap.without_names([0, 1, 3])
    assert left.names == ("none", "action-1", "left", "action-3")
    assert left.key_bindings == {"left": 2, "a": 2} and left.actions[1].effect == effect
    assert left.by_name("action-1") == left.by_name("a1") == 1
    assert Keymap.from_json(left.to_json()) == left
    assert keymap.without_names([]) == keymap


def test_json_round_trip_keeps_everything():
    keymap = derive([(0, 0), *STEPS.values()], camera_step)
    record = json.loads(json.dumps(keymap.to_json(), allow_nan=False))
    assert Keymap.from_json(record) == keymap
    assert record["format"] == 1
    assert list(record["actions"][1]) == ["id", "name", "keys", "effect"]
    assert Keymap.from_json(hand_made().to_json()) == hand_made()


def test_names_synonyms_and_numbers_find_actions():
    keymap = hand_made()
    assert keymap.by_name("left") == keymap.by_name("LEFT ") == keymap.by_name("a0") == 0
    assert keymap.by_name("up") == keymap.by_name("jump") == 1
    assert keymap.by_name("none") == keymap.by_name("idle") == keymap.by_name("noop") == 2
    assert [keymap.name_of(i) for i in range(3)] == ["left", "up", "none"]
    jumper = Keymap(idle=0, actions=(KeyAction(id=0, name="jump", effect={}),))
    assert jumper.by_name("up") == jumper.by_name("idle") == 0


@pytest.mark.parametrize("name", ["right", "a3", "a-1", "", "left*2"])
def test_unknown_name_lists_the_known_ones(name):
    with pytest.raises(ValueError, match="left, up, none"):
        hand_made().by_name(name)


@pytest.mark.parametrize("action_id", [-1, 3])
def test_unknown_id_is_refused(action_id):
    with pytest.raises(ValueError, match="0 to 2"):
        hand_made().name_of(action_id)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format 2"),
        ({"idle": 9}, "idle is action 9"),
        ({"actions": []}, "every action id"),
        ({"actions": [{"id": 0, "name": "left", "keys": []}]}, "lacks 'effect'"),
        ({"actions": [{"id": 1, "name": "left", "keys": [], "effect": {}}]}, "every action id"),
        ({"actions": [{"id": 0, "name": "go left", "keys": [], "effect": {}}]}, "no space"),
        ({"actions": [{"id": 0, "name": "a1", "keys": [], "effect": {}}]}, "another id"),
        ({"actions": [{"id": 0, "name": "x", "keys": "left", "effect": {}}]}, "a list"),
        ({"actions": [7]}, "malformed"),
    ],
)
def test_broken_record_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Keymap.from_json({**hand_made().to_json(), "idle": 0, **change})
    with pytest.raises(ValueError, match="object"):
        Keymap.from_json([])


def test_shared_names_and_keys_are_refused():
    one = KeyAction(id=0, name="left", keys=("left",), effect={})
    with pytest.raises(ValueError, match="share the name"):
        Keymap(idle=0, actions=(one, KeyAction(id=1, name="left", effect={})))
    with pytest.raises(ValueError, match="share the key"):
        Keymap(idle=0, actions=(one, KeyAction(id=1, name="west", keys=("left",), effect={})))


def test_codes_that_do_not_fit_are_refused():
    before, after, codes = transitions([(0, 0), (3, 0)], camera_step, repeat=2)
    with pytest.raises(ValueError, match="allowed are 0 to 0"):
        derive_keymap(before, after, codes, 1)
    with pytest.raises(ValueError, match="shape"):
        derive_keymap(before, after, codes[:-1], 2)
    with pytest.raises(ValueError, match="no transitions"):
        derive_keymap(before[:0], after[:0], codes[:0], 2)
