"""Actions read off how the picture flows."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from genie.registry import model_record, new_model
from lam.bases import base_record, read_base
from lam.camera_flow.config import CameraFlowConfig
from lam.camera_flow.flow import measure_flow
from lam.camera_flow.keys import FlowKeys, fit_flow_keys
from lam.camera_flow.model import CameraFlowModel

REACH = (4, 6)


def texture(seed=0, side=160):
    """A smooth random picture, float32 (1, 3, side, side)."""
    noise = torch.rand(1, 3, side // 4, side // 4, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(noise, (side, side), mode="bicubic").clamp(0, 1)


def view(picture, row=40.0, column=40.0, zoom=1.0, size=(48, 64)):
    """What a camera sees of a picture, whose middle is moved and enlarged."""
    height, width = size
    y = (torch.arange(height) - height / 2 + 0.5) / zoom + height / 2 + row
    x = (torch.arange(width) - width / 2 + 0.5) / zoom + width / 2 + column
    side = picture.shape[-1]
    grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1)[None]
    return F.grid_sample(picture, 2 * (grid + 0.5) / side - 1, align_corners=False)


@pytest.mark.parametrize("size", [(48, 64), (64, 64), (96, 128), (50, 70)])
@pytest.mark.parametrize(("down", "right"), [(0, 3), (0, -3), (2, 0), (-2, 1.5)])
def test_a_camera_that_turns_moves_the_picture_one_way(size, down, right):
    factor = max(1, round(min(size) / 64))
    before = view(texture(), size=size)
    after = view(texture(), 40 - down * factor, 40 - right * factor, size=size)
    moved = measure_flow(before, after, REACH)[0]
    assert moved[0] == pytest.approx(right, abs=0.35)
    assert moved[1] == pytest.approx(down, abs=0.35)
    assert moved[2:].abs().max() < 0.4


@pytest.mark.parametrize("zoom", [1.06, 1 / 1.06])
def test_a_step_ahead_moves_the_sides_apart(zoom):
    flow = measure_flow(view(texture()), view(texture(), zoom=zoom), REACH)[0]
    grows = (zoom - 1) * torch.tensor([24.0, 16.0])  # at the middles of the outer blocks
    assert torch.allclose(flow[2:], grows, atol=0.5)
    assert flow[:2].abs().max() < 0.3


def test_nothing_flows_where_nothing_changes():
    before = view(texture())
    assert measure_flow(before, before, REACH).abs().max() == 0


def drawn_flow(seed, episodes=8, length=200, hold=0.9):
    """Flow (E, S, 5) of keys that are held: still, left, right, ahead; and the keys (E, S)."""
    rng = np.random.default_rng(seed)
    means = np.array([[0, 0, 0, 0], [-3, 0, 0, 0], [3, 0, 0, 0], [0, 0, 1.5, 1]])
    keys = np.zeros((episodes, length), int)
    for t in range(1, length):
        new = rng.integers(0, 4, episodes)
        keys[:, t] = np.where(rng.random(episodes) < hold, keys[:, t - 1], new)
    flow = means[keys] + 0.8 * rng.standard_normal((episodes, length, 4))
    seen = np.ones((episodes, length, 1))
    return torch.from_numpy(np.concatenate((flow, seen), axis=2)).float(), torch.from_numpy(keys)


def test_keys_are_found_and_read_better_along_the_episode_than_one_by_one():
    flow, true = drawn_flow(0)
    keys = FlowKeys(4)
    likelihood = fit_flow_keys(keys, flow, torch.Generator().manual_seed(1))
    read = keys.most_likely(keys.scores(flow))
    single = keys.scores(flow).argmax(dim=2)

    def agreement(found):
        table = torch.zeros(4, 4)
        table.index_put_((found.flatten(), true.flatten()), torch.ones(found.numel()), True)
        return float(table.max(dim=1).values.sum() / found.numel())

    assert agreement(read) > 0.97 > agreement(single) > 0.8
    assert float(keys.hold) == pytest.approx(0.925, abs=0.02)
    assert sorted(keys.ways()) == ["ahead", "left", "nowhere", "right"]
    fewer = fit_flow_keys(FlowKeys(3), flow, torch.Generator().manual_seed(1))
    assert likelihood > fewer + 0.2


def test_what_lies_behind_the_end_of_an_episode_tells_nothing():
    flow, _ = drawn_flow(0, episodes=2, length=60)
    model = CameraFlowModel(CameraFlowConfig(height=48, width=64, num_actions=4, channels=4))
    fit_flow_keys(model.encoder.keys, flow, torch.Generator().manual_seed(1))
    padded = F.pad(flow, (0, 0, 0, 40))
    assert torch.equal(model.read(padded)[:, :60], model.read(flow))


def test_frames_become_keys_and_the_decoder_draws_them():
    torch.manual_seed(0)
    config = CameraFlowConfig(height=48, width=64, num_actions=4, channels=4)
    model = CameraFlowModel(config).eval()
    flow, _ = drawn_flow(0)
    fit_flow_keys(model.encoder.keys, flow, torch.Generator().manual_seed(1))
    model.start_codes(torch.eye(4))
    steps = [0, 0, 0, 0, 3, 3, 3, 3, -3, -3, -3, -3]
    columns = 40 - np.cumsum([0, *steps])
    frames = torch.cat([view(texture(), column=column) for column in columns])[None]
    read = model.infer(frames)[0].tolist()
    assert [len(set(read[part : part + 4])) for part in (0, 4, 8)] == [1, 1, 1]
    assert len({read[0], read[4], read[8]}) == 3
    assert model.predict(frames[0, :2], torch.tensor([0, 1])).shape == (2, 3, 48, 64)
    described, observed = model.describe(frames[0, :2], frames[0, 1:3])
    assert described.shape == (2, model.encoder.num_features) and observed.shape == (2, 5)


def test_a_record_is_read_back_and_wrong_sizes_are_refused():
    config = CameraFlowConfig(height=48, width=64, num_actions=6, channels=4, reach=(3, 5))
    record = model_record("lam", CameraFlowModel(config))
    assert record["kind"] == "camera_flow" and record["config"]["reach"] == [3, 5]
    assert CameraFlowConfig.from_json(config.to_json()) == config
    assert read_base(base_record(config)) == config
    values = {"num_actions": 6, "channels": 4, "height": 48, "width": 64}
    made = new_model("lam", "camera_flow", values)
    assert made.config.reach == REACH
    with pytest.raises(ValueError, match="1 to 16"):
        CameraFlowConfig(height=48, width=64, num_actions=6, reach=(0, 5))


def test_too_few_transitions_are_refused_with_what_to_do():
    flow, _ = drawn_flow(0, episodes=1, length=3)
    with pytest.raises(ValueError, match="3 transitions .* do not tell 4 keys .*longer videos"):
        fit_flow_keys(FlowKeys(4), flow, torch.Generator().manual_seed(1))


def test_episodes_of_a_single_transition_hold_nothing_on():
    flow, _ = drawn_flow(0, episodes=40, length=1)
    keys = FlowKeys(4)
    assert np.isfinite(fit_flow_keys(keys, flow, torch.Generator().manual_seed(1)))
    assert float(keys.hold) == 0.25
