"""Keys are named by what the player does, not by what else moves."""

import pytest
import torch

from lam.keymap.keymap import derive_keymap
from lam.moving_player.config import MovingPlayerConfig
from lam.moving_player.model import MovingPlayerModel

HEIGHT, WIDTH = 32, 32
STEPS = {"none": 0, "right": 3, "left": -3}


@pytest.fixture
def breakout():
    """A ball falls, whatever the paddle at the bottom does: frames before, after, and codes."""
    pairs, codes = [], []
    for number in range(30):
        code = number % 3
        step = list(STEPS.values())[code]
        pair = torch.zeros(2, 3, HEIGHT, WIDTH)
        for frame, moved, row in zip(
            pair, (0, step), (6 + number % 8, 10 + number % 8), strict=True
        ):
            frame[:, row : row + 2, number % 20 + 5] = 1.0
            column = 12 + number % 5 + moved
            frame[:, 28:30, column : column + 6] = 0.8
        pairs.append(pair)
        codes.append(code)
    before, after = torch.stack(pairs).unbind(dim=1)
    return before, after, torch.tensor(codes)


@pytest.fixture
def model(monkeypatch):
    """A model whose detector returns where the paddle was drawn."""
    config = MovingPlayerConfig(height=HEIGHT, width=WIDTH, num_actions=3, channels=4)
    model = MovingPlayerModel(config).eval()
    model.encoder.motions.copy_(torch.tensor([[0.0, 0.0], [0.0, 3.0], [0.0, -3.0]]))

    def locate(frames):
        columns = (frames[:, 0, 28] > 0.5).float()
        where = torch.arange(WIDTH) + 0.5
        middle = (columns * where).sum(dim=1) / columns.sum(dim=1)
        return torch.stack((torch.full_like(middle, 29), middle), dim=1), torch.ones(len(frames))

    monkeypatch.setattr(model.encoder.detector, "locate", locate)
    return model


def test_the_steps_of_the_player_are_measured(breakout, model):
    before, after, codes = breakout
    found = model.measure_player(before, after)
    wanted = torch.tensor([[step, 0.0] for step in STEPS.values()])[codes]
    assert torch.allclose(found.shift, wanted)
    assert torch.equal(found.moved, codes > 0)
    bytes_ = model.measure_player((before * 255).byte(), (after * 255).byte())
    assert torch.allclose(bytes_.shift, wanted)


def test_the_resting_key_is_called_none_though_a_ball_falls(breakout, model):
    keymap = derive_keymap(*breakout, 3, model.measure_player)
    assert keymap.names == tuple(STEPS) and keymap.idle == 0
    assert keymap.actions[1].effect["kind"] == "object"
    assert derive_keymap(*breakout, 3).names != tuple(STEPS)  # by whole frames the ball counts
