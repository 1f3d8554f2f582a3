import numpy as np
import pytest

from genie.evaluate.metrics.stuck import FRAMES, _real_change, score_stuck, stuck_frames


def test_a_world_whose_keys_act_is_never_stuck(toy, toy_corpus):
    stuck = score_stuck(toy.make_context(toy_corpus, toy.PerfectRollout, clips=16))
    assert (stuck.share, stuck.rollouts) == (0.0, 32)
    assert 0 < stuck.threshold <= 0.05 < min(stuck.change)


def test_a_world_in_which_nothing_moves_is_stuck_everywhere(toy, toy_corpus):
    assert score_stuck(toy.make_context(toy_corpus, toy.FrozenRollout, clips=4)).share == 1.0


def test_only_rollouts_that_no_key_leads_out_of_count(toy, toy_corpus):
    class Trap(toy.PerfectRollout):
        """A wall that key 0 leads into, and no key out of."""

        def reset(self, ids, actions):
            self.caught = np.zeros(len(ids), bool)
            return super().reset(ids, actions)

        def next(self, actions):
            self.caught |= actions.numpy() == 0
            moved = toy.move(self.ids, actions)
            moved[toy.torch.from_numpy(self.caught)] = 0
            return moved

    stuck = score_stuck(toy.make_context(toy_corpus, Trap, clips=32))
    # Held keys: one in four. Random keys of 100 frames: nearly all press 0 at some time.
    assert 0.5 < stuck.share < 0.75


def test_progress_counts_every_sampled_frame(toy, toy_corpus):
    for clips in (8, 2):
        done, context = [], toy.make_context(toy_corpus, clips=clips)
        score_stuck(context, tick=done.append)
        assert sum(done) == stuck_frames(context.config)


@pytest.mark.parametrize("length", [90, 150, 400])
def test_what_true_frames_change_is_read_off_whole_stretches(toy, length):
    """Each frame, one pixel more is lit: as many change in a stretch as it is long."""
    episode = np.zeros((length, 20, 20, 3), np.uint8)
    for t in range(length):
        episode[t].reshape(-1, 3)[: t + 1] = 255
    ends = np.arange(1, 9) * length
    corpus = toy.ToyCorpus(np.tile(episode, (8, 1, 1, 1)), ends, np.zeros(8 * length))
    changed = min(FRAMES, length - 1) / 400
    assert _real_change(toy.make_context(corpus, clips=32)) == pytest.approx(changed)
