"""The action model that looks at the player sprite alone."""

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
def test_the_codes_are_what_the_encoder_says_one_to_one():
    model, frames = redrawn(), clips()
    said = model.encoder(frames[:, 0], frames[:, 1])
    assert (said.sum(dim=1) == 1).all() and set(said.unique().tolist()) == {0.0, 1.0}
    pairs = set(zip(said.argmax(dim=1).tolist(), model.infer(frames)[:, 0].tolist(), strict=True))
    assert len(pairs) == len({code for code, _ in pairs}) == len({code for _, code in pairs})


def still() -> Tensor:
    """Clips in which the camera rests, so that what happens outside the box stays outside."""
    return clips()[:, :1].repeat(1, 3, 1, 1, 1)


def test_the_box_is_read_and_the_rest_of_the_picture_only_for_the_camera():
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
    boxes, shift = encoder.look(frames[:, 0], frames[:, 1])
    assert boxes.shape == (64, 2, 3, 6, 4) and (shift == 0).all()
    torch.testing.assert_close(boxes[:, 0], frames[:, 0, :, 8:14, 10:14])
    moved = encoder.look(frames[:, 0], frames[:, 1].roll(2, dims=-1))[1]
    assert (moved == torch.tensor([0.0, -2.0])).all()
    assert not torch.allclose(encoder.features(boxes, shift), encoder.features(boxes, shift + 3))


@torch.no_grad()
def test_latents_have_unit_length():
    encoder, frames = redrawn().encoder, clips()
    latents = encoder.embed(*encoder.look(frames[:, 0], frames[:, 1]))
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
def test_states_that_lead_alike_are_one_code():
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
    with pytest.raises(ValueError, match="states are looks of the sprite"):
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
def test_a_box_that_is_not_in_the_picture_is_refused(box):
    with pytest.raises(ValueError, match="does not lie in frames of 24x24"):
        SpriteActionConfig(height=SIDE, width=SIDE, box=box)
