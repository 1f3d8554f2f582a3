import numpy as np
import pytest

from genie.evaluate.metrics.rollouts import random_actions, score_rollouts


def score(toy, corpus, rollout, clips=48, **changed):
    return score_rollouts(toy.make_context(corpus, rollout, clips=clips), **changed)


def test_a_perfect_world_scores_the_ceiling(toy, toy_corpus):
    errors = score(toy, toy_corpus, toy.PerfectRollout).errors
    assert errors.psnr("inferred") == pytest.approx(errors.psnr("ceiling"))
    assert (errors.delta() > 3).all() and (errors.psnr("ceiling") > 30).all()


@pytest.mark.parametrize("prompt_frames", [1, 2, 4])
def test_a_longer_prompt_is_scored_on_the_same_frames(toy, toy_corpus, prompt_frames):
    errors = score(toy, toy_corpus, toy.PerfectRollout, prompt_frames=prompt_frames).errors
    one = score(toy, toy_corpus, toy.PerfectRollout).errors
    assert errors.psnr("inferred") == pytest.approx(one.psnr("inferred"))
    assert errors.psnr("frozen") == pytest.approx(one.psnr("frozen"))


def test_a_frozen_world_has_no_delta_and_the_frozen_psnr(toy, toy_corpus):
    errors = score(toy, toy_corpus, toy.FrozenRollout).errors
    assert errors.delta() == pytest.approx(np.zeros(16), abs=1e-12)
    assert errors.delta_interval() == pytest.approx(np.zeros((16, 2)), abs=1e-12)
    assert errors.psnr("inferred") == pytest.approx(errors.psnr("frozen"), abs=0.2)


def test_a_world_deaf_to_keys_has_a_delta_near_zero(toy, toy_corpus):
    errors = score(toy, toy_corpus, toy.DeafRollout, clips=384).errors
    low, high = errors.delta_interval().T
    assert (np.abs(errors.delta()) < 0.2).all()
    assert (high - low < 0.4).all()


def test_a_world_that_reads_the_action_one_frame_late_falls_below_the_ceiling(toy, toy_corpus):
    class LateRollout(toy.PerfectRollout):
        def next(self, actions):
            before = getattr(self, "late", actions * 0)
            self.late = actions
            return toy.move(self.ids, before)

    errors = score(toy, toy_corpus, LateRollout).errors
    assert (errors.psnr("inferred") < errors.psnr("ceiling") - 5).all()


def test_all_arms_of_a_clip_share_one_sampling_seed_and_clips_do_not(toy, toy_corpus):
    seen = []

    def make(seeds):
        seen.extend(seeds)
        return toy.PerfectRollout(seeds)

    score(toy, toy_corpus, make, clips=10)
    assert [seen[i : i + 5] for i in range(0, 50, 5)] == [[s] * 5 for s in seen[::5]]
    assert len(set(seen)) == 10


def test_ssim_is_that_of_the_arm_with_inferred_actions(toy, toy_corpus):
    perfect = score(toy, toy_corpus, toy.PerfectRollout, random_draws=1).ssim
    frozen = score(toy, toy_corpus, toy.FrozenRollout, random_draws=1).ssim
    assert perfect.shape == (48, 16)
    assert perfect.mean() > frozen.mean() + 0.1


def test_random_actions_are_uniform_and_do_not_depend_on_other_clips():
    drawn = random_actions(np.arange(200), 4, 5, seed=1)
    assert (drawn[7] == random_actions(np.array([7]), 4, 5, seed=1)[0]).all()
    assert np.bincount(drawn.ravel()) / drawn.size == pytest.approx(np.full(5, 0.2), abs=0.02)
