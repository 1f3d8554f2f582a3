import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from spacetime.cache import TimeCache
from tokenizer import Tokenizer, TokenizerConfig

TOLERANCE = 1e-4
SEEN = 100 * TOLERANCE
FAR = 1_000_000
BATCH, LAYERS, BAND, TOKENS, CODES = 2, 2, 3, 6, 36
FRAMES = (LAYERS + 2) * BAND + 1
CHANGED = 4


@pytest.fixture
def frames() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(BATCH, FRAMES, 3, 8, 12, generator=generator)


@pytest.fixture
def ids() -> Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(CODES, (BATCH, FRAMES, TOKENS), generator=generator)


def moved(before: Tensor, after: Tensor) -> list[bool]:
    """Say which frames differ at all."""
    return (before != after).flatten(2).amax(dim=(0, 2)).tolist()


# Frames to ids ------------------------------------------------------------------------------------


@torch.no_grad()
def test_ids_have_the_shape_range_and_variety_of_tokens(new_model, frames):
    model = new_model()
    ids = model.encode(frames)
    assert ids.shape == (BATCH, FRAMES, model.num_tokens) and ids.dtype == torch.long
    assert (model.num_tokens, model.num_codes) == (TOKENS, CODES)
    assert ids.min() >= 0 and ids.max() < CODES
    assert len(ids.unique()) > 5


@torch.no_grad()
def test_other_frames_do_not_change_the_ids_of_a_frame(new_model, frames):
    model = new_model()
    changed = frames.clone()
    changed[:, CHANGED] = 1 - frames[:, CHANGED]
    assert moved(model.encode(frames), model.encode(changed)) == [
        t == CHANGED for t in range(FRAMES)
    ]


@torch.no_grad()
@pytest.mark.parametrize("cut", [1, 5, FRAMES - 1])
def test_ids_do_not_change_when_the_clip_is_cut_before_the_frame(new_model, frames, cut):
    model = new_model()
    assert torch.equal(model.encode(frames[:, cut:]), model.encode(frames)[:, cut:])


@torch.no_grad()
def test_a_picture_has_one_set_of_ids_wherever_it_stands(new_model, frames):
    model = new_model()
    still = frames[:, :1].expand(-1, FRAMES, -1, -1, -1)
    ids = model.encode(still)
    assert torch.equal(ids, ids[:, :1].expand_as(ids))


@torch.no_grad()
def test_tokens_are_told_apart_by_their_place(new_model):
    """A flat picture would otherwise be six times the same token."""
    ids = new_model().encode(torch.full((1, 1, 3, 8, 12), 0.3))
    assert len(ids.unique()) > 1


@torch.no_grad()
def test_quantized_latents_are_those_that_ids_stand_for(new_model, frames):
    model = new_model()
    quantized, ids = model.quantize(frames)
    assert torch.equal(ids, model.encode(frames))
    torch.testing.assert_close(model.quantizer.lookup(ids), quantized, rtol=0, atol=1e-6)
    # What is trained is what is played: rendering latents is decoding ids.
    torch.testing.assert_close(
        model.render(quantized).clamp(0, 1), model.decode(ids), rtol=0, atol=1e-4
    )


@torch.no_grad()
def test_ids_do_not_change_under_autocast_of_the_rounding(new_model, frames):
    model = new_model()
    with torch.autocast("cpu", torch.bfloat16):
        quantized, _ = model.quantize(frames)
    assert quantized.dtype == torch.float32


@pytest.mark.parametrize("shape", [(8, 8), (12, 8), (16, 24)])
def test_frames_of_another_size_are_refused(new_model, shape):
    with pytest.raises(ValueError, match="resize them") as error:
        new_model().encode(torch.zeros(1, 2, 3, *shape))
    assert "(B, T, 3, 8, 12)" in str(error.value) and "\n" not in str(error.value)


def test_a_frame_without_batch_or_time_is_refused(new_model):
    with pytest.raises(ValueError, match="frames must be"):
        new_model().encode(torch.zeros(3, 8, 12))


# Ids to frames ------------------------------------------------------------------------------------


@torch.no_grad()
def test_decoded_frames_are_in_range_and_shaped_like_frames(new_model, ids):
    decoded = new_model().decode(ids)
    assert decoded.shape == (BATCH, FRAMES, 3, 8, 12) and decoded.dtype == torch.float32
    assert decoded.min() >= 0 and decoded.max() <= 1
    # Clamped pixels would hide every difference that other tests look for.
    assert ((decoded > 0) & (decoded < 1)).float().mean() > 0.5


@torch.no_grad()
@pytest.mark.parametrize(("band", "reach"), [(1, 0), (2, 2), (3, 4)])
def test_changed_ids_change_no_earlier_frame(new_model, ids, band, reach):
    model = new_model(band)
    changed = ids.clone()
    changed[:, CHANGED] = (ids[:, CHANGED] + 1) % CODES
    expected = [CHANGED <= t <= CHANGED + reach for t in range(FRAMES)]
    assert moved(model.decode(ids), model.decode(changed)) == expected


Player = Callable[[Tokenizer, Tensor, int], Tensor]


@torch.no_grad()
def play(model: Tokenizer, ids: Tensor, start: int = 0) -> Tensor:
    """Decode frame by frame."""
    cache = model.new_cache(BATCH, start)
    return torch.stack([model.decode_step(ids[:, t], cache) for t in range(FRAMES)], dim=1)


def error(model: Tokenizer, player: Player, ids: Tensor, start: int = 0) -> float:
    """Largest difference between decoding clips and frames, in std of the pixels."""
    with torch.no_grad():
        whole = model.decode(ids)
    return float((whole - player(copy.deepcopy(model), ids, start)).abs().max() / whole.std())


@pytest.mark.parametrize("band", [1, 2, 3])
@pytest.mark.parametrize("start", [0, FAR])
def test_decode_step_equals_decode(new_model, ids, band, start):
    assert error(new_model(band), play, ids, start) < TOLERANCE


def play_with_wide_band(model: Tokenizer, ids: Tensor, start: int) -> Tensor:
    model.decoder.band += 1
    return play(model, ids, start)


def play_with_narrow_band(model: Tokenizer, ids: Tensor, start: int) -> Tensor:
    model.decoder.band -= 1
    return play(model, ids, start)


class StaleCache(TimeCache):
    """Keeps the last layer's key of a slot when its frame leaves the band."""

    def write(self, new: list[tuple[Tensor, Tensor]]) -> None:
        slot = self.position % self.slots
        old = self.keys[-1, ..., slot, :].clone()
        full = self.count >= self.slots
        super().write(new)
        if full:
            self.keys[-1, ..., slot, :] = old


def play_with_stale_keys(model: Tokenizer, ids: Tensor, start: int) -> Tensor:
    new_cache = model.new_cache
    model.new_cache = lambda batch, start: StaleCache(**vars(new_cache(batch, start)))
    return play(model, ids, start)


def play_without_history(model: Tokenizer, ids: Tensor, start: int) -> Tensor:
    """Every frame is the first one."""
    with torch.no_grad():
        return torch.stack(
            [model.decode_step(ids[:, t], model.new_cache(BATCH)) for t in range(FRAMES)], dim=1
        )


@pytest.mark.parametrize(
    "player",
    [play_with_wide_band, play_with_narrow_band, play_with_stale_keys, play_without_history],
)
@pytest.mark.parametrize("start", [0, FAR])
def test_a_broken_player_is_seen(new_model, ids, player, start):
    assert error(new_model(), player, ids, start) > SEEN


@torch.no_grad()
def continued(model: Tokenizer, ids: Tensor, first: int) -> tuple[TimeCache, Tensor]:
    """The cache before the last frame, entered from frame `first` on, and the last frame."""
    cache = model.new_cache(BATCH, first)
    for t in range(first, FRAMES - 1):
        model.decode_step(ids[:, t], cache)
    return copy.deepcopy(cache), model.decode_step(ids[:, -1], cache)


def test_a_cache_rebuilt_from_all_layers_bands_continues_bit_for_bit(new_model, ids):
    model, need = new_model(), LAYERS * (BAND - 1)
    original, expected = continued(model, ids, 0)
    again, shown = continued(model, ids, FRAMES - 1 - need)
    assert torch.equal(again.keys, original.keys)
    assert torch.equal(again.values, original.values)
    assert torch.equal(shown, expected)


@pytest.mark.parametrize("count", [BAND - 1, LAYERS * (BAND - 1) - 1])
def test_a_cache_rebuilt_from_fewer_frames_is_another(new_model, ids, count):
    model = new_model()
    original, _ = continued(model, ids, 0)
    again, _ = continued(model, ids, FRAMES - 1 - count)
    assert (again.keys - original.keys).abs().max() > SEEN * original.keys.std()


@torch.no_grad()
def test_nothing_learns_or_drifts_in_a_model_left_in_train_mode(new_model, frames):
    model = new_model().train()
    before = copy.deepcopy(model.state_dict())
    first = model.encode(frames)
    assert torch.equal(model.encode(frames), first)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_every_parameter_learns(new_model, frames):
    model = new_model()
    quantized, _ = model.quantize(frames)
    (model.render(quantized) - frames).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


# The start of the codes ---------------------------------------------------------------------------


def squares(count=64):
    """Small squares of several shades before a plain background: frames and the background."""
    rng = torch.Generator().manual_seed(0)
    background = torch.full((3, 32, 48), 0.4)
    frames = background.repeat(count, 1, 1, 1)
    for frame in frames:
        row, column = (int(torch.randint(0, limit, (), generator=rng)) for limit in (29, 45))
        frame[:, row : row + 3, column : column + 3] = torch.rand(3, 1, 1, generator=rng)
    return frames, background


@torch.no_grad()
def test_codes_begin_with_what_differs_from_the_background():
    torch.manual_seed(0)
    model = Tokenizer(TokenizerConfig(height=32, width=48, dim=64, heads=2))
    frames, background = squares()
    before = len(model.encode(frames[:, None]).unique())
    model.start_latents(frames, background)
    ids, empty = model.encode(frames[:, None]), model.encode(background[None, None])
    assert len(ids.unique()) > 1.5 * before
    assert (ids == empty).float().mean() > 0.8


@torch.no_grad()
def test_where_nothing_moves_the_start_stays_as_it_was():
    model = Tokenizer(TokenizerConfig(height=16, width=24, dim=16, heads=2))
    before = copy.deepcopy(model.state_dict())
    background = torch.full((3, 16, 24), 0.4)
    model.start_latents(background.repeat(8, 1, 1, 1), background)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_weights_that_ids_depend_on_are_those_of_the_encoder(frames):
    model = Tokenizer(TokenizerConfig(height=8, width=12, patch=4, dim=16, heads=2))
    ids = model.encode(frames)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if not name.startswith(Tokenizer.ENCODER):
                weight.normal_()
    assert torch.equal(model.encode(frames), ids)
    for name, weight in model.named_parameters():
        # Blocks begin as if they were not there.
        if name.startswith(Tokenizer.ENCODER) and "blocks" not in name and weight.ndim == 2:
            kept = weight.detach().clone()
            with torch.no_grad():
                weight.normal_()
            assert not torch.equal(model.encode(frames), ids), name
            with torch.no_grad():
                weight.copy_(kept)
