import pytest
import torch

from spacetime.pixels import CHANGED_LEVELS, changed_pixels, shrink


def test_a_pixel_changes_where_one_channel_differs_by_more_than_the_threshold():
    before = torch.zeros(2, 3, 4, 5)
    after = before.clone()
    after[0, 2, 1, 3] = (CHANGED_LEVELS + 1) / 255
    after[1, :, 0, 0] = (CHANGED_LEVELS - 1) / 255
    expected = torch.zeros(2, 4, 5, dtype=torch.bool)
    expected[0, 1, 3] = True
    assert torch.equal(changed_pixels(before, after), expected)
    assert torch.equal(changed_pixels(after, before), expected)
    assert not changed_pixels(before, after, threshold=12 / 255).any()


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_a_shrunk_pixel_is_the_mean_or_the_middle_of_those_it_is_made_of(factor):
    frames = torch.rand(2, 5, 3, 4 * factor, 6 * factor)
    blocks = frames.unflatten(-1, (6, factor)).unflatten(-3, (4, factor))
    torch.testing.assert_close(shrink(frames, factor, "mean"), blocks.mean(dim=(-3, -1)))
    middle = blocks[..., factor // 2, :, factor // 2]
    assert torch.equal(shrink(frames, factor, "middle"), middle)
    assert torch.equal(shrink(frames[0, 0], factor, "middle"), middle[0, 0])
