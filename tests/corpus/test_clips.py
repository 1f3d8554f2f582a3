import numpy as np
import pytest

from corpus.clips import clip_starts, draw_batch, draw_clips, read_clips, split_episodes
from corpus.store import Corpus


def _slow_starts(ends, length, episodes):
    starts = []
    for episode in episodes:
        begin = ends[episode - 1] if episode else 0
        starts += [s for s in range(begin, ends[episode]) if s + length <= ends[episode]]
    return starts


def test_starts_are_exactly_those_that_cross_no_episode_end():
    for seed in range(200):
        rng = np.random.default_rng(seed)
        ends = np.cumsum(rng.integers(1, 12, rng.integers(1, 9)))
        length = int(rng.integers(1, 10))
        some = np.flatnonzero(rng.random(len(ends)) < 0.6)
        assert clip_starts(ends, length).tolist() == _slow_starts(ends, length, range(len(ends)))
        assert clip_starts(ends, length, some).tolist() == _slow_starts(ends, length, some)


def test_starts_are_int64_even_when_there_are_none():
    starts = clip_starts(np.array([3, 6]), 4)
    assert starts.dtype == np.int64 and len(starts) == 0


@pytest.mark.parametrize("episodes", [[2], [-1]])
def test_starts_of_an_episode_that_does_not_exist_are_refused(episodes):
    with pytest.raises(ValueError, match="0 to 1"):
        clip_starts(np.array([3, 6]), 2, episodes)


def test_a_clip_of_no_frames_is_refused():
    with pytest.raises(ValueError, match="at least 1 frame"):
        clip_starts(np.array([3]), 0)


@pytest.mark.parametrize("count", [2, 3, 10, 892])
def test_split_is_disjoint_complete_and_a_function_of_the_seed(count):
    train, held_out = split_episodes(count, 7)
    assert sorted([*train, *held_out]) == list(range(count))
    assert len(held_out) == max(1, round(count * 0.03))
    again = split_episodes(count, 7)
    assert (train == again[0]).all() and (held_out == again[1]).all()


def test_split_changes_with_the_seed():
    assert len({tuple(split_episodes(100, seed)[1]) for seed in range(10)}) > 5


def test_a_lone_episode_is_trained_on():
    train, held_out = split_episodes(1, 0)
    assert train.tolist() == [0] and held_out.tolist() == []


@pytest.mark.parametrize(("count", "share"), [(0, 0.1), (5, 1.0), (5, -0.1)])
def test_an_impossible_split_is_refused(count, share):
    with pytest.raises(ValueError):
        split_episodes(count, 0, share)


def test_draws_are_a_pure_function_of_seed_and_step():
    starts = clip_starts(np.array([50, 90]), 8)
    first = draw_clips(starts, 16, 3, 5)
    np.random.seed(0)
    draw_clips(starts, 16, 3, 6)
    assert (draw_clips(starts, 16, 3, 5) == first).all()
    assert first.dtype == np.int64 and np.isin(first, starts).all()
    assert (draw_clips(starts, 16, 3, 6) != first).any()
    assert (draw_clips(starts, 16, 4, 5) != first).any()


def test_draws_stay_the_same_from_release_to_release():
    assert draw_clips(np.arange(1000), 4, 0, 0).tolist() == [271, 617, 24, 533]


def test_draws_are_uniform():
    drawn = np.concatenate([draw_clips(np.arange(10), 100, 0, step) for step in range(100)])
    counts = np.bincount(drawn, minlength=10)
    assert counts.min() > 850 and counts.max() < 1150


def test_nothing_to_draw_from_is_said():
    with pytest.raises(ValueError, match="shorter than a clip"):
        draw_clips(np.zeros(0, np.int64), 4, 0, 0)
    with pytest.raises(ValueError, match="at least 1 clip"):
        draw_clips(np.arange(3), 0, 0, 0)


def test_a_batch_is_the_same_however_many_processes_share_it_and_none_reads_anothers_part():
    starts = np.arange(1000, 1600)
    for step in range(20):
        whole = draw_batch(starts, 12, 0, step)
        for ranks in (2, 3, 12):
            parts = [draw_batch(starts, 12 // ranks, 0, step, rank, ranks) for rank in range(ranks)]
            assert np.concatenate(parts).tolist() == whole.tolist()
            for rank, part in enumerate(parts):
                first = 1000 + rank * 600 // ranks
                assert ((part >= first) & (part < first + 600 // ranks)).all()


@pytest.mark.parametrize("count", [3, 7, 50])
def test_batches_draw_every_clip_equally_often(count):
    drawn = np.concatenate([draw_batch(np.arange(count), 5, 0, step) for step in range(4000)])
    shares = np.bincount(drawn, minlength=count) / len(drawn)
    assert shares == pytest.approx(np.full(count, 1 / count), rel=0.25)


def test_clips_are_the_frames_from_their_starts(tmp_path, drawn):
    frames = drawn.make_corpus(tmp_path / "c", [40, 9, 20])
    corpus = Corpus.open(tmp_path / "c")
    clips = read_clips(corpus, [30, 0, 40, 61], 8)
    assert clips.dtype == np.uint8
    for clip, start in zip(clips, (30, 0, 40, 61), strict=True):
        assert (clip == frames[start : start + 8]).all()


@pytest.mark.parametrize("start", [-1, 33, 48, 62, 69, 70])
def test_a_clip_that_crosses_an_episode_end_is_refused(tmp_path, drawn, start):
    drawn.make_corpus(tmp_path / "c", [40, 9, 20])
    with pytest.raises(ValueError, match="crosses an episode end"):
        read_clips(Corpus.open(tmp_path / "c"), [0, start], 8)
