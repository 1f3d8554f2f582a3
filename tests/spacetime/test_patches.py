import pytest
import torch

from spacetime.patches import check_patch_grid, draw_patches, patch_rows, patchify, unpatchify


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


def test_a_row_holds_the_patches_that_were_asked_for_of_each_clip():
    frames = torch.rand(2, 3, 3, 8, 12)
    patches = torch.tensor([[5, 0], [2, 3]])
    rows = patch_rows(frames, patches, 4)
    assert rows.shape == (2, 3, 3, 4, 8)
    for clip in range(2):
        cut = patchify(frames[clip], 4)[:, patches[clip]]
        assert torch.equal(patchify(rows[clip], 4), cut)


def test_drawn_patches_are_those_to_keep_and_then_any():
    kept = torch.zeros(200, 2, 1, 8, 12, dtype=torch.bool)
    kept[:, 1, 0, 7, 11] = True  # one pixel of patch 5, in the second frame
    kept[:100, 0, 0, 0, 4] = True  # and one of patch 1
    numbers = torch.rand(200, 6, generator=torch.Generator().manual_seed(0))
    drawn = draw_patches(kept, 3, numbers, 4)
    assert drawn.shape == (200, 3) and drawn.dtype == torch.long
    counts = torch.zeros(200, 6).scatter_add(1, drawn, torch.ones(200, 3))
    assert counts.max() == 1
    assert (counts[:, 5] == 1).all() and (counts[:100, 1] == 1).all()
    # One of four others, or two of five.
    torch.testing.assert_close(
        counts[:100].mean(0)[[0, 2, 3, 4]], torch.full((4,), 0.25), atol=0.15, rtol=0
    )
    torch.testing.assert_close(counts[100:].mean(0)[:5], torch.full((5,), 0.4), atol=0.15, rtol=0)


def test_where_there_is_too_much_to_keep_chance_decides():
    numbers = torch.rand(400, 6, generator=torch.Generator().manual_seed(0))
    drawn = draw_patches(torch.ones(400, 1, 1, 8, 12, dtype=torch.bool), 2, numbers, 4)
    shares = torch.bincount(drawn.flatten(), minlength=6) / 400
    torch.testing.assert_close(shares, torch.full((6,), 1 / 3), atol=0.1, rtol=0)
