"""Keys at walls, in a corridor whose tokens say what stands beside the player."""

import numpy as np
import pytest
import torch

from train.data import action_chances, blocked_keys
from train.data.blocked_keys import hold_of, read_blocked_keys, still_action

LEFT, RIGHT, NONE = 0, 1, 2
CELLS = 6
STEP = {LEFT: -1, RIGHT: 1, NONE: 0}


@pytest.fixture(scope="module")
def corridor():
    """Play held keys in a corridor that scrolls: (tokens, motions, keys, episode ends)."""
    rng = np.random.default_rng(0)
    ids, motions, keys, ends = [], [], [], []
    for _ in range(40):
        at = int(rng.integers(CELLS))
        held = np.repeat(rng.integers(0, 3, 20), rng.geometric(0.25, 20))
        for key in held:
            to = min(max(at + STEP[key], 0), CELLS - 1)
            ids.append(_view(at))
            motions.append({-1: LEFT, 1: RIGHT, 0: NONE}[to - at])
            keys.append(key)
            at = to
        motions[-1] = -1
        ends.append(len(ids))
    arrays = np.array(ids), np.array(motions, np.int8), np.array(keys), np.array(ends)
    return arrays


def _view(at):
    """Three cells around the player: rock is 0, open cells have 1 to 9, as textures repeat."""
    cells = [at + by for by in (-1, 0, 1)]
    inside = [1 + (cell * 7) % 9 if 0 <= cell < CELLS else 0 for cell in cells]
    return [*inside, *[10] * 27]  # and a frame around them that never changes


@pytest.fixture(scope="module")
def read(corridor):
    ids, motions, _, ends = corridor
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(action_chances, "STEPS", 400)
        return read_blocked_keys(ids, motions, ends, num_codes=11, below=0.1, seed=0)


def test_a_key_at_a_wall_is_read_as_such_about_as_often_as_it_was_pressed(corridor, read):
    _, motions, keys, _ = corridor
    blocked = (motions == NONE) & (keys != NONE)
    assert blocked.mean() > 0.15
    assert (motions[blocked] == keys[blocked]).mean() == 0
    assert (read[blocked] == keys[blocked]).mean() > 0.6
    assert (read == keys)[motions >= 0].mean() > (motions == keys)[motions >= 0].mean() + 0.1
    for key in (LEFT, RIGHT, NONE):
        assert abs((read == key).mean() - (keys == key).mean()) < 0.05


def test_only_transitions_without_motion_are_read_anew_and_never_as_a_key_that_would_move(
    corridor, read
):
    ids, motions, _, _ = corridor
    moved = motions != NONE
    assert np.array_equal(read[moved], motions[moved]) and read.dtype == np.int8
    for key, beside in ((LEFT, 0), (RIGHT, 2)):
        anew = (motions == NONE) & (read == key)
        assert anew.any() and (ids[anew, beside] == 0).all()


def test_the_same_seed_reads_the_same(corridor, monkeypatch):
    ids, motions, _, ends = corridor
    monkeypatch.setattr(action_chances, "STEPS", 100)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    once, again = (read_blocked_keys(ids, motions, ends, 11, 0.1, seed=0) for _ in range(2))
    assert np.array_equal(once, again)
    assert torch.equal(torch.get_rng_state(), before)
    monkeypatch.setattr(blocked_keys, "EPISODES", 7)
    fewer = read_blocked_keys(ids, motions, ends, 11, 0.1, seed=0)
    assert (fewer == once).mean() > 0.7  # other draws, the same rule


def test_without_an_action_that_stands_still_nothing_is_changed(corridor):
    _, motions, _, ends = corridor
    noise = np.random.default_rng(1).integers(0, 11, (len(motions), 30))
    assert still_action(noise, motions, 3) is None
    assert np.array_equal(read_blocked_keys(noise, motions, ends, 11, 0.1, 0), motions)


def test_a_player_that_turns_to_a_wall_shows_which_key_it_was(monkeypatch):
    """A cave of 20 by 20 cells, seen 3 by 5 at a time around a player that looks where it goes."""
    monkeypatch.setattr(action_chances, "STEPS", 300)
    steps, none = ((0, 1), (0, -1), (1, 0), (-1, 0), (0, 0)), 4
    rng = np.random.default_rng(1)
    cave = np.where(rng.random((20, 20)) < 0.3, 0, rng.integers(1, 10, (20, 20)))
    ids, motions, keys, ends = [], [], [], []
    for _ in range(30):
        at, look = np.array((10, 10)), 0
        for key in np.repeat(rng.integers(0, 5, 20), rng.geometric(0.4, 20)):
            seen = cave[np.ix_(at[0] + np.arange(-1, 2), at[1] + np.arange(-2, 3))].ravel()
            seen[7] = 10 + look
            to = at + steps[key]
            free = cave[tuple(to)] and (to >= 2).all() and (to < 18).all()
            ids.append(seen)
            motions.append(key if free else none)
            keys.append(key)
            at, look = to if free else at, look if key == none else key
        motions[-1] = -1
        ends.append(len(ids))
    ids, motions, keys = np.array(ids), np.array(motions, np.int8), np.array(keys)
    without, by_look = (
        read_blocked_keys(ids, motions, np.array(ends), 14, 0.1, 0, grid) for grid in (None, (3, 5))
    )
    turned = np.append(ids[1:, 7] != ids[:-1, 7], False) & (motions == none)
    assert turned.sum() > 50
    assert (by_look == keys)[turned].mean() > 0.95 > (without == keys)[turned].mean()
    blocked = (motions == none) & (keys != none)
    assert (by_look == keys)[blocked].mean() > (without == keys)[blocked].mean() + 0.1


def test_a_key_that_was_never_let_go_may_be():
    """Held on with certainty, nothing was possible where it cannot have been, and no key drawn."""
    codes = torch.tensor([RIGHT] * 9 + [-1])
    blocked, shares = torch.zeros(10, 3, dtype=torch.bool), torch.tensor([0.0, 1.0, 0.0])
    assert hold_of(codes, blocked, NONE, shares) == 0  # no other key tells
    even = torch.full((3,), 1 / 3)
    assert 0.9 < hold_of(codes, blocked, NONE, even) < 1


@pytest.mark.parametrize("frames", [7, 1000, 2**24 + 1])  # PyTorch's quantile takes up to 2²⁴
def test_the_usual_chance_is_a_quantile_of_however_many_frames(monkeypatch, frames):
    found = torch.full((frames, 1), 0.25)
    if frames < 2**24:
        found = torch.rand((frames, 3), generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(blocked_keys, "learn_chances", lambda *_: found)
    chances = blocked_keys._relative_chances(None, None, None, 9, 3, None)
    usual = found.quantile(0.9, dim=0) if frames < 2**24 else found[0]
    torch.testing.assert_close(chances, found / usual)
