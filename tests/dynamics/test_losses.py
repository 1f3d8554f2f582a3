import pytest
import torch

from dynamics.history import corrupt_history
from dynamics.losses import masked_cross_entropy

BATCH, FRAMES, TOKENS, CODES, ACTIONS = 2, 5, 6, 11, 3


@pytest.fixture
def ids() -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(CODES, (BATCH, FRAMES, TOKENS), generator=generator)


@pytest.fixture
def masked() -> torch.Tensor:
    return torch.rand(BATCH, FRAMES, TOKENS, generator=torch.Generator().manual_seed(4)) < 0.5


@pytest.fixture
def logits() -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randn(BATCH, FRAMES, TOKENS, CODES, generator=generator, requires_grad=True)


def test_masked_loss_is_the_mean_surprise_of_masked_tokens_after_frame_0(logits, ids, masked):
    surprise = [
        -logits[b, t, n].log_softmax(dim=0)[ids[b, t, n]]
        for b in range(BATCH)
        for t in range(1, FRAMES)
        for n in range(TOKENS)
        if masked[b, t, n]
    ]
    expected = torch.stack(surprise).mean()
    torch.testing.assert_close(masked_cross_entropy(logits, ids, masked), expected)


def test_a_weight_counts_the_tokens_of_its_position_that_many_times(logits, ids, masked):
    weights = torch.tensor([1.0, 1.0, 3.0, 1.0, 0.0, 1.0])
    repeated = torch.arange(TOKENS).repeat_interleave(weights.long())
    torch.testing.assert_close(
        masked_cross_entropy(logits, ids, masked, weights),
        masked_cross_entropy(logits[:, :, repeated], ids[:, :, repeated], masked[:, :, repeated]),
    )


def test_visible_tokens_and_frame_0_bear_no_loss(logits, ids, masked):
    masked_cross_entropy(logits, ids, masked).backward()
    borne = logits.grad.abs().amax(dim=-1) > 0
    assert not borne[:, 0].any()
    assert torch.equal(borne[:, 1:], masked[:, 1:])


def test_targets_are_the_true_tokens_not_the_fill_value(logits, ids, masked):
    masked_cross_entropy(logits, ids, masked).backward()
    pulled_up = logits.grad[:, 1:].argmin(dim=-1)
    assert torch.equal(pulled_up[masked[:, 1:]], ids[:, 1:][masked[:, 1:]])


def test_a_model_that_knows_the_true_tokens_has_no_loss_and_one_that_knows_fills_has(ids, masked):
    certain = 50.0 * torch.nn.functional.one_hot(ids, CODES).float()
    assert masked_cross_entropy(certain, ids, masked) < 1e-6
    fill = 50.0 * torch.nn.functional.one_hot(torch.full_like(ids, CODES - 1), CODES).float()
    assert masked_cross_entropy(fill, ids, masked) > 10


def test_corrupted_history_does_not_touch_targets(new_model, ids, masked):
    """The same logits are pulled to the true tokens, whatever the history showed."""
    model = new_model()
    actions = torch.zeros(BATCH, FRAMES - 1, dtype=torch.long)
    history = corrupt_history(ids, CODES, 1.0, torch.Generator().manual_seed(0))
    assert (history != ids).float().mean() > 0.2
    logits = model(ids, actions, masked, history)
    logits.retain_grad()
    masked_cross_entropy(logits, ids, masked).backward()
    pulled_up = logits.grad[:, 1:].argmin(dim=-1)
    assert torch.equal(pulled_up[masked[:, 1:]], ids[:, 1:][masked[:, 1:]])


def test_bfloat16_logits_are_scored_in_float32(ids, masked):
    logits = torch.randn(BATCH, FRAMES, TOKENS, CODES).bfloat16()
    loss = masked_cross_entropy(logits, ids, masked)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, masked_cross_entropy(logits.float(), ids, masked))
