"""How actions move the picture, on walks over hashed ground under an inventory."""

from types import SimpleNamespace

import numpy as np
import pytest

from dynamics.model import Dynamics, DynamicsConfig
from dynamics.token_map import MapLayout
from train.data.moves import find_moves, recalled_tokens
from train.warm_start import add_map

ROWS, COLUMNS, CODES = 6, 7, 60
MOVES = ((0, 2), (0, -2), (-1, 0), (1, 0), (0, 0))
PLAYER = 17
INVENTORY = tuple(range(35, 42))


def view(row, column, look):
    ground = np.add.outer(np.arange(row, row + ROWS) * 7919, np.arange(column, column + COLUMNS))
    tokens = (ground * 2654435761 % 97 % 40).ravel()
    tokens[PLAYER], tokens[list(INVENTORY)] = 40 + look, 50
    return tokens


@pytest.fixture(scope="module")
def walks():
    """Random walks in which a third of the keys is blocked: ids, actions, ends."""
    rng, ids, actions, ends = np.random.default_rng(0), [], [], []
    for episode in range(20):
        at = np.array((episode * 1000, 0))
        for _ in range(60):
            action = int(rng.integers(5))
            ids.append(view(*at, action))
            actions.append(action)
            if rng.random() > 0.3:
                at = at + MOVES[action]
        actions[-1] = -1
        ends.append(len(ids))
    return np.array(ids), np.array(actions, np.int8), np.array(ends)


def test_moves_and_what_does_not_go_along_are_found(walks):
    ids, actions, _ = walks
    moves, fixed = find_moves(ids, actions, 5, (ROWS, COLUMNS), seed=0)
    assert moves == MOVES
    assert fixed == (PLAYER, *INVENTORY)


def test_a_picture_that_moves_by_no_whole_tokens_has_no_moves(walks):
    ids, actions, _ = walks
    rng = np.random.default_rng(1)
    for other in (rng.integers(0, CODES, ids.shape), np.zeros_like(ids)):
        assert find_moves(other, actions, 5, (ROWS, COLUMNS), seed=0)[0] == ((0, 0),) * 5


def test_of_a_few_frames_a_dynamics_is_fitted_without_a_map(walks, capsys):
    config = DynamicsConfig(
        num_tokens=ROWS * COLUMNS, num_codes=CODES, num_actions=5, dim=8, heads=2, layers=1,
        band=2, grid=(ROWS, COLUMNS),
    )  # fmt: skip
    model, (ids, actions, _) = Dynamics(config), walks
    for frames, mapped in ((len(ids), True), (30, False)):
        part = SimpleNamespace(
            ids=ids[:frames], actions=np.append(actions[: frames - 1], -1), num_actions=5
        )
        assert (add_map(model, part, 0).config.moves is not None) == mapped
        assert ("more video" in capsys.readouterr().out) != mapped


def test_a_map_that_a_world_has_stays_where_no_moves_are_seen(capsys):
    """It was said to be fitted without one, and kept it."""
    layout = {"grid": (ROWS, COLUMNS), "moves": ((0, 0), (0, 1))}
    config = DynamicsConfig(
        num_tokens=ROWS * COLUMNS, num_codes=CODES, num_actions=2, dim=8, heads=2, layers=1,
        band=2, **layout,
    )  # fmt: skip
    still = SimpleNamespace(
        ids=np.zeros((40, ROWS * COLUMNS), np.int64), actions=np.append([0] * 39, -1), num_actions=2
    )
    assert add_map(Dynamics(config), still, 0).config.moves == layout["moves"]
    assert "keeping the map that the world has" in capsys.readouterr().out


def test_an_action_that_never_occurs_moves_nothing(walks):
    ids, actions, _ = walks
    moves, _ = find_moves(ids, actions, 6, (ROWS, COLUMNS), seed=0)
    assert moves == (*MOVES, (0, 0))


def test_each_episode_has_a_map_of_its_own_and_what_it_recalls_is_true(walks):
    ids, actions, ends = walks
    layout = MapLayout((ROWS, COLUMNS), MOVES, (PLAYER, *INVENTORY), CODES)
    recalled = recalled_tokens(ids, actions, ends, layout)
    assert recalled.dtype == np.uint16 and recalled.shape == ids.shape
    begins = np.concatenate([[0], ends[:-1]])
    assert (recalled[begins] == CODES).all()
    known = recalled != CODES
    assert 0.02 < known.mean() < 0.2
    moved = np.zeros(len(ids), bool)
    moved[1:] = (ids[1:] != ids[:-1]).mean(1) > 0.5
    assert (recalled == ids)[known & moved[:, None]].mean() > 0.99
