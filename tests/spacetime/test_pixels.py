import torch

from spacetime.pixels import CHANGED_LEVELS, changed_pixels


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
