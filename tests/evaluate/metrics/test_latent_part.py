import pytest
import torch

from genie.evaluate.context import EvalConfig
from genie.evaluate.metrics.latent_part import latent_part

GROUPS = {"still": [0], "right": [1], "left": [2], "down": [3]}


def measure(toy, corpus, lam, groups=None):
    config, missing = EvalConfig(clips=32, action_groups=groups), {}
    return latent_part(toy.make_context(corpus, config=config, lam=lam), missing), missing


def test_a_lam_that_returns_the_true_actions_is_healthy_and_agrees(toy, toy_corpus):
    part, missing = measure(toy, toy_corpus, toy.ToyLam(), GROUPS)
    assert part["verdict"] == "healthy", part["reasons"]
    assert part["agreement"]["balanced_accuracy"] == 1.0
    assert part["agreement"]["nmi"] == pytest.approx(1.0)
    assert part["agreement"]["groups"] == {name: 1.0 for name in GROUPS}
    assert part["agreement"]["share_of_ceiling"] == pytest.approx(1.0, abs=0.05)
    assert part["agreement"]["weak_ceiling"] and "20,000" in missing["lam.agreement.weak_ceiling"]
    assert part["delta_psnr_1"] > 5 and part["psnr_1"] > part["frozen_psnr_1"] + 5
    assert part["delta_psnr_1_ci"][0] < part["delta_psnr_1"] < part["delta_psnr_1_ci"][1]
    assert part["code_share"] == pytest.approx([0.25] * 4, abs=0.05)


def test_a_constant_lam_is_collapsed_and_scores_chance(toy, toy_corpus):
    part, _ = measure(toy, toy_corpus, toy.ConstantLam(), GROUPS)
    assert part["verdict"] == "collapsed" and part["reasons"] and part["remedies"]
    assert part["agreement"]["balanced_accuracy"] == part["agreement"]["chance"] == 0.25
    assert part["agreement"]["share_of_ceiling"] == part["agreement"]["nmi"] == 0
    assert part["perplexity"] == pytest.approx(1.0)


def test_shuffled_codes_are_no_better_than_chance(toy, toy_corpus):
    class Shuffled(toy.ToyLam):
        def infer(self, frames):
            codes = super().infer(frames)
            generator = torch.Generator().manual_seed(int(frames.sum()) % 1000)
            return torch.randint(0, 4, codes.shape, generator=generator)

    part, _ = measure(toy, toy_corpus, Shuffled(), GROUPS)
    assert part["agreement"]["balanced_accuracy"] == pytest.approx(0.25, abs=0.05)
    assert part["agreement"]["share_of_ceiling"] == pytest.approx(0.0, abs=0.07)
    assert part["verdict"] == "collapsed"


def test_a_code_that_does_something_else_each_time_is_inconsistent(toy, toy_corpus):
    class Fickle(toy.ToyLam):
        def predict(self, frame, action):
            turned = torch.arange(len(action)) % 3 + 1
            return super().predict(frame, torch.where(action == 1, turned, action))

    steady, _ = measure(toy, toy_corpus, toy.ToyLam())
    fickle, _ = measure(toy, toy_corpus, Fickle())
    assert fickle["consistency_by_code"][1] < 0.6 < steady["consistency_by_code"][1]


def test_without_groups_or_without_actions_agreement_is_absent_with_a_reason(toy, toy_corpus):
    part, missing = measure(toy, toy_corpus, toy.ToyLam())
    assert set(part["agreement"].values()) == {None}
    assert "--action-groups" in missing["lam.agreement"]

    class Unlabelled(toy.ToyCorpus):
        def true_actions(self):
            raise ValueError("the corpus has no true actions")

    bare = Unlabelled(toy_corpus.frames, toy_corpus.episode_ends, toy_corpus.actions)
    part, missing = measure(toy, bare, toy.ToyLam(), GROUPS)
    assert "no true actions" in missing["lam.agreement"]
