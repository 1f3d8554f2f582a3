"""Batches as a pure function of seed and step; clips that never cross an episode end."""

from itertools import islice

import numpy as np
import pytest
import torch

from corpus.clips import split_episodes
from train.data.clips import FrameClips, draw_ahead, split_starts, to_bytes, to_float

ENDS = np.array([5, 6, 16, 26], np.int64)


def test_clips_lie_in_one_episode_and_held_out_ones_in_another():
    starts, held_out = split_starts(ENDS, 4, seed=0)
    _, episodes = split_episodes(len(ENDS), 0)

    def episode_of(frame):
        return np.searchsorted(ENDS, frame, side="right")

    for found in (starts, held_out):
        assert np.array_equal(episode_of(found), episode_of(found + 3))
    assert set(episode_of(held_out).tolist()) <= set(episodes.tolist())
    assert not set(episode_of(starts).tolist()) & set(episodes.tolist())


def test_a_lone_episode_is_both_trained_on_and_looked_at():
    starts, held_out = split_starts(np.array([7]), 4, seed=0)
    assert starts.tolist() == held_out.tolist() == [0, 1, 2, 3]


def test_episodes_that_are_too_short_are_one_line():
    with pytest.raises(ValueError, match="no episode to train on has 11 frames") as caught:
        split_starts(ENDS, 11, seed=0)
    assert "\n" not in str(caught.value)


def test_a_batch_depends_on_seed_and_step_only(corpus):
    one, other = FrameClips(corpus, 3, seed=1), FrameClips(corpus, 3, seed=1)
    other.batch(4, 1, 0)
    assert torch.equal(one.batch(4, 1, 9), other.batch(4, 1, 9))
    assert not torch.equal(one.batch(4, 1, 9), one.batch(4, 1, 10))
    assert not torch.equal(one.batch(4, 1, 9), one.batch(4, 2, 9))


def test_a_large_corpus_is_read_from_disk_and_gives_the_same_batches(corpus, monkeypatch):
    in_memory = FrameClips(corpus, 3, seed=1)
    assert in_memory.source.held is not None
    monkeypatch.setattr("train.data.frames.os.sysconf", lambda name: 1)
    on_disk = FrameClips(corpus, 3, seed=1)
    assert on_disk.source.held is None
    assert torch.equal(in_memory.batch(4, 1, 9), on_disk.batch(4, 1, 9))


def test_clips_are_the_frames_of_the_corpus(corpus):
    clips = FrameClips(corpus, 3, seed=1).read(np.array([0, 25]))
    assert clips.dtype == torch.uint8
    assert np.array_equal(clips[1].numpy(), corpus.read(25, 28))


def test_a_stream_starts_at_its_step():
    stream = draw_ahead(lambda step: (torch.tensor(step),), first_step=7)
    assert [int(batch) for (batch,) in islice(stream, 3)] == [7, 8, 9]


def test_bytes_to_floats_and_back_changes_nothing():
    frames = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16, 1).expand(-1, 2, -1, -1, 3)
    floats = to_float(frames)
    assert floats.shape == (1, 2, 3, 16, 16)
    assert (floats.min(), floats.max()) == (0.0, 1.0)
    assert torch.equal(to_bytes(floats), frames)


def test_floats_outside_are_clamped_and_the_rest_rounded():
    floats = torch.tensor([-0.5, 1.5, 0.4999 / 255, 0.5001 / 255]).reshape(1, 1, 1, 4)
    assert to_bytes(floats.expand(3, -1, -1, -1).movedim(0, 1))[..., 0].flatten().tolist() == [
        0,
        255,
        0,
        1,
    ]
