"""The map of what was seen, on a world of hashed tokens with a player in the middle."""

import pytest
import torch

from dynamics.model import Dynamics, DynamicsConfig
from dynamics.token_map import MapLayout, MappedCache, TokenMap
from dynamics.translate import translate, with_map

ROWS, COLUMNS, CODES = 5, 6, 50
RIGHT, LEFT, UP, DOWN, REST, NONE = range(6)
MOVES = ((0, 1), (0, -1), (-1, 0), (1, 0), (0, 0))
PLAYER, INVENTORY = 14, 29
PLAYER_CODE, INVENTORY_CODE = 48, 49
LAYOUT = MapLayout((ROWS, COLUMNS), MOVES, (PLAYER, INVENTORY), CODES)


def view(row, column, change=None):
    """Tokens of the picture at a position; the world has 40 kinds of ground."""
    tokens = [
        (change or {}).get((row + y, column + x), hash((row + y, column + x)) % 40)
        for y in range(ROWS)
        for x in range(COLUMNS)
    ]
    tokens[PLAYER], tokens[INVENTORY] = PLAYER_CODE, INVENTORY_CODE
    return tokens


def walk(keys, blocked=(), token_map=None):
    """Walk from (0, 0): the map, and where the picture is at the end."""
    token_map = token_map or TokenMap(LAYOUT)
    at = (0, 0)
    token_map.observe(view(*at), NONE)
    for step, key in enumerate(keys):
        down, right = MOVES[key] if step not in blocked else (0, 0)
        at = at[0] + down, at[1] + right
        token_map.observe(view(*at), key)
    return token_map, at


def unknown(tokens):
    return [token == CODES for token in tokens]


def test_nothing_is_known_of_what_was_never_in_the_picture():
    token_map, _ = walk([RIGHT] * 3)
    entering = token_map.recall(RIGHT)
    # What stood under the player is in sight for the first time, too: it was there before.
    assert [n for n, token in enumerate(entering) if token != CODES] == [PLAYER - 1]
    assert all(unknown(token_map.recall(REST))) and all(unknown(token_map.recall(NONE)))


@pytest.mark.parametrize("away", [1, 3, 20])
def test_what_comes_back_is_what_left(away):
    token_map, (row, column) = walk([RIGHT] * away + [DOWN] * 2 + [LEFT] * away)
    assert (row, column) == (2, 0)
    recalled, true = token_map.recall(UP), view(1, 0)
    known = [n for n in range(COLUMNS) if recalled[n] != CODES]
    assert known == list(range(COLUMNS))
    assert [recalled[n] for n in known] == [true[n] for n in known]


def test_the_players_own_token_and_the_inventory_are_never_recalled_and_never_kept():
    token_map, _ = walk([RIGHT, LEFT] * 3)
    for action in range(NONE):
        recalled = token_map.recall(action)
        assert recalled[PLAYER] == recalled[INVENTORY] == CODES
        assert PLAYER_CODE not in recalled and INVENTORY_CODE not in recalled


def test_a_blocked_key_does_not_move_the_map():
    blocked, at = walk([RIGHT] * 5 + [LEFT] * 3, blocked=(2, 3))
    assert at == (0, 0)
    assert blocked.recall(RIGHT)[COLUMNS - 1] == view(0, 1)[COLUMNS - 1]


def test_a_misread_action_does_not_mislead_the_map():
    token_map, _ = walk([RIGHT] * 4)
    token_map.observe(view(0, 3), REST)  # was LEFT
    token_map.observe(view(1, 3), UP)  # was DOWN
    assert token_map.at == walk([RIGHT] * 3 + [DOWN])[0].at


def test_on_open_ground_an_action_does_what_it_does():
    token_map = TokenMap(LAYOUT)
    open_ground = [7] * (ROWS * COLUMNS)
    for key in (NONE, RIGHT, RIGHT, DOWN):
        token_map.observe(open_ground, key)
    assert token_map.at == 2 * LAYOUT.shifts[RIGHT] + LAYOUT.shifts[DOWN]
    # One thing that goes its own way is no reason to doubt a key.
    thing = list(open_ground)
    thing[3] = 9
    token_map.observe(thing, REST)
    assert token_map.at == 2 * LAYOUT.shifts[RIGHT] + LAYOUT.shifts[DOWN]


def test_another_scene_begins_a_map_anew():
    token_map, _ = walk([RIGHT] * 3)
    token_map.observe([(5 * n) % 40 for n in range(ROWS * COLUMNS)], RIGHT)
    assert all(unknown(token_map.recall(LEFT)[: PLAYER - 3]))


def test_an_edit_is_kept_and_one_of_most_of_the_picture_is_a_new_scene():
    token_map, _ = walk([DOWN] * 2)
    boulder = {(2, 0): 44}
    token_map.observe(view(2, 0, boulder), REST, edited=True)
    for step in range(4):
        token_map.observe(view(2, step + 1), RIGHT)
    for step in range(3):
        token_map.observe(view(2, 3 - step), LEFT)
    assert token_map.recall(LEFT)[0] == 44
    assert token_map.recall(UP)[1] == view(1, 1)[1]
    # A scene that fades in, a fifth of the picture at a time.
    scene = dict.fromkeys(((2 + y, 1 + x) for y in range(ROWS) for x in range(COLUMNS)), 41)
    for part in range(1, 6):
        shown = dict(list(scene.items())[: part * ROWS * COLUMNS // 5])
        token_map.observe(view(2, 1, shown), REST, edited=True)
    assert unknown(token_map.recall(UP))[1]


def test_a_move_out_of_the_picture_is_refused():
    with pytest.raises(ValueError, match="takes all tokens out"):
        MapLayout((2, 2), ((0, 2),), (), 9)


SIZES = {"num_codes": CODES, "num_actions": 5, "dim": 16, "heads": 2, "layers": 2, "band": 3}
MAPPED = DynamicsConfig(
    num_tokens=ROWS * COLUMNS, grid=(ROWS, COLUMNS), moves=MOVES, fixed=(PLAYER,), **SIZES
)


def mapped(seed=0):
    torch.manual_seed(seed)
    model = Dynamics(MAPPED).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.3)
    return model


def clips(frames=7):
    """Two walks: ids (2, T, N), and the actions between them."""
    torch.manual_seed(1)
    actions = torch.randint(0, 4, (2, frames - 1))
    ids = []
    for row in actions.tolist():
        at, tokens = (0, 0), [view(0, 0)]
        for key in row:
            at = at[0] + MOVES[key][0], at[1] + MOVES[key][1]
            tokens.append(view(*at))
        ids.append(tokens)
    return torch.tensor(ids), actions


@torch.inference_mode()
def test_play_with_a_map_computes_what_training_learns():
    model, (ids, actions) = mapped(), clips()
    masked = torch.rand(ids.shape) < 0.5
    recalled = torch.full_like(ids, CODES)
    for rollout in range(2):
        seen = TokenMap(model.map_layout)
        for t in range(ids.shape[1]):
            action = int(actions[rollout, t - 1]) if t else NONE
            recalled[rollout, t] = torch.tensor(seen.recall(action))
            seen.observe(ids[rollout, t].tolist(), action)
    assert (recalled != CODES).any()
    logits = model(ids, actions, masked, recalled=recalled)
    cache = model.new_cache(2)
    assert isinstance(cache, MappedCache)
    for t in range(ids.shape[1]):
        action = actions[:, t - 1] if t else torch.full((2,), NONE)
        drafted = model.draft(ids[:, t].masked_fill(masked[:, t], CODES), action, cache)
        model.commit(ids[:, t], action, cache)
        assert torch.allclose(drafted, logits[:, t], atol=1e-4)
    blind = model(ids, actions, masked, recalled=torch.full_like(ids, CODES))
    assert not torch.allclose(blind, logits, atol=1e-2)


@torch.inference_mode()
def test_a_dynamics_that_gets_a_map_plays_as_before_until_it_has_learned_to_use_it():
    torch.manual_seed(0)
    config = DynamicsConfig(num_tokens=ROWS * COLUMNS, grid=(ROWS, COLUMNS), **SIZES)
    plain = Dynamics(config).eval()
    with_one = with_map(plain, MOVES, (PLAYER,))
    ids, actions = clips()
    recalled = torch.randint_like(ids, CODES + 1)
    masked = torch.ones_like(ids, dtype=torch.bool)
    now = with_one(ids, actions, masked, recalled=recalled)
    assert torch.equal(now, plain(ids, actions, masked))
    assert with_one.config.moves == MOVES and plain.config.moves is None


def test_the_map_goes_along_into_other_token_ids():
    model = mapped()
    order = torch.randperm(CODES)
    rename = torch.eye(CODES)[order]
    other = translate(model, rename, torch.eye(5))
    assert torch.allclose(other.recalled.weight[:-1], model.recalled.weight[order])
    assert torch.equal(other.recalled.weight[-1], model.recalled.weight[-1])
    fewer = translate(model, rename, torch.eye(5)[[UP, LEFT, REST]])
    assert fewer.config.moves == (MOVES[UP], MOVES[LEFT], MOVES[REST])


@pytest.mark.parametrize(
    "wrong",
    [{"moves": MOVES[:3]}, {"moves": MOVES, "grid": None}, {"moves": MOVES, "fixed": (30,)}],
)
def test_moves_that_do_not_fit_are_refused(wrong):
    sizes = {"num_tokens": ROWS * COLUMNS, "grid": (ROWS, COLUMNS), **SIZES, **wrong}
    with pytest.raises(ValueError, match="moves of|fixed tokens"):
        DynamicsConfig(**sizes)


def test_a_copy_goes_on_by_itself():
    token_map, _ = walk([RIGHT])
    fork = token_map.fork()
    fork.observe(view(1, 1), DOWN)
    assert (token_map.at, fork.at) == (LAYOUT.between(0, 1), LAYOUT.between(1, 1))
    assert token_map.recall(RIGHT) == walk([RIGHT])[0].recall(RIGHT)


def test_what_a_picture_shows_elsewhere_is_learned_where_nothing_was_seen():
    token_map, _ = walk([])
    changed = {(0, 5): 41, (0, 6): 42}  # the first was seen from here, the second was not
    token_map.learn(view(0, 3, changed), LAYOUT.between(0, 3))
    assert (token_map.recall(RIGHT)[COLUMNS - 1], view(0, 0)[COLUMNS - 1]) == (42, view(0, 0)[5])
    known = token_map.around(3)
    assert (known[3][3 + 5], known[3][3 + 6]) == (view(0, 0)[5], 42)


def test_around_a_place_lies_what_was_seen_there():
    token_map, _ = walk([RIGHT, RIGHT])
    known = token_map.around(2)
    assert (len(known), len(known[0])) == (ROWS + 4, COLUMNS + 4)
    assert known[2][:2] == view(0, 0)[:2]
    assert unknown(known[0]) == [True] * (COLUMNS + 4)


@pytest.mark.parametrize("place", [(0, 0), (3, -4), (-7, 30), (-1, -1)])
def test_places_differ_by_rows_and_columns(place):
    assert LAYOUT.apart(0, LAYOUT.between(*place)) == place
