import pytest
import torch

from spacetime.patches import check_patch_grid, patchify, unpatchify


@pytest.mark.parametrize(("height", "width", "patch"), [(8, 12, 4), (16, 8, 8), (6, 6, 1)])
@pytest.mark.parametrize("lead", [(), (2,), (2, 3)])
def test_unpatchify_inverts_patchify(height, width, patch, lead):
    frames = torch.rand(*lead, 3, height, width)
    patches = patchify(frames, patch)
    assert patches.shape == (*lead, height * width // patch**2, 3 * patch**2)
    assert torch.equal(unpatchify(patches, height, width, patch), frames)
    assert torch.equal(patchify(unpatchify(patches, height, width, patch), patch), patches)


def test_patches_are_numbered_row_by_row():
    frame = torch.rand(3, 8, 12)
    patches = patchify(frame, 4)
    for place, (row, column) in enumerate((r, c) for r in range(2) for c in range(3)):
        cut = frame[:, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        assert torch.equal(patches[place], cut.flatten())


def test_the_grid_has_rows_then_columns():
    assert check_patch_grid(8, 12, 4) == (2, 3)


@pytest.mark.parametrize(
    ("height", "width", "patch"), [(9, 12, 4), (8, 13, 4), (0, 8, 4), (8, 8, 0), (8, 8, -4)]
)
def test_a_patch_that_does_not_divide_the_frame_is_refused(height, width, patch):
    with pytest.raises(ValueError, match="--size") as error:
        check_patch_grid(height, width, patch)
    assert f"{height}x{width}" in str(error.value)
    assert "\n" not in str(error.value)
