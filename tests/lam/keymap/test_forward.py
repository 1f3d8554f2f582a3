"""Steps ahead and back, in first person: the picture grows or shrinks."""

import pytest
import torch
from torch.nn import functional as F

from lam.keymap.keymap import derive_keymap


def walk(zoom, right, generator):
    """Two views of one scene, the second one nearer by `zoom` and turned by some pixels."""
    scene = F.interpolate(torch.rand(1, 3, 32, 32, generator=generator), 128, mode="bicubic")
    places = (torch.arange(64) - 31.5) / 64

    def view(zoom, right):
        x, y = places / zoom + right / 64, places / zoom
        grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1)[None]
        return F.grid_sample(scene, grid, align_corners=False)[0].clamp(0, 1)

    return view(1.0, 0.0), view(zoom, right)


@pytest.fixture(scope="module")
def keymap():
    """Codes: forward, back, turn left, turn right, nothing, each from forty scenes.

    Who goes ahead never looks straight ahead: the picture also moves, now to one side, now to the
    other.
    """
    generator, pairs, codes = torch.Generator().manual_seed(3), [], []
    for number in range(40):
        side = 3.0 if number % 2 else -3.0
        for code, (zoom, right) in enumerate(
            ((1.12, side), (1 / 1.12, side), (1.0, -3.0), (1.0, 3.0), (1.0, 0.0))
        ):
            pairs.append(walk(zoom, right, generator))
            codes.append(code)
    before, after = (torch.stack(frames) for frames in zip(*pairs, strict=True))
    return derive_keymap(before, after, torch.tensor(codes), num_actions=5)


def test_codes_are_named_by_whether_the_picture_grows(keymap):
    assert keymap.names == ("forward", "back", "left", "right", "none")
    assert keymap.idle == 4
    effect = keymap.actions[0].effect
    assert effect["kind"] == "camera" and effect["agreement"] > 0.9


def test_they_have_the_keys_of_the_arrows(keymap):
    assert {"up", "w"} <= set(keymap.actions[0].keys)
    assert {"down", "s"} <= set(keymap.actions[1].keys)
    assert keymap.by_name("up") == 0 and keymap.by_name("forward") == 0
