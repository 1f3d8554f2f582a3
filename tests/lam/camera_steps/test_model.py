"""Actions read off the steps of a camera."""

import itertools

import pytest
import torch
from torch import Tensor

from genie.registry import build_model, model_record
from lam.camera_steps.config import CameraStepsConfig
from lam.camera_steps.keys import PossibleKeys
from lam.camera_steps.model import CameraStepsModel
from lam.camera_steps.surroundings import CellNet, crop_cells
from spacetime.pixels import enlarged

STEPS = ((0, 8), (0, -8), (8, 0), (-8, 0))


def config(**changed) -> CameraStepsConfig:
    values = {"height": 48, "width": 40, "num_actions": 5, "channels": 4, "steps": STEPS}
    return CameraStepsConfig(**{**values, "view": (0, 0, 40, 40), **changed})


@pytest.fixture(scope="module")
def scene() -> Tensor:
    return torch.rand(1, 3, 120, 120, generator=torch.Generator().manual_seed(0))


def shown(scene: Tensor, top: int, left: int) -> Tensor:
    """A view of a scene with the player in its middle, above a strip that stands still."""
    frame = torch.cat((scene[:, :, top : top + 40, left : left + 40], scene[:, :, :8, :40]), dim=2)
    frame[:, :, 16:24, 16:24] = 0.5
    return frame


# Steps --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", range(5))
def test_the_step_is_the_one_after_which_the_picture_is_known(scene, code):
    dy, dx = ((0, 0), *STEPS)[code]
    reader = CameraStepsModel(config()).encoder
    before, after = shown(scene, 40, 40), shown(scene, 40 + dy, 40 + dx)
    assert reader.steps_of(before, after).tolist() == [code]


def test_a_change_that_no_step_explains_is_standing_still(scene):
    reader = CameraStepsModel(config()).encoder
    assert reader.steps_of(shown(scene, 40, 40), shown(scene, 44, 40)).tolist() == [0]
    moved = shown(scene, 40, 40)
    moved[:, :, :8, :8] = 0  # something else moves
    assert reader.steps_of(shown(scene, 40, 40), moved).tolist() == [0]


def test_what_is_outside_the_view_or_the_player_tells_nothing(scene):
    reader = CameraStepsModel(config()).encoder
    before, after = shown(scene, 40, 40), shown(scene, 40, 48)
    after[:, :, 40:] = torch.rand(1, 3, 8, 40)
    after[:, :, 16:24, 16:24] = torch.rand(1, 3, 8, 8)
    assert reader.steps_of(before, after).tolist() == [1]
    assert reader.steps_of(
        before, torch.cat((before[:, :, :40], after[:, :, 40:]), 2)
    ).tolist() == [0]


# Surroundings -------------------------------------------------------------------------------------


def test_cells_are_cut_out_around_the_player(scene):
    frame = shown(scene, 40, 40)
    assert torch.equal(crop_cells(frame, config(), 0), frame[:, :, 16:24, 16:24])
    assert torch.equal(crop_cells(frame, config(), 1), frame[:, :, 8:32, 8:32])
    wide = crop_cells(frame, config(), 3)  # beyond the view
    assert wide.shape[-2:] == (56, 56) and torch.equal(wide[:, :, 8:48, 8:48], frame[:, :, :40])
    assert not wide[:, :, :8].any() and not wide[:, :, :, 48:].any()


def test_large_cells_are_shrunk(scene):
    large = enlarged(shown(scene, 40, 40), 2)
    steps = tuple((2 * dy, 2 * dx) for dy, dx in STEPS)
    sizes = config(height=96, width=80, view=(0, 0, 80, 80), steps=steps)
    small = crop_cells(shown(scene, 40, 40), config(), 1)
    assert torch.equal(crop_cells(large, sizes, 1), small)
    assert CellNet(sizes, 1, False)(small).shape == (1, 5)


@pytest.mark.parametrize("own", [True, False])
def test_a_net_sees_the_players_own_cell_only_where_it_should(own):
    torch.manual_seed(0)
    net = CellNet(config(), 1, own).eval()
    crops = torch.rand(2, 3, 24, 24)
    changed = crops.clone()
    changed[:, :, 8:16, 8:16] = torch.rand(2, 3, 8, 8)
    assert torch.equal(net(crops), net(changed)) != own
    changed[:, :, :8, :8] = torch.rand(2, 3, 8, 8)
    assert not torch.equal(net(crops), net(changed))


# Keys ---------------------------------------------------------------------------------------------

ALL = torch.ones(5, dtype=torch.bool)


def allowed(motion, blocked=(), looks=ALL, looked=ALL) -> list[int]:
    walls = torch.zeros(5, dtype=torch.bool)
    walls[list(blocked)] = True
    scores = PossibleKeys.scores(torch.tensor(motion), walls, looks, looked)
    return torch.nonzero(scores == 0)[:, 0].tolist()


def only(*codes) -> Tensor:
    look = torch.zeros(5, dtype=torch.bool)
    look[list(codes)] = True
    return look


def test_a_motion_shows_its_key_whatever_else_is_seen():
    assert allowed(3, blocked=(1, 3), looks=only(2)) == [3]


def test_where_nothing_moves_the_key_is_none_or_one_that_is_blocked():
    assert allowed(0) == [0] and allowed(0, blocked=(1, 4)) == [0, 1, 4]


def test_a_look_that_stays_allows_the_key_it_shows_and_none():
    assert allowed(0, blocked=(1, 4), looks=only(4), looked=only(4)) == [0, 4]


def test_a_player_who_turns_shows_the_key_even_where_nothing_seems_blocked():
    assert allowed(0, blocked=(1,), looks=only(2), looked=only(3)) == [2]


def test_keys_are_drawn_as_often_as_they_are_likely():
    torch.manual_seed(0)
    keys, steps = PossibleKeys(3), 4
    keys.hold.fill_(0.6)
    keys.shares.copy_(torch.tensor([0.5, 0.3, 0.2]))
    scores = torch.where(torch.rand(steps, 3) < 0.3, -2.0, 0.0)
    drawn = keys.draw(scores.expand(6000, -1, -1), torch.arange(6000))
    transition, chances = keys.log_transition(), {}
    for path in itertools.product(range(3), repeat=steps):
        log = keys.shares[path[0]].log() + sum(scores[t, key] for t, key in enumerate(path))
        log = log + sum(transition[a, b] for a, b in itertools.pairwise(path))
        chances[path] = float(log.exp())
    total = sum(chances.values())
    for t, key in itertools.product(range(steps), range(3)):
        wanted = sum(chance for path, chance in chances.items() if path[t] == key) / total
        assert abs(float((drawn[:, t] == key).float().mean()) - wanted) < 0.03
    again = keys.draw(scores.expand(2, -1, -1), torch.tensor([7, 7]))
    assert torch.equal(again[0], again[1]) and torch.equal(again[0], drawn[7])


# The model ----------------------------------------------------------------------------------------


def test_keys_that_something_blocks_are_told_by_what_is_held():
    torch.manual_seed(0)
    model = CameraStepsModel(config()).eval().requires_grad_(False)
    model.start_codes(torch.eye(5))
    model.encoder.keys.hold.fill_(0.9)
    # 1 is blocked in the middle of a run of it; nothing else is.
    observed = torch.ones(1, 7, 16)
    observed[0, :, 0] = torch.tensor([1, 1, 0, 0, 1, 0, 2.0])
    observed[0, 2:4, 1 + 1] = 0.0
    assert model.read(observed).tolist() == [[1, 1, 1, 1, 1, 0, 2]]
    model.encoder.keys.hold.fill_(0.3)
    drawn = model.read(observed.expand(400, -1, -1), torch.arange(400))
    assert set(drawn[:, 2].tolist()) == {0, 1} and set(drawn[:, 5].tolist()) == {0}
    assert 0.5 < float((drawn[:, 2] == 1).float().mean()) < 0.95


def test_codes_without_a_step_are_never_read(scene):
    model = CameraStepsModel(config(num_actions=7)).eval().requires_grad_(False)
    model.start_codes(torch.eye(7))
    frames = torch.stack([shown(scene, 40, 40)] * 6, dim=1)
    assert int(model.infer(frames).max()) <= 4


def test_its_record_builds_it_again():
    model = CameraStepsModel(config())
    record = model_record("lam", model)
    assert record["kind"] == "camera_steps" and record["config"]["steps"][0] == [0, 8]
    again = build_model("lam", record)
    assert again.config == model.config and set(again.state_dict()) == set(model.state_dict())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"view": (0, 0, 56, 40)}, "does not lie in frames of 48x40"),
        ({"num_actions": 4}, "more than 4 actions"),
        ({"steps": ((0, 0),)}, "is none, or leads out"),
        ({"steps": ((0, 40),)}, "is none, or leads out"),
        ({"near": 0}, "near be 1 or more"),
        ({"blocked_below": 1.0}, "between 0 and 1"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        config(**wrong)


def test_one_axis_of_steps_makes_square_cells():
    assert config(steps=((0, 8), (0, -8))).cell == (8, 8)
    assert config(steps=((0, 8), (4, 0))).cell == (4, 8)
