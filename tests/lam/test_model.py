import copy

import pytest
import torch
from torch import Tensor

from lam import LatentActionConfig, LatentActionModel
from lam.losses import prediction_loss

FRAMES, HEIGHT, WIDTH, CODES = 6, 16, 20, 4


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def clips(batch: int = 16, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, FRAMES, 3, HEIGHT, WIDTH, generator=generator)


@torch.no_grad()
def redrawn(*, quantized: bool = True, seed: int = 0) -> LatentActionModel:
    """A small model with every weight redrawn, its codes among the latents of random clips."""
    config = LatentActionConfig(height=HEIGHT, width=WIDTH, num_actions=CODES, latent=4, channels=8)
    model = LatentActionModel(config).eval()
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        std = 1.5 * parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.1
        parameter.copy_(std * torch.randn(parameter.shape, generator=generator))
    if quantized:
        frames = clips(32, seed=7)
        torch.manual_seed(0)
        model.start_codes(model.encoder(frames[:, 0], frames[:, 1]))
    return model


# What each entry sees -----------------------------------------------------------------------------


def entries_that_change(frame: int) -> list[bool]:
    """Say which entries of `infer` change for any of many clips when one frame is replaced."""
    model, frames = redrawn(), clips()
    changed = frames.clone()
    changed[:, frame] = clips(seed=2)[:, frame]
    with torch.no_grad():
        return (model.infer(frames) != model.infer(changed)).any(dim=0).tolist()


@pytest.mark.parametrize("frame", range(FRAMES))
def test_entry_t_leads_from_frame_t_to_frame_t_plus_1(frame):
    """Entry t sees frame t+1, and neither frame t+2 nor frame t−1."""
    assert entries_that_change(frame) == [t in (frame - 1, frame) for t in range(FRAMES - 1)]


@torch.no_grad()
def test_an_entry_is_the_same_for_its_two_frames_alone():
    model, frames = redrawn(), clips()
    whole = model.infer(frames)
    assert whole.shape == (16, FRAMES - 1) and whole.dtype == torch.long
    for t in range(FRAMES - 1):
        assert torch.equal(model.infer(frames[:, t : t + 2])[:, 0], whole[:, t])


@torch.no_grad()
def test_entries_are_codes_and_not_all_the_same():
    actions = redrawn().infer(clips())
    assert actions.min() >= 0 and actions.max() < CODES
    assert len(actions.unique()) > 1


@torch.no_grad()
def test_inferred_codes_are_those_of_training():
    model, frames = redrawn(), clips()
    before, after = frames[:, :-1].flatten(0, 1), frames[:, 1:].flatten(0, 1)
    predicted, ids, _ = model.reconstruct(before, after)
    assert torch.equal(model.infer(frames).flatten(), ids)
    torch.testing.assert_close(model.predict(before, ids), predicted.clamp(0, 1))


@torch.no_grad()
def test_the_prediction_is_a_frame_that_depends_on_the_code():
    model, frame = redrawn(), clips()[:, 0]
    shown = [model.predict(frame, torch.full((16,), code)) for code in range(CODES)]
    for one in shown:
        assert one.shape == frame.shape and one.min() >= 0 and one.max() <= 1
    assert all((one - shown[0]).abs().max() > 0.01 for one in shown[1:])


@torch.no_grad()
def test_a_decoder_without_change_repeats_the_frame():
    model, frame = redrawn(), clips()[:, 0]
    model.decoder.to_change.weight.zero_()
    model.decoder.to_change.bias.zero_()
    assert torch.equal(model.predict(frame, torch.zeros(16, dtype=torch.long)), frame)


@torch.no_grad()
@pytest.mark.parametrize(("height", "width"), [(16, 16), (18, 22), (64, 30)])
def test_any_even_frame_size_goes_through(height, width):
    model = LatentActionModel(
        LatentActionConfig(height=height, width=width, num_actions=CODES, channels=8)
    )
    model.start_codes(randn(32, 8))
    frames = torch.rand(2, 3, 3, height, width)
    assert model.infer(frames).shape == (2, 2)
    assert model.predict(frames[:, 0], torch.tensor([0, 1])).shape == (2, 3, height, width)


# From continuous to quantized ---------------------------------------------------------------------


def test_a_continuous_model_has_no_codes_to_infer():
    with pytest.raises(ValueError, match="no codes yet: train it to the end") as error:
        redrawn(quantized=False).infer(clips())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "shape", [(1, 2, 3, WIDTH, HEIGHT), (1, 2, 1, HEIGHT, WIDTH), (2, 3, HEIGHT, WIDTH)]
)
def test_frames_of_another_size_are_refused(shape):
    with pytest.raises(ValueError, match="resize them") as error:
        redrawn().infer(torch.zeros(shape))
    assert f"(B, T, 3, {HEIGHT}, {WIDTH})" in str(error.value)


def test_continuous_latents_carry_noise_and_pay_for_their_size():
    model, frames = redrawn(quantized=False), clips()
    before, after = frames[:, 0], frames[:, 1]
    torch.manual_seed(0)
    first, ids, extra = model.reconstruct(before, after)
    again, _, _ = model.reconstruct(before, after)
    assert not torch.equal(first, again)
    torch.manual_seed(0)
    assert torch.equal(model.reconstruct(before, after)[0], first)
    assert ids.tolist() == [0] * 16
    latents = model.encoder(before, after)
    torch.testing.assert_close(extra, 1e-3 * latents.square().mean())


def learning(part: torch.nn.Module) -> set[str]:
    """Names of the weights that a loss reached."""
    return {
        name
        for name, parameter in part.named_parameters()
        if parameter.grad is not None and parameter.grad.abs().max() > 0
    }


def everything(part: torch.nn.Module) -> set[str]:
    return {name for name, _ in part.named_parameters()}


def test_the_extra_loss_reaches_the_encoder():
    """Computed on detached latents it would hold nothing together."""
    model, frames = redrawn(quantized=False).train(), clips()
    model.reconstruct(frames[:, 0], frames[:, 1])[2].backward()
    assert learning(model.encoder) == everything(model.encoder)
    assert not learning(model.decoder)


def test_while_continuous_every_weight_learns_from_the_prediction():
    model, frames = redrawn(quantized=False).train(), clips()
    predicted, _, _ = model.reconstruct(frames[:, 0], frames[:, 1])
    prediction_loss(frames[:, 0], frames[:, 1], predicted).backward()
    assert learning(model) == everything(model)


def test_once_there_are_codes_only_the_decoder_learns():
    model, frames = redrawn().train(), clips()
    predicted, _, extra = model.reconstruct(frames[:, 0], frames[:, 1])
    (prediction_loss(frames[:, 0], frames[:, 1], predicted) + extra).backward()
    assert not learning(model.encoder)
    assert learning(model.decoder) == everything(model.decoder)


def test_being_quantized_and_the_codes_travel_with_the_weights():
    first, frames = redrawn(), clips()
    second = LatentActionModel(first.config).eval()
    second.load_state_dict(first.state_dict())
    with torch.no_grad():
        assert torch.equal(second.infer(frames), first.infer(frames))


@torch.no_grad()
def test_inference_leaves_the_codes_as_they_are_even_in_train_mode():
    model = redrawn().train()
    before = copy.deepcopy(model.state_dict())
    for seed in range(5):
        model.infer(clips(seed=seed))
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"num_actions": 1}, "between 2 and 64"),
        ({"num_actions": 65}, "between 2 and 64"),
        ({"height": 17}, "even height and width"),
        ({"width": 21}, "even height and width"),
        ({"height": 14}, "even height and width"),
    ],
)
def test_sizes_out_of_range_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message) as error:
        LatentActionConfig(**{"height": 16, "width": 16} | wrong)
    assert "\n" not in str(error.value)


# Learning -----------------------------------------------------------------------------------------

STEPS = 160


def moving_block() -> tuple[Tensor, Tensor]:
    """Pairs that start from one picture and end in four: what happened decides the second frame.

    Returns:
        Two frames, each float32 (16, 3, H, W).
    """
    before = torch.zeros(16, 3, HEIGHT, WIDTH)
    before[:, :, 4:12, 6:14] = 1.0
    after = torch.zeros_like(before)
    for pair in range(16):
        down, right = [(4, 0), (-4, 0), (0, 4), (0, -4)][pair % 4]
        after[pair, :, 4 + down : 12 + down, 6 + right : 14 + right] = 1.0
    return before, after


def fit(
    *, rate: float = 1.0, action_given: bool = True, targets_shuffled: bool = False
) -> tuple[LatentActionModel, float]:
    """Fit a small model, the second half quantized; return it and its last loss over its first."""
    torch.manual_seed(0)
    config = LatentActionConfig(
        height=HEIGHT, width=WIDTH, num_actions=CODES, latent=4, channels=16
    )
    model = LatentActionModel(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3 * rate)
    before, after = moving_block()
    losses = []
    for step in range(STEPS):
        torch.manual_seed(step)
        if step == STEPS // 2 and action_given:
            with torch.no_grad():
                model.start_codes(model.encoder(before, after))
        if action_given:
            predicted, _, extra = model.reconstruct(before, after)
        else:
            predicted, extra = model.decoder(before, torch.zeros(16, config.latent)), 0.0
        target = after[torch.randperm(16)] if targets_shuffled else after
        loss = prediction_loss(before, target, predicted)
        optimizer.zero_grad()
        (loss + extra).backward()
        optimizer.step()
        losses.append(loss.item())
    return model.eval(), sum(losses[-5:]) / 5 / losses[0]


@pytest.fixture(scope="module")
def fitted() -> tuple[LatentActionModel, float]:
    return fit()


def test_the_latent_action_model_falls_to_a_tenth_of_its_first_loss(fitted):
    assert fitted[1] < 0.1


@pytest.mark.parametrize(
    "taken",
    [{"rate": 0.0}, {"action_given": False}, {"targets_shuffled": True}],
    ids=["learning rate 0", "action withheld", "targets shuffled"],
)
def test_the_latent_action_model_learns_nothing_without_what_it_needs(taken):
    assert fit(**taken)[1] > 0.12


@torch.no_grad()
def test_each_thing_that_happens_gets_a_code_of_its_own(fitted):
    before, after = moving_block()
    codes = fitted[0].infer(torch.stack((before, after), dim=1))[:, 0].view(4, 4)  # (repeat, move)
    assert (codes == codes[0]).all()
    assert sorted(codes[0].tolist()) == list(range(CODES))


@torch.no_grad()
def test_a_learnt_code_predicts_what_it_means(fitted):
    before, after = moving_block()
    codes = fitted[0].infer(torch.stack((before, after), dim=1))[:, 0]
    right = (fitted[0].predict(before, codes) - after).square().mean()
    wrong = (fitted[0].predict(before, (codes + 1) % CODES) - after).square().mean()
    assert right < 0.1 * wrong
