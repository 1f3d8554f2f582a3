import numpy as np
import pytest

from genie.evaluate.clips import CLIP_FRAMES, choose_clips
from genie.frames import to_models, to_uint8

ENDS = np.cumsum(np.random.default_rng(0).integers(100, 300, 60))


def test_clips_never_cross_an_episode_end():
    choice = choose_clips(ENDS)
    firsts = np.concatenate([[0], ENDS[:-1]])
    assert (choice.starts >= firsts[choice.episodes]).all()
    assert (choice.starts + CLIP_FRAMES <= ENDS[choice.episodes]).all()


def test_256_clips_come_from_40_episodes_and_at_most_8_of_one():
    choice = choose_clips(ENDS)
    counts = np.bincount(choice.episodes)
    assert len(choice) == 256 and choice.note is None
    assert (counts > 0).sum() >= 40 and counts.max() <= 8
    assert len(np.unique(choice.starts)) == 256


def test_first_clips_lie_in_different_episodes():
    assert len(set(choose_clips(ENDS).episodes[:40].tolist())) == 40


def test_the_choice_is_a_function_of_the_seed():
    assert (choose_clips(ENDS, seed=5).starts == choose_clips(ENDS, seed=5).starts).all()
    assert (choose_clips(ENDS, seed=5).starts != choose_clips(ENDS, seed=6).starts).any()


def test_a_small_corpus_gives_fewer_clips_and_says_so():
    choice = choose_clips(np.array([50, 100]))
    assert 0 < len(choice) < 10
    assert "256" in choice.note and "40" in choice.note


def test_episodes_of_exactly_one_clip_are_used():
    assert choose_clips(np.array([20, 30, 50])).starts.tolist() in ([0, 30], [30, 0])


@pytest.mark.parametrize("ends", [[], [19], [5, 24]])
def test_a_corpus_of_short_episodes_is_refused_with_a_next_step(ends):
    with pytest.raises(ValueError, match="longer episodes"):
        choose_clips(np.array(ends, dtype=np.int64))


def test_no_clips_at_all_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        choose_clips(ENDS, clips=0)


def test_frames_survive_the_way_to_the_models_and_back():
    frames = np.arange(2 * 3 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 4, 3)
    assert (to_uint8(to_models(frames)) == frames).all()
