"""A tokenizer for larger frames that keeps the ids of a smaller one."""

import pytest
import torch

from spacetime.pixels import SHRINKINGS, shrink
from tokenizer import Tokenizer, TokenizerConfig
from tokenizer.enlarge import enlarge


@pytest.fixture
def small():
    torch.manual_seed(0)
    sizes = {"height": 16, "width": 24, "patch": 8, "dim": 16, "heads": 2, "levels": (4, 3, 3)}
    model = Tokenizer(TokenizerConfig(**sizes, encoder_layers=1, decoder_layers=1)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn_like(weight) * 0.3)
        model.to_latent.weight *= 4  # so that many codes occur
    return model.requires_grad_(False)


@pytest.mark.parametrize("shrinking", SHRINKINGS)
@pytest.mark.parametrize("factor", [2, 3])
def test_large_frames_have_the_ids_of_the_shrunk_ones(small, factor, shrinking):
    large = enlarge(small, factor, shrinking)
    blocks = torch.rand(4, 3, 3, 16, 24).repeat_interleave(factor, -1)
    frames = blocks.repeat_interleave(factor, -2)
    frames = frames + 0.1 * torch.rand_like(frames)
    ids = small.encode(shrink(frames, factor, shrinking))
    assert len(ids.unique()) > 10
    # Sums are taken in another order: a latent on the edge between two codes may fall either way.
    assert (large.encode(frames) == ids).float().mean() > 0.98


@pytest.mark.parametrize("factor", [2, 3])
def test_it_draws_each_pixel_as_many_times(small, factor):
    large = enlarge(small, factor, "mean")
    ids = torch.randint(small.num_codes, (2, 3, small.num_tokens))
    drawn = small.decode(ids)
    repeated = drawn.repeat_interleave(factor, -1).repeat_interleave(factor, -2)
    torch.testing.assert_close(large.decode(ids), repeated)


def test_the_given_tokenizer_stays_as_it_is(small):
    before = {name: weight.clone() for name, weight in small.state_dict().items()}
    enlarge(small, 2, "middle")
    assert all(torch.equal(weight, before[name]) for name, weight in small.state_dict().items())


@pytest.mark.parametrize(("factor", "shrinking"), [(1, "mean"), (2, "median")])
def test_what_is_no_enlargement_is_refused(small, factor, shrinking):
    with pytest.raises(ValueError, match="factor 2 or more"):
        enlarge(small, factor, shrinking)
