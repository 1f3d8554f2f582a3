import pytest
import torch

from lam.health.pictures import code_grid

SIDE = 64
STEP = SIDE + 2  # a picture and the gap before it


def grid_of(amplify: float = 4.0) -> torch.Tensor:
    """Two prompts (dark, bright), three codes: nothing, lighter, darker."""
    before = torch.stack(
        [torch.full((3, SIDE, SIDE), value) for value in (0.2, 0.6)]
    )  # 51 and 153 of 255
    after = torch.stack([before, before + 0.08, before - 0.08])
    return code_grid(before, after, amplify=amplify)


def centre(picture: torch.Tensor, row: int, column: int, prompt: int) -> int:
    """Brightness in the middle of one view; prompts are three views and a gap wide."""
    y = row * STEP + STEP // 2
    x = prompt * (3 * STEP + 2) + column * STEP + STEP // 2
    return int(picture[y, x, 0])


def test_picture_is_uint8_and_holds_every_view():
    picture = grid_of()
    assert picture.dtype == torch.uint8
    assert picture.shape == (3 * STEP + 2, 2 * (3 * STEP + 2), 3)


def test_rows_are_codes_and_columns_before_after_difference():
    picture = grid_of()
    for prompt, brightness in enumerate((0.2, 0.6)):
        for row, change in enumerate((0.0, 0.08, -0.08)):
            assert centre(picture, row, 0, prompt) == round(255 * brightness)
            assert centre(picture, row, 1, prompt) == round(255 * (brightness + change))
            assert centre(picture, row, 2, prompt) == pytest.approx(128 + 4 * 255 * change, abs=1)


def test_amplification_is_applied_to_the_difference_only():
    weak, strong = grid_of(1.0), grid_of(4.0)
    assert centre(weak, 1, 1, 0) == centre(strong, 1, 1, 0)
    assert centre(weak, 1, 2, 0) == pytest.approx(128 + 255 * 0.08, abs=1)


def test_every_pixel_lands_upright_and_unmirrored():
    before = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    picture = code_grid(before, before.flip(-1)[None])
    assert torch.equal(picture[2 : 2 + SIDE, 2 : 2 + SIDE], to_bytes(before[0]))
    right = picture[2 : 2 + SIDE, 2 + STEP : 2 + STEP + SIDE]
    assert torch.equal(right, to_bytes(before[0].flip(-1)))


def to_bytes(picture: torch.Tensor) -> torch.Tensor:
    return (picture * 255).round().byte().movedim(0, -1)


def test_small_frames_are_enlarged_sharply():
    before = torch.zeros(1, 3, 16, 32, dtype=torch.uint8)
    before[..., 0, 0] = 255
    picture = code_grid(before, before[None])
    assert picture.shape == (64 + 4, 3 * (128 + 2) + 2, 3)
    assert picture[2:6, 2:6].min() == 255
    assert picture[6:66, 2:130].max() == 0


def test_uint8_and_float_draw_the_same():
    frames = torch.randint(0, 256, (2, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    whole, unit = frames.byte(), frames.float() / 255
    after = (255 - whole, 1 - unit)
    assert torch.equal(code_grid(whole, after[0][None]), code_grid(unit, after[1][None]))


def test_shapes_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="after_by_code"):
        code_grid(torch.zeros(2, 3, 8, 8), torch.zeros(1, 3, 3, 8, 8))
    with pytest.raises(ValueError, match="at least one prompt"):
        code_grid(torch.zeros(0, 3, 8, 8), torch.zeros(1, 0, 3, 8, 8))
    with pytest.raises(ValueError, match="amplify"):
        code_grid(torch.zeros(1, 3, 8, 8), torch.zeros(1, 1, 3, 8, 8), amplify=0)
