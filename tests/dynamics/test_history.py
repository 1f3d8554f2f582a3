import pytest
import torch
from torch import nn

from dynamics.history import BLOCKS, corrupt_history, paste_blocks, redraw_history


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_corruption_leaves_the_targets_as_they_are():
    ids = torch.randint(11, (8, 4, 16), generator=generator())
    kept = ids.clone()
    history = corrupt_history(ids, 11, 0.5, generator())
    assert torch.equal(ids, kept)
    assert history.data_ptr() != ids.data_ptr()
    assert not torch.equal(history, ids)


def test_corruption_draws_a_share_for_each_clip_up_to_the_largest():
    ids = torch.full((400, 8, 64), -1)
    fraction = (corrupt_history(ids, 1000, 0.4, generator()) != -1).float().mean(dim=(1, 2))
    assert fraction.max() < 0.4 + 0.1
    assert fraction.mean() == pytest.approx(0.2, abs=0.02)
    assert fraction.std() == pytest.approx(0.4 / 12**0.5, abs=0.02)


def test_corruption_draws_every_code_and_no_other():
    history = corrupt_history(torch.full((200, 8, 16), -1), 5, 1.0, generator())
    counts = torch.bincount(history[history != -1], minlength=5).float()
    assert len(counts) == 5
    assert (counts / counts.mean() - 1).abs().max() < 0.1


def test_no_corruption_changes_nothing():
    ids = torch.randint(11, (8, 4, 16), generator=generator())
    assert torch.equal(corrupt_history(ids, 11, 0.0, generator()), ids)


def pasted(clips, fraction=1.0, frames=16, grid=(6, 4)):
    """Where clips, each of one code, have tokens of others, bool (B, T, rows, columns)."""
    ids = torch.arange(clips)[:, None, None].expand(clips, frames, grid[0] * grid[1])
    history = paste_blocks(ids.clone(), ids, grid, fraction, generator())
    assert ((history == ids) | (history == ids.roll(1, dims=0))).all()
    return (history != ids).view(clips, frames, *grid)


def test_some_clips_have_blocks_of_the_clip_before():
    found = pasted(400, fraction=0.3)
    with_blocks = found.flatten(1).any(dim=1)
    assert with_blocks.float().mean() == pytest.approx(0.3, abs=0.06)
    assert not pasted(9, fraction=0.0).any() and not pasted(1).any()  # no other clip is there
    # In a frame the pasted tokens are few rectangles: rows differ a few times only.
    changes = (found[:, :, 1:] != found[:, :, :-1]).any(dim=-1).sum(dim=-1)
    assert changes.max() <= 2 * BLOCKS


def test_every_frame_and_place_is_pasted_as_often():
    share = pasted(6000).float().mean(dim=0)
    for dims in ((1, 2), (0, 2), (0, 1)):
        along = share.mean(dim=dims)
        assert along.max() < 1.3 * along.min()
    assert 0.02 < share.mean() < 0.2


def test_what_was_corrupted_stays_where_nothing_is_pasted():
    ids = torch.randint(11, (8, 8, 24), generator=generator())
    history = corrupt_history(ids, 11, 0.9, generator(1))
    kept = paste_blocks(history, ids, (6, 4), 1.0, generator(2))
    moved = kept != history
    assert moved.any() and torch.equal(kept[moved], ids.roll(1, dims=0)[moved])


class OneMore(nn.Module):
    """In place of a dynamics: a token is the one before it, as it is in the history, plus one."""

    def forward(self, ids, actions, masked, history_ids):
        before = torch.cat((history_ids[:, :1], history_ids[:, :-1]), dim=1)
        return 50.0 * nn.functional.one_hot((before + 1) % 11, 11).float()


def redraw(ids, redrawn, model=None):
    actions, uniform = ids[:, 1:, 0], torch.rand(ids.shape, generator=generator(1))
    return redraw_history(model or OneMore(), (ids, actions), redrawn, uniform, 1.0)


def test_the_model_draws_what_is_to_be_redrawn_from_what_it_drew_before():
    ids = torch.zeros(2, 5, 3, dtype=torch.int64)
    redrawn = torch.zeros(2, 5, 3, dtype=torch.bool)
    redrawn[0] = True
    history = redraw(ids, redrawn)
    # Two rounds: a mistake leads to the next one, and no farther.
    assert history[0].tolist() == [[0] * 3, [1] * 3, [2] * 3, [2] * 3, [2] * 3]
    assert torch.equal(history[1], ids[1])
    assert not ids.any()


def test_single_tokens_are_redrawn_and_the_rest_are_true():
    ids = torch.randint(11, (4, 6, 5), generator=generator())
    redrawn = torch.rand(ids.shape, generator=generator(2)) < 0.5
    history = redraw(ids, redrawn)
    redrawn[:, 0] = False
    assert torch.equal(history[~redrawn], ids[~redrawn])
    assert not torch.equal(history, ids)


def test_a_dynamics_redraws_the_same_codes_for_the_same_numbers_and_learns_nothing(new_model):
    model = new_model()
    ids = torch.randint(11, (3, 6, 6), generator=generator())
    actions = torch.randint(3, (3, 5), generator=generator())
    redrawn, uniform = torch.ones_like(ids, dtype=torch.bool), torch.rand(3, 6, 6)
    first = redraw_history(model, (ids, actions), redrawn, uniform, 0.8)
    assert torch.equal(redraw_history(model, (ids, actions), redrawn, uniform, 0.8), first)
    assert not torch.equal(redraw_history(model, (ids, actions), redrawn, 1 - uniform, 0.8), first)
    assert torch.equal(first[:, 0], ids[:, 0])
    assert not first.requires_grad and all(p.grad is None for p in model.parameters())
