"""Keys of an airborne sprite, on a simulated jumper: nothing but its states and the camera."""

import pytest
import torch
from torch import Tensor

from lam.player_sprite.airborne import (
    LEFT,
    RIGHT,
    STILL,
    find_airborne_codes,
    join_alike,
    read_keys,
)

STAND, GO_RIGHT, GO_LEFT, JUMP = range(4)
RISES = (-4, -3, -2, -1, -1, 0, 1, 1, 2, 3, 4)  # the camera's dy in a jump, up first
LANDING = torch.tensor([[-1] * 3, [-1] * 3, [-1] * 3, [GO_LEFT, STAND, GO_RIGHT]])


def play(keys: list[tuple[str, int]]) -> tuple[Tensor, Tensor, Tensor]:
    """Play "stand", "left", "right", "jump" and "fall", each with a sideways step, one a phase.

    Returns:
        The state (S,), the camera's shift (S, 2), and the transitions since take-off, −1 on the
        ground. Standing, going and steering take 4 transitions, a jump all of its own.
    """
    states, shift, ages = [], [], []
    for name, aside in keys:
        if name in ("jump", "fall"):
            rises = RISES if name == "jump" else RISES[5:]
            states += [JUMP] * len(rises)
            shift += [[dy, aside] for dy in rises]
            ages += list(range(len(rises)))
        else:
            states += [{-1: GO_LEFT, 0: STAND, 1: GO_RIGHT}[aside]] * 4
            shift += [[0, 2 * aside]] * 4
            ages += [-1] * 4
    return torch.tensor(states), torch.tensor(shift), torch.tensor(ages)


def read(keys: list[tuple[str, int]], held: bool = True) -> list[int]:
    states, shift, _ = play(keys)
    return read_keys(states[None], shift[None], LANDING, held)[0].tolist()


def random_play(seed: int, phases: int = 200) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randint(5, (phases,), generator=generator).tolist()
    aside = torch.randint(-1, 2, (phases,), generator=generator).tolist()
    names = ("go", "go", "jump", "jump", "fall")
    return play([(names[n], a) for n, a in zip(chosen, aside, strict=True)])


def test_the_airborne_code_is_found_with_the_ground_codes_it_lands_in():
    states, shift, _ = random_play(0)
    spans = torch.tensor([[0, 300], [301, len(states)]])
    assert torch.equal(find_airborne_codes(states, shift, spans, 4), LANDING)


def test_states_in_no_order_have_no_airborne_code():
    states, shift, _ = random_play(0)
    order = torch.randperm(len(states), generator=torch.Generator().manual_seed(1))
    spans = torch.tensor([[0, len(states)]])
    assert (find_airborne_codes(states[order], shift[order], spans, 4) == -1).all()


def test_ground_codes_for_one_side_only_leave_airborne_codes_as_they_are():
    states, shift, _ = play([("stand", 0), ("jump", 1), ("right", 1), ("jump", 0)] * 20)
    spans = torch.tensor([[0, len(states)]])
    assert (find_airborne_codes(states, shift, spans, 4) == -1).all()


def test_an_airborne_code_lands_in_the_ground_code_that_follows_it():
    """Two codes stand still, one facing either way: each airborne code lands in its own."""
    one = play([("stand", 0), ("right", 1), ("jump", 1), ("stand", 0), ("left", -1)] * 9)
    other = play([("stand", 0), ("left", -1), ("jump", -1), ("stand", 0)] * 9)
    states = torch.cat((one[0], torch.tensor([4, 1, 2, 5])[other[0]]))
    shift = torch.cat((one[1], other[1]))
    spans = torch.tensor([[0, len(one[0])], [len(one[0]), len(states)]])
    found = find_airborne_codes(states, shift, spans, 6)
    assert found[JUMP, STILL] == STAND and found[5, STILL] == 4
    assert found[5, LEFT] == found[JUMP, LEFT] == GO_LEFT
    assert found[5, RIGHT] == found[JUMP, RIGHT] == GO_RIGHT


def test_on_the_ground_the_state_is_the_key():
    assert read([("stand", 0), ("right", 1), ("left", -1)]) == [0] * 4 + [1] * 4 + [2] * 4


@pytest.mark.parametrize("aside", [-1, 0, 1])
def test_a_jump_that_keeps_its_direction_is_held_to_its_end(aside):
    assert read([("stand", 0), ("jump", aside)]) == [STAND] * 4 + [JUMP] * len(RISES)


@pytest.mark.parametrize(("aside", "then"), [(-1, GO_LEFT), (0, STAND), (1, GO_RIGHT)])
def test_the_same_jump_let_go_is_steered_after_it_took_off(aside, then):
    expected = [STAND] * 4 + [JUMP] * 3 + [then] * (len(RISES) - 3)
    assert read([("stand", 0), ("jump", aside)], held=False) == expected


@pytest.mark.parametrize(("aside", "then"), [(-1, GO_LEFT), (0, STAND)])
def test_a_jump_that_leaves_its_direction_is_steered_from_there_on(aside, then):
    states, shift, _ = play([("jump", 1)])
    shift[6:, 1] = aside
    found = read_keys(states[None], shift[None], LANDING)[0].tolist()
    assert found == [JUMP] * 6 + [then] * (len(RISES) - 6)


@pytest.mark.parametrize("other", ["direction", "code"])
def test_a_jump_off_its_heading_more_than_twice_was_let_go(other):
    """A camera may tremble; a key that lasts a frame may not pass for one that is held."""
    length, twin = len(RISES), 4
    landing = torch.cat((LANDING, LANDING[JUMP:]))
    for times, kept in (((4, 6), True), ((4, 6, 7), False)):
        states, shift, _ = play([("jump", 1)])
        if other == "direction":
            shift[list(times), 1] = 0
        else:
            states[list(times)] = twin
        expected = [JUMP] * length
        for t in range(length):
            if t in times:
                expected[t] = STAND if other == "direction" else GO_RIGHT
            elif t > 7 and not kept:
                expected[t] = GO_RIGHT
        assert read_keys(states[None], shift[None], landing)[0].tolist() == expected


def test_walking_off_a_ledge_is_no_jump():
    fall = len(RISES) - 5
    assert read([("right", 1), ("fall", 1)]) == [GO_RIGHT] * (4 + fall)
    assert read([("right", 1), ("fall", 0)]) == [GO_RIGHT] * 4 + [STAND] * fall


def test_a_jump_on_landing_is_a_jump_again():
    expected = ([JUMP] * 3 + [GO_RIGHT] * (len(RISES) - 3)) * 2
    assert read([("jump", 1), ("jump", 1)], held=False) == expected
    # A camera that trembles at the top has not.
    states, shift, _ = play([("jump", 1)])
    shift[4:6, 0] = torch.tensor([0, -1])
    assert read_keys(states[None], shift[None], LANDING, False)[0].tolist() == expected[:11]


def test_a_camera_that_rises_a_transition_late_is_a_jump_too():
    states, shift, _ = play([("jump", 1)])
    shift[0, 0] = 0
    assert read_keys(states[None], shift[None], LANDING)[0, 1:].tolist() == [JUMP] * 10


@pytest.mark.parametrize("held", [True, False])
def test_an_entry_depends_on_no_later_one_and_on_no_other_row(held):
    rows = [random_play(seed)[:2] for seed in (3, 4)]
    length = min(len(states) for states, _ in rows)
    states = torch.stack([states[:length] for states, _ in rows])
    shift = torch.stack([shift[:length] for _, shift in rows])
    whole = read_keys(states, shift, LANDING, held)
    for end in range(1, 60):
        assert torch.equal(read_keys(states[1:, :end], shift[1:, :end], LANDING, held)[0],
                           whole[1, :end])  # fmt: skip
    assert (whole != states).any() and (whole[states == JUMP] == JUMP).any()


def test_without_airborne_codes_codes_are_keys():
    states, shift, _ = random_play(5)
    none = torch.full((4, 3), -1)
    assert torch.equal(read_keys(states[None], shift[None], none), states[None])


def test_states_that_stand_alike_are_joined_and_others_are_not():
    """State 4 stands as state 0 does; 5 goes right as 1 does, a little more slowly."""
    states, shift, ages = play([("stand", 0), ("right", 1), ("left", -1), ("jump", 0)] * 8)
    twins = torch.arange(len(states)) % 2 == 1
    states = torch.where(twins & (states == STAND), 4, states)
    states = torch.where(twins & (states == GO_RIGHT), 5, states)
    shift = shift.double() - 0.2 * (states == 5)[:, None] * torch.tensor([0, 1])
    among = torch.ones(len(states), dtype=torch.bool)
    assert join_alike(states, shift, among, (6, 6)).tolist() == [0, 1, 2, 3, 4, 5]
    assert join_alike(states, shift, among, (6, 5)).tolist() == [0, 1, 2, 3, 0, 4]
    assert join_alike(states, shift, among, (6, 4)).tolist() == [0, 1, 2, 3, 0, 1]
    # From jumps alone nothing is known of the others, and they are all alike.
    assert len(join_alike(states, shift, ages >= 0, (6, 2)).unique()) == 2


def test_the_numbers_of_the_method_are_followed():
    """A later top, a higher least rise or a stricter side: no airborne code is found."""
    states, shift, _ = random_play(0)
    spans = torch.tensor([[0, len(states)]])
    for changed in ({"late": 11}, {"least_rise": 4.0}, {"sideways": 1.0}):
        assert (find_airborne_codes(states, shift, spans, 4, **changed) == -1).all()
    states, shift, _ = play([("jump", 1)])
    longer = read_keys(states[None], shift[None], LANDING, False, take_off=5)[0].tolist()
    assert longer == [JUMP] * 5 + [GO_RIGHT] * (len(RISES) - 5)
    shift[4, 1] = 0
    strict = read_keys(states[None], shift[None], LANDING, off_heading=0)[0].tolist()
    assert strict == [JUMP] * 4 + [STAND] + [GO_RIGHT] * (len(RISES) - 5)
