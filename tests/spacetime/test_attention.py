import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from spacetime.attention import TimeAttention, attend, attend_step, band_mask
from spacetime.rotary import rotary_table, rotate
from spacetime.space_attention import BIAS_SCALE, SpaceAttention, offset_ids


class OnGpu(Tensor):
    """Says that it lies on a GPU, so that the fused path runs on the CPU."""

    is_cuda = True


def heads(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def redrawn(module: torch.nn.Module, std: float = 0.4) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(9)
    for parameter in module.parameters():
        parameter.copy_(std * torch.randn(parameter.shape, generator=generator))
    return module


@pytest.mark.parametrize(
    ("frames", "band", "expected"),
    [
        (3, 1, [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        (4, 2, [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]),
        (3, 9, [[1, 0, 0], [1, 1, 0], [1, 1, 1]]),
    ],
)
def test_a_frame_sees_itself_and_the_band_before_it(frames, band, expected):
    assert band_mask(frames, band).int().tolist() == expected


@pytest.mark.parametrize("lead", [(), (2,), (2, 5)])
@pytest.mark.parametrize("masked", [False, True])
def test_attend_is_scaled_dot_product_attention(lead, masked):
    queries = heads(*lead, 3, 6, 8, seed=0)
    keys, values = heads(*lead, 3, 7, 8, seed=1), heads(*lead, 3, 7, 8, seed=2)
    mask = torch.rand(6, 7, generator=torch.Generator().manual_seed(3)) < 0.5
    mask[:, 0] = True
    mask = mask if masked else None
    expected = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    torch.testing.assert_close(attend(queries, keys, values, mask), expected)


@pytest.mark.parametrize("lead", [(), (2,), (2, 5)])
@pytest.mark.parametrize("masked", [False, True])
def test_both_kernels_of_attend_agree(lead, masked):
    parts = [heads(*lead, 3, 6, 8, seed=seed) for seed in range(3)]
    mask = band_mask(6, 3) if masked else None
    written_out = attend(*parts, mask)
    fused = attend(*(part.as_subclass(OnGpu) for part in parts), mask)
    torch.testing.assert_close(fused.as_subclass(Tensor), written_out)


@pytest.mark.parametrize("seen", [[1, 1, 1, 1], [0, 1, 0, 1], [0, 0, 0, 1]])
def test_one_query_over_its_past_and_itself_is_attention_over_both(seen):
    queries, keys, values = (heads(2, 5, 3, 8, seed=seed) for seed in range(3))
    past = heads(2, 5, 3, 3, 8, seed=4), heads(2, 5, 3, 3, 8, seed=5)
    mask = torch.tensor(seen, dtype=torch.bool)
    bias = torch.zeros(4).masked_fill(~mask, -torch.inf)
    expected = attend(
        queries[..., None, :],
        torch.cat((past[0], keys[..., None, :]), dim=-2),
        torch.cat((past[1], values[..., None, :]), dim=-2),
        mask[None],
    ).squeeze(-2)
    mixed = attend_step(queries * 8**-0.5, (keys, values), past, bias)
    torch.testing.assert_close(mixed, expected)


def test_attend_passes_gradients_to_what_is_seen_only():
    queries, keys, values = (heads(2, 4, 8, seed=seed).requires_grad_() for seed in range(3))
    attend(queries, keys, values, band_mask(4, 2))[:, 1].sum().backward()
    for part in (keys, values):
        assert (part.grad.abs().amax(dim=(0, 2)) > 0).tolist() == [True, True, False, False]


@torch.no_grad()
def test_attend_in_bfloat16_stays_in_bfloat16():
    parts = [heads(2, 4, 8, seed=seed).bfloat16() for seed in range(3)]
    mixed = attend(*parts, band_mask(4, 2))
    assert mixed.dtype == torch.bfloat16
    expected = attend(*(part.float() for part in parts), band_mask(4, 2))
    assert (mixed.float() - expected).abs().max() < 0.05


def test_attend_makes_nothing_on_another_device():
    """The meta device stands for any that is neither the CPU nor CUDA."""
    parts = [torch.empty(2, 4, 8, device="meta") for _ in range(3)]
    for mask in (None, band_mask(4, 2, "meta")):
        assert attend(*parts, mask).device.type == "meta"


def test_queries_and_keys_are_normalised():
    layer = redrawn(SpaceAttention(16, 2))
    with torch.no_grad():
        layer.gain.fill_(1.0)
    pattern = "b n (three heads d) -> three b heads n d"
    small, large = (layer.project(scale * heads(2, 5, 16), pattern) for scale in (1.0, 100.0))
    for one, other in zip(small[:2], large[:2], strict=True):
        torch.testing.assert_close(one.square().mean(dim=-1), torch.ones(2, 2, 5))
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_each_head_has_a_sharpness_of_its_own():
    layer = redrawn(SpaceAttention(16, 2))
    with torch.no_grad():
        layer.gain.copy_(torch.tensor([1.0, 5.0]))
    for pattern, axis in (
        ("b t n (three heads d) -> three b n heads t d", 2),
        ("b t n (three heads d) -> three b t heads n d", 2),
    ):
        queries = layer.project(heads(2, 3, 5, 16), pattern)[0]
        size = queries.square().mean(dim=-1).sqrt().movedim(axis, 0).flatten(1)
        torch.testing.assert_close(size[0], torch.ones_like(size[0]))
        torch.testing.assert_close(size[1], torch.full_like(size[1], 5.0))


@torch.no_grad()
def test_space_attention_stays_inside_a_frame():
    layer, x = redrawn(SpaceAttention(16, 2)), heads(2, 4, 5, 16)
    changed = x.clone()
    changed[:, 2, 0] += 1
    moved = (layer(x) != layer(changed)).amax(dim=(0, 2, 3))
    assert moved.tolist() == [False, False, True, False]


@torch.no_grad()
def test_space_attention_sees_every_token_of_the_frame():
    layer, x = redrawn(SpaceAttention(16, 2)), heads(1, 5, 16)
    for place in range(5):
        changed = x.clone()
        changed[:, place] += 1
        assert (layer(x) != layer(changed)).any(dim=-1).all()


def test_pairs_of_positions_share_a_number_where_their_offset_is_the_same():
    rows, columns = 3, 4
    place = [(i // columns, i % columns) for i in range(rows * columns)]
    numbers = {}
    for query, (r, c) in enumerate(place):
        for key, (s, d) in enumerate(place):
            number = int(offset_ids((rows, columns))[query, key])
            assert 0 <= number < (2 * rows - 1) * (2 * columns - 1)
            assert numbers.setdefault(number, (s - r, d - c)) == (s - r, d - c)
    assert len(numbers) == len(set(numbers.values())) == (2 * rows - 1) * (2 * columns - 1)


@torch.no_grad()
def test_an_offset_that_is_preferred_brings_every_token_its_neighbour():
    """One offset holds at all positions; at the rim there is no such neighbour."""
    layer, x = redrawn(SpaceAttention(16, 2, grid=(3, 4))), heads(1, 12, 16)
    layer.offsets.zero_()
    layer.offsets[:, 2, 2] = 1000 / BIAS_SCALE  # of 5 by 7 offsets: the same row, one column left
    values = layer.out(layer.qkv(x)[..., 32:]).view(3, 4, 16)
    for mixed in (layer(x), layer.step(x)):
        torch.testing.assert_close(mixed.view(3, 4, 16)[:, 1:], values[:, :-1])


@torch.no_grad()
def test_offsets_begin_without_a_say():
    plain, layer = redrawn(SpaceAttention(16, 2)), SpaceAttention(16, 2, grid=(2, 3))
    missing = layer.load_state_dict(plain.state_dict(), strict=False).missing_keys
    assert missing == ["offsets"]
    x = heads(2, 4, 6, 16)
    torch.testing.assert_close(layer(x), plain(x))
    torch.testing.assert_close(layer.step(x[0]), plain.step(x[0]))


@torch.no_grad()
def test_space_attention_with_offsets_is_played_as_it_is_trained():
    layer, x = redrawn(SpaceAttention(16, 2, grid=(2, 3)), std=0.1), heads(2, 6, 16)
    torch.testing.assert_close(layer.step(x), layer(x))


@torch.no_grad()
def test_time_attention_is_causal_banded_and_stays_at_its_position():
    layer, x = redrawn(TimeAttention(16, 2, band=3)), heads(1, 8, 5, 16)
    changed = x.clone()
    changed[:, 2, 1] += 1
    moved = (layer(x) != layer(changed)).any(dim=-1)[0]  # (T, N)
    assert moved[:, 1].tolist() == [t in (2, 3, 4) for t in range(8)]
    assert not moved[:, [0, 2, 3, 4]].any()


@torch.no_grad()
def test_time_attention_equals_a_loop_over_positions_frames_and_heads():
    layer, x = redrawn(TimeAttention(16, 2, band=3)), heads(2, 6, 3, 16)
    qkv = (x @ layer.qkv.weight.T).unflatten(-1, (3, 2, 8))  # (B, T, N, 3, heads, d)
    tables = [rotary_table(torch.tensor([t]), 8) for t in range(6)]

    def rotated(part: Tensor, t: int) -> Tensor:
        return rotate((part / part.square().mean().sqrt())[None], tables[t])[0]

    expected = torch.zeros(2, 6, 3, 2, 8)
    for b, t, n, h in torch.cartesian_prod(*map(torch.arange, (2, 6, 3, 2))).tolist():
        seen = range(max(0, t - 2), t + 1)
        query = rotated(qkv[b, t, n, 0, h], t) * layer.gain[h]
        scores = torch.stack([query @ rotated(qkv[b, s, n, 1, h], s) for s in seen]) / 8**0.5
        values = torch.stack([qkv[b, s, n, 2, h] for s in seen])
        expected[b, t, n, h] = scores.softmax(dim=0) @ values
    torch.testing.assert_close(layer(x), expected.flatten(-2) @ layer.out.weight.T)


@torch.no_grad()
def test_the_clean_stream_does_not_see_the_masked_one():
    layer = redrawn(TimeAttention(16, 2, band=3))
    clean, masked = heads(1, 6, 2, 16, seed=0), heads(1, 6, 2, 16, seed=1)
    both = layer.two_stream(clean, masked)
    torch.testing.assert_close(both[0], layer(clean))
    assert torch.equal(layer.two_stream(clean, masked + 1)[0], both[0])


@torch.no_grad()
def test_a_masked_frame_sees_the_clean_past_and_itself():
    layer = redrawn(TimeAttention(16, 2, band=3))
    clean, masked = heads(1, 6, 2, 16, seed=0), heads(1, 6, 2, 16, seed=1)
    before = layer.two_stream(clean, masked)[1]
    other_clean, other_masked = clean.clone(), masked.clone()
    other_clean[:, 2] += 1
    other_masked[:, 2] += 1
    by_clean = (layer.two_stream(other_clean, masked)[1] != before).amax(dim=(0, 2, 3))
    by_masked = (layer.two_stream(clean, other_masked)[1] != before).amax(dim=(0, 2, 3))
    assert by_clean.tolist() == [False, False, False, True, True, False]
    assert by_masked.tolist() == [False, False, True, False, False, False]
