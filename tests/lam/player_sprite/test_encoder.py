"""The action model that reads the player sprite alone."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from lam.player_sprite.config import SpriteActionConfig
from lam.player_sprite.model import SpriteActionModel

SIDE, CODES = 24, 5
BOX = (8, 10, 6, 4)


@torch.no_grad()
def redrawn(seed: int = 0) -> SpriteActionModel:
    """A small model with every weight redrawn."""
    config = SpriteActionConfig(
        height=SIDE, width=SIDE, num_actions=CODES, latent=3, channels=8, box=BOX
    )
    model = SpriteActionModel(config).eval()
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        std = 2 * parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.1
        parameter.copy_(std * torch.randn(parameter.shape, generator=generator))
    torch.manual_seed(0)
    model.start_codes(torch.eye(CODES))
    return model


def clips(seed: int = 1, batch: int = 64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, 3, 3, SIDE, SIDE, generator=generator)


def test_entries_are_codes_and_not_all_the_same():
    found = redrawn().infer(clips())
    assert found.shape == (64, 2) and found.dtype == torch.long
    assert found.unique().numel() > 2 and found.min() >= 0 and found.max() < CODES


@torch.no_grad()
def test_the_codes_are_those_of_the_encoder_one_to_one():
    model, frames = redrawn(), clips()
    codes = model.encoder(frames[:, 0], frames[:, 1])
    assert (codes.sum(dim=1) == 1).all() and set(codes.unique().tolist()) == {0.0, 1.0}
    pairs = set(zip(codes.argmax(dim=1).tolist(), model.infer(frames)[:, 0].tolist(), strict=True))
    assert len(pairs) == len({code for code, _ in pairs}) == len({code for _, code in pairs})


def still() -> Tensor:
    """Clips in which the camera rests, so that what happens outside the box stays outside."""
    return clips()[:, :1].repeat(1, 3, 1, 1, 1)


def test_the_box_is_read_and_the_rest_of_the_frame_only_for_the_camera():
    model, frames = redrawn(), still()
    top, left, height, width = BOX
    inside, outside = frames.clone(), frames.clone()
    inside[:, 1, :, top : top + height, left : left + width] = clips(seed=5)[
        :, 0, :, top : top + height, left : left + width
    ]
    outside[:, :, :, top + height + 1 :] *= 0.9  # as before in both frames: the camera rests
    assert (model.infer(inside) != model.infer(frames)).any()
    assert torch.equal(model.infer(outside), model.infer(frames))


@torch.no_grad()
def test_the_cameras_shift_is_read():
    encoder, frames = redrawn().encoder, still()
    boxes, shift = encoder.crop(frames[:, 0], frames[:, 1])
    assert boxes.shape == (64, 2, 3, 6, 4) and (shift == 0).all()
    torch.testing.assert_close(boxes[:, 0], frames[:, 0, :, 8:14, 10:14])
    moved = encoder.crop(frames[:, 0], frames[:, 1].roll(2, dims=-1))[1]
    assert (moved == torch.tensor([0.0, -2.0])).all()
    assert not torch.allclose(encoder.features(boxes, shift), encoder.features(boxes, shift + 3))


@torch.no_grad()
def test_latents_have_unit_length():
    encoder, frames = redrawn().encoder, clips()
    latents = encoder.embed(*encoder.crop(frames[:, 0], frames[:, 1]))
    assert latents.shape == (64, 3)
    torch.testing.assert_close(latents.norm(dim=1), torch.ones(64))


def test_the_decoder_learns_from_pixels_and_the_encoder_does_not():
    model, frames = redrawn().train(), clips()
    model.reconstruct(frames[:, 0], frames[:, 1])[0].square().mean().backward()
    assert all(weight.grad is None for weight in model.encoder.parameters())
    assert all(weight.grad is not None for weight in model.decoder.parameters())


def test_the_prediction_depends_on_the_code():
    model, frame = redrawn(), clips()[:1, 0]
    one, two = (model.predict(frame, torch.tensor([code])) for code in (0, 1))
    assert one.shape == frame.shape and not torch.allclose(one, two)


@torch.no_grad()
def test_states_that_move_alike_are_one_code():
    model = redrawn()
    joined = SpriteActionModel(replace(model.config, num_actions=CODES - 2, states=CODES)).eval()
    joined.encoder.load_state_dict(model.encoder.state_dict() | {
        "code_of": torch.tensor([0, 1, 1, 2, 0]), "landing": torch.full((CODES - 2, 3), -1)
    })  # fmt: skip
    torch.manual_seed(0)
    joined.start_codes(torch.eye(CODES - 2))
    frames = clips()
    states = model.encoder(frames[:, 0], frames[:, 1]).argmax(dim=1)
    codes = joined.encoder(frames[:, 0], frames[:, 1]).argmax(dim=1)
    assert torch.equal(codes, torch.tensor([0, 1, 1, 2, 0])[states])
    assert len(states.unique()) > len(codes.unique()) > 1
    assert joined.infer(frames).max() == CODES - 3


def test_fewer_states_than_codes_are_refused():
    with pytest.raises(ValueError, match="states must be at least as many as actions"):
        SpriteActionConfig(height=SIDE, width=SIDE, num_actions=CODES, box=BOX, states=CODES - 1)


@torch.no_grad()
def test_an_airborne_sprite_is_read_by_what_came_before_and_not_by_what_comes_after():
    model = redrawn()
    frames = clips(batch=256)
    codes = model.observe(frames)[..., 0].long()
    assert torch.equal(model.infer(frames), codes)
    airborne = codes.flatten().mode().values
    others = [code for code in range(CODES) if code != airborne][:3]
    model.encoder.landing[airborne] = torch.tensor(others)
    read = model.infer(frames)
    assert torch.equal(read[:, :1], model.infer(frames[:, :2]))
    alone = torch.cat([model.infer(frames[:, t : t + 2]) for t in range(2)], dim=1)
    assert torch.equal(read[codes != airborne], codes[codes != airborne])
    assert (read != codes).any() and (read[:, 1] != alone[:, 1]).any()


def test_the_box_travels_with_the_configuration():
    from json import dumps, loads

    model = redrawn()
    config = SpriteActionConfig.from_json(loads(dumps(model.config.to_json())))
    assert config == model.config
    again = SpriteActionModel(config).eval()
    again.load_state_dict(model.state_dict())
    assert torch.equal(again.infer(clips()), model.infer(clips()))


@pytest.mark.parametrize("box", [(-1, 0, 4, 4), (0, 21, 4, 4), (20, 0, 5, 4), (0, 0, 0, 4)])
def test_a_box_that_is_not_in_the_frame_is_refused(box):
    with pytest.raises(ValueError, match="does not lie in frames of 24x24"):
        SpriteActionConfig(height=SIDE, width=SIDE, box=box)


LATER_FIELDS = {"search_radius": 4, "shift_penalty": 0.01, "take_off": 2, "off_heading": 0}


@pytest.mark.parametrize("name", LATER_FIELDS)
def test_records_of_older_worlds_stay_as_they_were_and_other_values_are_written(name):
    config = redrawn().config
    assert not LATER_FIELDS.keys() & config.to_json().keys()
    changed = replace(config, **{name: LATER_FIELDS[name]})
    assert changed.to_json() == config.to_json() | {name: LATER_FIELDS[name]}
    assert SpriteActionConfig.from_json(changed.to_json()) == changed


def test_the_model_reads_by_its_own_numbers():
    frames = still()
    frames[:, 1:] = frames[:, 1:].roll(5, dims=-1)
    model = redrawn()
    near = SpriteActionModel(replace(model.config, search_radius=2)).eval()
    near.load_state_dict(model.state_dict())
    assert (model.observe(frames)[:, 0, 2] == -5).all()
    assert (near.observe(frames)[:, 0, 2].abs() <= 2).all()
    model.encoder.landing[:] = torch.tensor([0, 1, 2])
    longer = SpriteActionModel(replace(model.config, take_off=1, off_heading=0)).eval()
    longer.load_state_dict(model.state_dict())
    observed = torch.randint(-1, 2, (8, 30, 3), generator=torch.Generator().manual_seed(0)).float()
    observed[..., 0].abs_()
    assert (model.read(observed) != longer.read(observed)).any()


@pytest.mark.parametrize("broken", [{"search_radius": 12}, {"take_off": 0}, {"off_heading": -1}])
def test_numbers_out_of_range_are_refused(broken):
    with pytest.raises(ValueError, match="search_radius must be 1 to 11 in frames of 24x24"):
        replace(redrawn().config, **broken)
