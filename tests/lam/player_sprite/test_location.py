import pytest
import torch
from torch import Tensor

from lam.player_sprite.location import camera_shift, find_sprite, motion_residual

SIDE, MARGIN = 32, 16


def world(seed: int = 0) -> Tensor:
    """A smooth scenery, larger than the frame, (3, 64, 64) in [0, 1]."""
    noise = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(noise, size=2 * SIDE, mode="bilinear")[0]


def view(scenery: Tensor, top: int, left: int) -> Tensor:
    return scenery[:, MARGIN + top : MARGIN + top + SIDE, MARGIN + left : MARGIN + left + SIDE]


@pytest.mark.parametrize("step", [(0, 0), (3, 0), (0, -2), (5, -5)])
def test_the_camera_is_found_where_it_went(step):
    scenery = world()
    shift = camera_shift(view(scenery, 0, 0)[None], view(scenery, *step)[None])
    assert shift.tolist() == [list(step)]


def test_a_camera_faster_than_the_radius_is_not_found_and_a_larger_radius_finds_it():
    scenery = world()
    pair = view(scenery, 0, 0)[None], view(scenery, 0, 7)[None]
    assert camera_shift(*pair).tolist() != [[0, 7]]
    assert camera_shift(*pair, radius=8).tolist() == [[0, 7]]


def residual_of(before: Tensor, after: Tensor) -> Tensor:
    return motion_residual(before, after, camera_shift(before, after))


def test_a_plain_frame_has_not_moved():
    plain = torch.full((1, 3, SIDE, SIDE), 0.5)
    assert camera_shift(plain, plain).tolist() == [[0, 0]]


def test_a_shift_of_the_camera_explains_every_pixel():
    scenery = world()
    before = torch.stack([view(scenery, 0, 0)] * 3)
    after = torch.stack([view(scenery, 2, -1), view(scenery, 0, 4), view(scenery, 0, 0)])
    assert not residual_of(before, after).any()


def test_half_a_pixel_explains_every_pixel_too():
    scenery = world()
    half = (view(scenery, 0, 0) + view(scenery, 0, 1)) / 2
    marked = residual_of(view(scenery, 0, 0)[None], half[None])
    assert not marked[:, :, :-1].any()  # half of what enters is in the last column


def test_what_enters_at_the_border_is_no_residual():
    scenery = torch.rand(3, 2 * SIDE, 2 * SIDE, generator=torch.Generator().manual_seed(3))
    marked = residual_of(view(scenery, 0, 0)[None], view(scenery, 3, 0)[None])
    assert not marked.any()


def walk(count: int = 40) -> tuple[Tensor, Tensor]:
    """Frames under a camera that follows a sprite of 4 × 3 pixels, which changes its colours."""
    generator = torch.Generator().manual_seed(1)
    scenery = world()
    steps = torch.randint(-3, 4, (count, 2), generator=generator)
    before = torch.stack([view(scenery, 0, 0)] * count)
    after = torch.stack([view(scenery, *step) for step in steps.tolist()])
    for frames in (before, after):
        frames[:, :, 14:18, 20:23] = (torch.rand(count, 3, 4, 3, generator=generator) > 0.5).float()
    return before, after


def test_a_sprite_that_moves_against_the_frame_is_marked_and_nothing_else():
    marked = residual_of(*walk())
    assert marked[:, 14:18, 20:23].float().mean() > 0.4
    # A sprite leaves a trail of scenery that comes into view: at most its own size, beside it.
    marked[:, 10:22, 16:27] = False
    assert marked.float().mean() < 0.01


def test_the_box_is_the_sprite():
    assert find_sprite(residual_of(*walk()).float().mean(dim=0)) == (14, 20, 4, 3)


def test_a_lone_high_residual_far_away_does_not_widen_the_box():
    residual = torch.zeros(SIDE, SIDE)
    residual[10:14, 10:13] = 0.4
    residual[30, 2] = 0.3
    assert find_sprite(residual) == (10, 10, 4, 3)


def test_a_part_that_changes_seldom_belongs_to_it_and_its_surroundings_do_not():
    residual = torch.full((SIDE, SIDE), 0.01)
    residual[8:10, 10:12] = 0.08  # the head
    residual[10:14, 10:13] = 0.4
    residual[10:14, 9] = 0.03  # scenery that it covers now and then
    residual[12, 9] = 0.05
    assert find_sprite(residual) == (8, 10, 6, 3)


def test_a_sprite_may_stand_in_a_corner():
    residual = torch.zeros(SIDE, SIDE)
    residual[0:2, SIDE - 2 :] = 0.5
    assert find_sprite(residual) == (0, SIDE - 2, 2, 2)


@pytest.mark.parametrize("residual", [torch.zeros(SIDE, SIDE), torch.rand(SIDE, SIDE) + 1])
def test_where_nothing_or_everything_moves_there_is_no_sprite(residual):
    assert find_sprite(residual) is None


@pytest.mark.parametrize(
    ("changed", "box"),
    [
        ({"least": 0.3}, (10, 10, 4, 3)),  # without the head
        ({"edge": 0.01}, (8, 9, 6, 4)),  # with the scenery beside it
        ({"largest": 0.01}, None),
    ],
)
def test_other_numbers_find_another_box(changed, box):
    residual = torch.full((SIDE, SIDE), 0.01)
    residual[8:10, 10:12] = 0.08
    residual[10:14, 10:13] = 0.4
    residual[10:14, 9] = 0.05
    assert find_sprite(residual, **changed) == box
