"""The model that reads named actions: its record, and reading along episodes."""

import json

import pytest
import torch

from genie.registry import build_model, model_record
from lam.camera_flow.config import CameraFlowConfig
from lam.config import LatentActionConfig
from lam.labelled.config import LabelledConfig
from lam.labelled.model import LabelledActionModel
from lam.moving_player.config import MovingPlayerConfig, ScrollingPlayerConfig
from lam.player_sprite.config import SpriteActionConfig

SIZES = {"height": 16, "width": 16, "channels": 4, "num_actions": 4}
BASES = (
    LatentActionConfig(**SIZES),
    SpriteActionConfig(**SIZES, box=(4, 4, 5, 5), search_radius=2),
    MovingPlayerConfig(**SIZES),
    ScrollingPlayerConfig(**SIZES),
    CameraFlowConfig(**SIZES),
)


@pytest.fixture(params=BASES, ids=lambda base: type(base).__name__)
def model(request):
    torch.manual_seed(0)
    config = LabelledConfig(base=request.param, num_actions=3, names=("left", "right", "none"))
    model = LabelledActionModel(config).eval()
    model.encoder.base.start_codes(torch.randn(64, request.param.code_size))
    model.start_codes(torch.eye(3))
    torch.nn.init.normal_(model.encoder.to_action.weight, std=3.0)
    return model


def test_a_record_and_weights_give_the_same_model(model):
    record = json.loads(json.dumps(model_record("lam", model)))
    again = build_model("lam", record).eval()
    again.load_state_dict(model.state_dict())
    assert again.config == model.config
    frames = torch.rand(2, 6, 3, 16, 16)
    actions = model.infer(frames)
    assert actions.shape == (2, 5) and actions.max() < 3
    assert torch.equal(actions, again.infer(frames))


def test_what_stands_behind_an_episode_changes_nothing(model):
    observed = model.observe(torch.rand(1, 9, 3, 16, 16))
    alone = model.read(observed)
    padded = model.read(torch.cat((observed, torch.zeros_like(observed)), dim=1))
    assert torch.equal(padded[:, :8], alone)


def test_a_base_of_another_kind_or_size_is_refused():
    record = LabelledConfig(base=BASES[0], num_actions=3).to_json()
    with pytest.raises(ValueError, match="labels refine"):
        LabelledConfig.from_json(record | {"base": {"kind": "other"}})
    with pytest.raises(ValueError, match="as many different names"):
        LabelledConfig.from_json(record | {"names": ["a", "b", "b"]})
    huge = record | {"base": record["base"] | {"channels": 1 << 20}}
    with pytest.raises(ValueError, match="channels of LatentActionConfig"):
        build_model("lam", {"kind": "labelled", "config": huge})


def test_keys_are_named_by_the_player_of_a_base_that_finds_one(model):
    finds_one = isinstance(model.config.base, MovingPlayerConfig)
    assert (model.measure_player is not None) == finds_one
