"""Actions of large frames, read off smaller ones."""

import pytest
import torch

from genie.registry import build_model, model_record
from lam import LatentActionConfig, LatentActionModel
from lam.moving_player.config import MovingPlayerConfig
from lam.shrunk.config import ShrunkConfig
from lam.shrunk.model import ShrunkActionModel
from spacetime.pixels import shrink


@pytest.fixture(params=["mean", "middle"])
def model(request):
    torch.manual_seed(0)
    base = LatentActionConfig(height=16, width=20, num_actions=4, latent=4, channels=8)
    made = ShrunkActionModel(ShrunkConfig(base=base, factor=2, shrinking=request.param)).eval()
    pairs = torch.rand(2, 64, 3, 16, 20)
    made.base.start_codes(made.base.encoder(*pairs).detach())
    return made.requires_grad_(False)


def test_it_reads_what_the_base_reads_off_shrunk_frames(model):
    frames = torch.rand(8, 5, 3, 32, 40)
    actions = model.infer(frames)
    assert torch.equal(actions, model.base.infer(shrink(frames, 2, model.config.shrinking)))
    assert torch.equal(actions, model.read(model.observe(frames))) and len(actions.unique()) > 1


def test_what_the_base_leaves_alone_keeps_its_detail(model):
    frame, action = torch.rand(4, 3, 32, 40), torch.arange(4)
    small = shrink(frame, 2, model.config.shrinking)
    model.base.decoder.forward = lambda before, latent: before.clone()
    assert torch.equal(model.predict(frame, action), frame)
    model.base.decoder.forward = lambda before, latent: 1 - before
    change = 1 - 2 * small
    wanted = (frame + change.repeat_interleave(2, -1).repeat_interleave(2, -2)).clamp(0, 1)
    torch.testing.assert_close(model.predict(frame, action), wanted)


def test_frames_of_another_size_are_refused(model):
    with pytest.raises(ValueError, match="32x40"):
        model.infer(torch.rand(1, 2, 3, 16, 20))


def test_its_record_builds_it_again(model):
    record = model_record("lam", model)
    assert record["kind"] == "shrunk" and record["config"]["base"]["kind"] == "whole_frame"
    again = build_model("lam", record)
    assert again.config == model.config
    assert set(again.state_dict()) == set(model.state_dict())


def test_a_base_of_an_unknown_kind_is_refused(model):
    record = model_record("lam", model)
    record["config"]["base"]["kind"] = "labelled"
    with pytest.raises(ValueError, match="whole_frame, player_sprite, moving_player"):
        build_model("lam", record)


@pytest.mark.parametrize(("factor", "shrinking"), [(1, "mean"), (17, "mean"), (2, "sum")])
def test_what_cannot_be_shrunk_is_refused(factor, shrinking):
    base = LatentActionConfig(height=16, width=20)
    with pytest.raises(ValueError, match="factor 2 to 16"):
        ShrunkConfig(base=base, factor=factor, shrinking=shrinking)


def test_a_frozen_encoder_keeps_its_actions(model):
    model.requires_grad_(True).freeze_encoder()
    names = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert names and not any(name.startswith(model.ENCODER) for name in names)
    assert tuple(n.removeprefix("base.") for n in model.ENCODER) == LatentActionModel.ENCODER


def test_a_player_is_measured_in_pixels_of_the_large_frames(monkeypatch):
    """Keys of a world that was enlarged were named by whole frames, and so by a ball."""
    base = MovingPlayerConfig(height=16, width=20, num_actions=3, channels=4)
    model = ShrunkActionModel(ShrunkConfig(base=base, factor=2, shrinking="mean")).eval()
    model.base.encoder.motions.copy_(torch.tensor([[0.0, 0.0], [0.0, 3.0], [0.0, -3.0]]))

    def locate(frames):
        column = frames[:, 0].mean(dim=1).argmax(dim=1).float()
        return torch.stack((torch.zeros_like(column), column), dim=1), torch.ones(len(frames))

    monkeypatch.setattr(model.base.encoder.detector, "locate", locate)
    before, after = torch.zeros(2, 70, 3, 32, 40)
    before[..., 16:18], after[..., 22:24] = 1, 1
    found = model.measure_player((255 * before).byte(), (255 * after).byte())
    assert found.shift.tolist() == [[6.0, 0.0]] * 70 and found.moved.all()


def test_a_base_without_a_player_measures_none(model):
    assert model.measure_player is None
