import numpy as np

from genie.evaluate.metrics.round_trip import (
    fraction_read_back,
    round_trip_frames,
    score_round_trip,
)


def score(toy, corpus, rollout, **parts):
    return score_round_trip(toy.make_context(corpus, rollout, clips=48, **parts))


def test_a_perfect_world_reads_every_key_back(toy, toy_corpus):
    scores = score(toy, toy_corpus, toy.PerfectRollout)
    assert scores.held == scores.random == (1.0,) * 4


def test_a_broken_key_shows_in_its_own_round_trip_alone(toy, toy_corpus):
    scores = score(toy, toy_corpus, toy.BrokenLeftRollout)
    assert scores.held == scores.random == (1.0, 1.0, 0.0, 1.0)


def test_a_deaf_world_reads_back_at_chance(toy, toy_corpus):
    class Wanders(toy.PerfectRollout):
        def next(self, actions):
            drawn = np.random.default_rng([9, self.t]).integers(0, 4, len(self.seeds))
            return toy.move(self.ids, toy.torch.from_numpy(drawn))

    held = score(toy, toy_corpus, Wanders).held
    assert all(0.1 < share < 0.4 for share in held)


def test_a_code_that_was_never_commanded_has_no_share():
    commanded, inferred = np.array([0, 0, 2]), np.array([0, 1, 2])
    assert fraction_read_back(commanded, inferred, 3) == [0.5, None, 1.0]


def test_progress_counts_every_sampled_frame(toy, toy_corpus):
    for clips in (48, 24, 2):
        done, context = [], toy.make_context(toy_corpus, clips=clips)
        score_round_trip(context, tick=done.append)
        assert sum(done) == round_trip_frames(context.config, 4)
