import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from dynamics.model import Dynamics, DynamicsConfig
from genie.evaluate.metrics.tokens import MASK_RATIOS, score_cross_entropy, score_tokenizer


@pytest.fixture
def context(toy, toy_corpus):
    return toy.make_context(toy_corpus, clips=48)


def test_tokenizer_scores_have_the_values_of_the_toy(context):
    scores = score_tokenizer(context)
    noise = np.mean(np.arange(-4, 5) ** 2) / 255**2
    assert scores.psnr == pytest.approx(-10 * math.log10(noise), abs=0.1)
    assert scores.codes_used_share == 0.5  # four of eight
    assert scores.perplexity == pytest.approx(4, abs=0.1)
    assert scores.bits_per_frame == 2 * 3
    assert 0.5 < scores.ssim < 1


def test_a_dynamics_that_knows_has_no_cross_entropy(context):
    nats = score_cross_entropy(context)
    assert nats.first < 1e-6 and nats.mean < 1e-6
    assert len(nats.by_frame) == 19 and nats.clips == 48


def test_a_dynamics_that_guesses_pays_the_log_of_the_codes(toy, toy_corpus):
    class Guess(toy.ToyDynamics):
        def forward(self, ids, actions, masked, history_ids=None):
            return torch.zeros(*ids.shape, 8)

    nats = score_cross_entropy(toy.make_context(toy_corpus, clips=48, dynamics=Guess()))
    assert nats.first == pytest.approx(math.log(8)) and nats.mean == pytest.approx(math.log(8))


def test_only_masked_tokens_count_and_every_ratio_counts_once(toy, context):
    class Ratio(toy.ToyDynamics):
        """Pays its frame's fraction of masked tokens, and a fortune for visible ones."""

        def forward(self, ids, actions, masked, history_ids=None):
            fraction = masked.float().mean(-1, keepdim=True).expand(masked.shape)
            cost = torch.where(masked, fraction, 1000.0)
            logits = torch.zeros(*ids.shape, 8)
            # One wrong code of logit log((e^cost - 7) ...) would do; a soft target is simpler:
            right = -torch.log(torch.expm1(cost.double()) / 7).float()
            return logits.scatter_(-1, ids[..., None], right[..., None])

    ids = context.encoded.ids.repeat(1, 1, 32)  # 64 tokens, so that the ratios differ
    wide = toy.make_context(context.corpus, clips=48, dynamics=Ratio())
    vars(wide)["encoded"] = replace(context.encoded, ids=ids)
    nats = score_cross_entropy(wide)
    assert nats.first == pytest.approx(1.0, abs=1e-4)
    expected = np.mean([round(r * 64) / 64 for r in MASK_RATIOS])
    assert nats.mean == pytest.approx(expected, abs=1e-4)


def test_a_world_with_a_map_is_measured_with_what_it_recalls(toy, context):
    moves = ((0, 0), (0, 1), (0, -1), (1, 0))
    sizes = {"dim": 8, "heads": 2, "layers": 1, "band": 2, "num_codes": 8, "num_actions": 4}
    torch.manual_seed(0)
    model = Dynamics(DynamicsConfig(num_tokens=16, grid=(4, 4), moves=moves, **sizes)).eval()
    with torch.no_grad():  # a new map says nothing
        model.recalled.weight.normal_()
        model.belief.bias.fill_(3.0)
    wide = toy.make_context(context.corpus, clips=48, dynamics=model)
    ids = torch.randint(0, 8, (48, 20, 16), generator=torch.Generator().manual_seed(0))
    encoded = replace(context.encoded, ids=ids)
    vars(wide)["encoded"] = encoded
    nats, masked = [], torch.full((48, 16), 8)
    with torch.inference_mode():
        cache, action = model.new_cache(48), torch.full((48,), 4)
        for t in range(20):
            logits = model.draft(masked, action, cache)
            nats.append(torch.nn.functional.cross_entropy(logits.mT, ids[:, t]).item())
            model.commit(ids[:, t], action, cache)
            action = encoded.codes[:, t] if t < 19 else None
    assert score_cross_entropy(wide).by_frame == pytest.approx(nats[1:], abs=1e-4)
