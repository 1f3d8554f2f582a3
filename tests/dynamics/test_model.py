"""What each frame of the dynamics may and may not see."""

import pytest
import torch

from dynamics import Dynamics, DynamicsConfig
from dynamics.sampler import draw_noise, sample_frame

BATCH, FRAMES, TOKENS, CODES, ACTIONS = 2, 9, 6, 11, 3
LAYERS, BAND = 2, 3
CHANGED = 4
REACH = LAYERS * (BAND - 1)
"""Frames after a change that still feel it, through all layers."""


@pytest.fixture
def ids() -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(CODES, (BATCH, FRAMES, TOKENS), generator=generator)


@pytest.fixture
def actions() -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randint(ACTIONS, (BATCH, FRAMES - 1), generator=generator)


@pytest.fixture
def masked() -> torch.Tensor:
    generator = torch.Generator().manual_seed(4)
    masked = torch.rand(BATCH, FRAMES, TOKENS, generator=generator) < 0.5
    masked[..., 0], masked[..., 1] = True, False  # every frame has one of each
    return masked


def moved(before: torch.Tensor, after: torch.Tensor) -> list[bool]:
    """Say which frames' logits differ at all."""
    return (before != after).amax(dim=(0, 2, 3)).tolist()


def other(ids: torch.Tensor) -> torch.Tensor:
    """The same clip with all tokens of one frame changed."""
    ids = ids.clone()
    ids[:, CHANGED] = (ids[:, CHANGED] + 1) % CODES
    return ids


@torch.no_grad()
def test_a_changed_frame_changes_no_earlier_logits(new_model, ids, actions, masked):
    model = new_model()
    changed = moved(model(ids, actions, masked), model(other(ids), actions, masked))
    assert not any(changed[:CHANGED])
    assert all(changed[CHANGED : CHANGED + REACH + 1])


@torch.no_grad()
def test_a_masked_frame_does_not_see_the_clean_copy_of_itself(new_model, ids, actions, masked):
    model = new_model()
    changed = moved(model(ids, actions, masked), model(ids, actions, masked, other(ids)))
    assert not any(changed[: CHANGED + 1])
    assert all(changed[CHANGED + 1 : CHANGED + REACH + 1])


@torch.no_grad()
def test_history_ends_with_the_bands_of_all_layers(new_model, ids, actions, masked):
    model = new_model()
    early = ids.clone()
    early[:, 0] = (ids[:, 0] + 1) % CODES
    changed = moved(model(ids, actions, masked), model(early, actions, masked))
    assert all(changed[: REACH + 1])
    assert not any(changed[REACH + 1 :])


@torch.no_grad()
def test_masked_tokens_are_not_seen(new_model, ids, actions, masked):
    model = new_model()
    scrambled = torch.where(masked, (ids + 1) % CODES, ids)
    assert torch.equal(model(ids, actions, masked, ids), model(scrambled, actions, masked, ids))


@torch.no_grad()
def test_visible_tokens_of_the_masked_stream_are_seen_by_their_own_frame_only(
    new_model, ids, actions, masked
):
    model = new_model()
    shown = torch.where(masked, ids, other(ids))
    changed = moved(model(ids, actions, masked, ids), model(shown, actions, masked, ids))
    assert changed == [t == CHANGED for t in range(FRAMES)]


@torch.no_grad()
def test_clips_of_a_batch_do_not_see_each_other(new_model, ids, actions, masked):
    model = new_model()
    changed = ids.clone()
    changed[1] = (ids[1] + 1) % CODES
    before, after = model(ids, actions, masked), model(changed, actions, masked)
    assert torch.equal(before[0], after[0])
    assert not torch.equal(before[1], after[1])


@torch.no_grad()
def test_an_action_first_meets_the_frame_it_leads_to(new_model, ids, actions, masked):
    model = new_model()
    swapped = actions.clone()
    swapped[:, CHANGED - 1] = (actions[:, CHANGED - 1] + 1) % ACTIONS  # leads to frame CHANGED
    changed = moved(model(ids, actions, masked), model(ids, swapped, masked))
    assert not any(changed[:CHANGED])
    assert changed[CHANGED]


@torch.no_grad()
def test_frame_0_is_led_to_by_no_action(new_model, ids, actions, masked):
    model = new_model()
    none = torch.full((BATCH,), ACTIONS)
    shown = ids[:, 0].masked_fill(masked[:, 0], CODES)
    drafted = model.draft(shown, none, model.new_cache(BATCH))
    torch.testing.assert_close(model(ids, actions, masked)[:, 0], drafted)
    assert not torch.allclose(model.draft(shown, none * 0, model.new_cache(BATCH)), drafted)


@torch.no_grad()
def test_forward_leaves_its_arguments_as_they_were(new_model, ids, actions, masked):
    kept = [part.clone() for part in (ids, actions, masked)]
    new_model()(ids, actions, masked)
    for part, copy in zip((ids, actions, masked), kept, strict=True):
        assert torch.equal(part, copy)


@torch.no_grad()
def test_both_streams_run_through_the_same_weights_without_a_flag(new_model, ids, actions):
    """With nothing masked, a masked frame is a clean one: its keys may stand in for it."""
    model = new_model()
    nothing = torch.zeros_like(ids, dtype=torch.bool)
    prev_actions = torch.cat((torch.full((BATCH, 1), ACTIONS), actions), dim=1)
    clean = model.head(model.stack(model._embed(ids, prev_actions)))
    torch.testing.assert_close(model(ids, actions, nothing), clean, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_training_mode_draws_nothing(new_model, ids, actions, masked):
    """No dropout: what is trained is what is played."""
    model = new_model()
    evaluated = model(ids, actions, masked)
    assert torch.equal(model.train()(ids, actions, masked), evaluated)


@torch.no_grad()
def test_training_and_play_stay_on_the_device_of_the_model(new_model, ids, actions, masked):
    """The meta device stands for any that is neither the CPU nor CUDA."""
    model = new_model().to("meta")
    ids, actions, masked = (part.to("meta") for part in (ids, actions, masked))
    cache = model.new_cache(BATCH)
    model.commit(ids[:, 0], actions[:, 0], cache)
    noise = draw_noise([0, 1], 1, 2, TOKENS)
    drawn = sample_frame(
        model, actions[:, 0], cache, noise=noise, unmask_order="confidence", temperature=1.0
    )
    logits = model(ids, actions, masked)
    assert {part.device.type for part in (cache.keys, drawn, logits)} == {"meta"}


def test_every_parameter_learns(new_model, ids, actions):
    model = new_model()
    masked = torch.rand(ids.shape, generator=torch.Generator().manual_seed(0)) < 0.5
    model(ids, actions.index_fill(1, torch.tensor([0]), ACTIONS), masked).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


def test_a_cache_does_not_grow(new_model, ids):
    model = new_model()
    cache = model.new_cache(BATCH)
    shape, address = cache.keys.shape, cache.keys.data_ptr()
    for _ in range(5 * BAND):
        model.commit(ids[:, 0], torch.zeros(BATCH, dtype=torch.long), cache)
    assert shape == (LAYERS, BATCH, TOKENS, 2, BAND - 1, 8)
    assert (cache.keys.shape, cache.keys.data_ptr()) == (shape, address)


@pytest.mark.parametrize(
    "wrong",
    [{"num_tokens": 0}, {"num_codes": 0}, {"num_actions": 0}, {"band": 1}],
)
def test_sizes_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="must be 1 or more and band 2 or more") as error:
        DynamicsConfig(**{"num_tokens": 6, "num_codes": 11, "num_actions": 3} | wrong)
    assert "\n" not in str(error.value)


def test_a_grid_that_does_not_hold_the_tokens_is_refused():
    with pytest.raises(ValueError, match="a grid of 2 by 2 does not hold 6 tokens"):
        DynamicsConfig(num_tokens=6, num_codes=11, num_actions=3, grid=(2, 2))


@pytest.mark.parametrize("wrong", [{"dim": 20, "heads": 3}, {"dim": 6, "heads": 2}, {"layers": 0}])
def test_sizes_that_do_not_fit_together_are_refused(wrong):
    sizes = {"num_tokens": 6, "num_codes": 11, "num_actions": 3} | wrong
    with pytest.raises(ValueError, match="do not fit together"):
        Dynamics(DynamicsConfig(**sizes))


@pytest.mark.parametrize("wrong", [{"heads": 0}, {"dim": 0}, {"heads": -2}])
def test_widths_below_1_are_refused(wrong):
    with pytest.raises(ValueError, match="do not fit together"):
        Dynamics(DynamicsConfig(**{"num_tokens": 6, "num_codes": 11, "num_actions": 3} | wrong))
