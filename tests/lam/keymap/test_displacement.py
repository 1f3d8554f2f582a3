import pytest
import torch
from torch.nn import functional

from lam.keymap.displacement import measure_displacement


def textured(count: int, side: int, seed: int = 0) -> torch.Tensor:
    """Draw smooth random pictures, uint8 (count, 3, side, side)."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, side // 4, side // 4, generator=generator)
    smooth = functional.interpolate(coarse, size=(side, side), mode="bilinear")
    return (smooth * 255).to(torch.uint8)


@pytest.mark.parametrize("shift", [(3, 0), (-2, 0), (0, 5), (0, -7), (4, -6)])
def test_whole_pixel_shift_of_the_scene_is_found(shift):
    dx, dy = shift
    scene = textured(3, 96)
    before = scene[..., 16:80, 16:80]
    after = scene[..., 16 - dy : 80 - dy, 16 - dx : 80 - dx]
    found = measure_displacement(before, after)
    assert found.moved.all()
    assert (found.shift - torch.tensor([dx, dy])).abs().max() < 0.3
    assert (found.spread > 0.9).all()


def test_half_a_pixel_is_seen_as_less_than_a_whole_one():
    scene = textured(4, 96).float() / 255
    one = scene[..., 16:80, 15:79]
    none = scene[..., 16:80, 16:80]
    half = measure_displacement(none, (one + none) / 2).shift[:, 0]
    whole = measure_displacement(none, one).shift[:, 0]
    assert ((half > 0.2) & (half < 0.8)).all()
    assert (whole > 0.8).all()


def test_equal_frames_have_not_moved():
    scene = textured(2, 64)
    found = measure_displacement(scene, scene)
    assert not found.moved.any()
    assert found.shift.abs().max() == 0
    assert found.changed_share.max() == 0
    assert found.spread.max() == 0


def test_noise_of_compression_is_not_motion():
    scene = textured(4, 64).int()
    noise = torch.randint(-6, 7, scene.shape, generator=torch.Generator().manual_seed(1))
    found = measure_displacement(scene.byte(), (scene + noise).clamp(0, 255).byte())
    assert not found.moved.any()


def test_a_change_that_no_shift_explains_has_not_moved():
    noise = torch.rand(2, 6, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    found = measure_displacement(noise[0], noise[1])
    assert (found.changed_share > 0.5).all()
    assert not found.moved.any()
    assert found.shift.abs().max() == 0


def test_shift_of_a_large_frame_is_in_its_own_pixels():
    scene = textured(2, 288)
    before = scene[..., 16:272, 16:272]
    after = scene[..., 16:272, 4:260]
    found = measure_displacement(before, after)
    assert (found.shift - torch.tensor([12.0, 0.0])).abs().max() < 2


def test_batches_do_not_change_the_result():
    scene = textured(5, 96)
    before, after = scene[..., 16:80, 16:80], scene[..., 16:80, 14:78]
    together = measure_displacement(before, after)
    apart = measure_displacement(before, after, batch=2)
    assert torch.equal(together.shift, apart.shift)
    assert torch.equal(together.moved, apart.moved)
    assert torch.equal(together.spread, apart.spread)


def test_frames_that_are_not_pictures_are_refused():
    with pytest.raises(ValueError, match="channels before height"):
        measure_displacement(torch.zeros(1, 8, 8, 3), torch.zeros(1, 8, 8, 3))
    with pytest.raises(ValueError, match="one shape"):
        measure_displacement(torch.zeros(1, 3, 8, 8), torch.zeros(2, 3, 8, 8))
    with pytest.raises(ValueError, match="uint8 or floating"):
        zeros = torch.zeros(1, 3, 8, 8, dtype=torch.int64)
        measure_displacement(zeros, zeros)
    with pytest.raises(ValueError, match="no transitions"):
        measure_displacement(torch.zeros(0, 3, 8, 8), torch.zeros(0, 3, 8, 8))


def tiles(count: int, landmarks: int, shift: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """A ground of equal 8 × 8 tiles with some odd ones, and the same seen a tile further."""
    generator = torch.Generator().manual_seed(1)
    tile, odd = torch.rand(2, 3, 8, 8, generator=generator)
    ground = tile.repeat(count, 1, 9, 9)  # (P, 3, 72, 72)
    for scene in ground:
        # The last column stays plain: an odd tile there would come in again on the other side.
        for cell in torch.randperm(72, generator=generator)[:landmarks].tolist():
            row, column = 8 * (cell // 8), 8 * (cell % 8)
            scene[:, row : row + 8, column : column + 8] = odd
    return ground, ground.roll(shift, dims=-1)


def test_a_ground_of_equal_tiles_does_not_hide_that_the_camera_moves():
    found = measure_displacement(*tiles(count=20, landmarks=5, shift=8))
    assert found.moved.all() and (found.shift[:, 0] - 8).abs().max() < 0.6
    assert (found.spread > 0.5).all()


def test_one_tile_that_moves_over_a_ground_of_equal_tiles_is_no_camera():
    before, after = tiles(count=20, landmarks=1, shift=8)
    found = measure_displacement(before, after)
    assert found.moved.all() and (found.spread < 0.5).all()


def test_things_that_move_alike_before_walls_that_stand_are_no_camera():
    before, after = torch.full((2, 1, 3, 80, 64), 0.2)
    for frame in (before, after):  # the walls and the score
        frame[0, :, 8:12], frame[0, :, 74:78] = 0.9, 0.9
        frame[0, :, 1:6, 10:14] = frame[0, :, 1:6, 50:54] = 0.6
    for frame, rows in ((before, (20, 50, 33)), (after, (24, 54, 37))):
        for row, column in zip(rows, (4, 58, 30), strict=True):
            frame[0, :, row : row + 8, column : column + 2] = 0.8
    found = measure_displacement(before, after)
    assert found.moved[0] and found.shift[0].tolist() == pytest.approx([0, 4], abs=0.6)
    assert found.spread[0] == 0
    whole = measure_displacement(before, before.roll(4, dims=2))
    assert whole.spread[0] > 0.5
