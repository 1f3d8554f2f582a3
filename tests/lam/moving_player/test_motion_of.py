"""Which motion a player's step is."""

import pytest
import torch

from lam.held_keys import MISSING
from lam.moving_player.config import MovingPlayerConfig
from lam.moving_player.model import PlayerReader

NONE, RIGHT, LEFT = range(3)


@pytest.fixture(params=[3, 5])
def reader(request):
    """Of a paddle that moves by twelve pixels a frame, with as many keys or more."""
    config = MovingPlayerConfig(height=112, width=80, num_actions=request.param, channels=4)
    reader = PlayerReader(config)
    reader.motions[:3] = torch.tensor([[0.0, 0.0], [0.0, 12.0], [0.0, -12.0]])
    return reader


@pytest.mark.parametrize(
    ("step", "motion"),
    [
        ((0.0, 12.0), RIGHT),
        ((0.0, -12.0), LEFT),
        ((0.0, 4.2), RIGHT),  # the first one of a key
        ((0.0, -4.2), LEFT),
        ((0.5, 2.0), NONE),
        ((0.0, -1.0), NONE),
        ((3.0, 0.0), NONE),
        ((0.0, 0.0), NONE),
        ((0.0, 40.0), MISSING),  # another thing
    ],
)
def test_a_part_of_a_step_is_a_motion_and_a_tremble_is_none(reader, step, motion):
    observed = torch.tensor([[[101.0, 40.0, *step, 0.9]], [[101.0, 40.0, *step, 0.1]]])
    assert reader.motion_of(observed).tolist() == [[motion], [MISSING]]
