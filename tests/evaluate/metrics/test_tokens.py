import math

import numpy as np
import pytest
import torch

from genie.evaluate.clips import choose_clips, encode_clips
from genie.evaluate.metrics.tokens import MASK_RATIOS, score_cross_entropy, score_tokenizer


@pytest.fixture
def read(toy, toy_corpus):
    choice = choose_clips(toy_corpus.episode_ends, 48)
    return choice, encode_clips(toy.make_bundle(), toy_corpus, choice)


def test_tokenizer_scores_have_the_values_of_the_toy(toy, toy_corpus, read):
    scores = score_tokenizer(toy.make_bundle(), toy_corpus, *read)
    noise = np.mean(np.arange(-4, 5) ** 2) / 255**2
    assert scores.psnr == pytest.approx(-10 * math.log10(noise), abs=0.1)
    assert scores.codes_used_share == 0.5  # four of eight
    assert scores.perplexity == pytest.approx(4, abs=0.1)
    assert scores.bits_per_frame == 2 * 3
    assert 0.5 < scores.ssim < 1


def test_a_dynamics_that_knows_has_no_cross_entropy(toy, read):
    nats = score_cross_entropy(toy.make_bundle(), read[1])
    assert nats.first < 1e-6 and nats.mean < 1e-6
    assert len(nats.by_frame) == 19 and nats.clips == 48


def test_a_dynamics_that_guesses_pays_the_log_of_the_codes(toy, read):
    class Guess(toy.ToyDynamics):
        def forward(self, ids, actions, hidden, history_ids=None):
            return torch.zeros(*ids.shape, 8)

    nats = score_cross_entropy(toy.make_bundle(dynamics=Guess()), read[1])
    assert nats.first == pytest.approx(math.log(8)) and nats.mean == pytest.approx(math.log(8))


def test_only_hidden_tokens_count_and_every_ratio_counts_once(toy, read):
    class Ratio(toy.ToyDynamics):
        """Pays its frame's share of hidden tokens, and a fortune for visible ones."""

        def forward(self, ids, actions, hidden, history_ids=None):
            share = hidden.float().mean(-1, keepdim=True).expand(hidden.shape)
            cost = torch.where(hidden, share, 1000.0)
            logits = torch.zeros(*ids.shape, 8)
            # One wrong code of logit log((e^cost - 7) ...) would do; a soft target is simpler:
            right = -torch.log(torch.expm1(cost.double()) / 7).float()
            return logits.scatter_(-1, ids[..., None], right[..., None])

    codes = read[1].ids.repeat(1, 1, 32)  # 64 tokens, so that the ratios differ
    encoded = type(read[1])(ids=codes, codes=read[1].codes)
    nats = score_cross_entropy(toy.make_bundle(dynamics=Ratio()), encoded)
    assert nats.first == pytest.approx(1.0, abs=1e-4)
    expected = np.mean([round(r * 64) / 64 for r in MASK_RATIOS])
    assert nats.mean == pytest.approx(expected, abs=1e-4)
