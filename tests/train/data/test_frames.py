"""Where the frames of a corpus are held while it is learnt from."""

import numpy as np
import pytest
import torch

from corpus.store import Corpus
from train.data import frames as frames_module
from train.data.chunk_cache import ChunkCache
from train.data.frames import Frames


@pytest.fixture
def frames_on_disk(corpus, monkeypatch):
    monkeypatch.setattr(frames_module.os, "sysconf", lambda name: 1)
    return Frames(corpus)


@pytest.fixture(params=["memory", "disk"])
def frames(request, corpus, monkeypatch):
    if request.param == "disk":
        monkeypatch.setattr(frames_module.os, "sysconf", lambda name: 1)
    source = Frames(corpus)
    assert (source.held is None) == (request.param == "disk")
    return source


def test_clips_and_ranges_are_those_of_the_corpus(corpus, frames):
    clips = frames.clips(np.array([3, 25]), 4)
    assert (clips.dtype, clips.shape) == (torch.uint8, (2, 4, 16, 16, 3))
    assert np.array_equal(clips[1].numpy(), corpus.read(25, 29))
    assert np.array_equal(frames.between(7, 30).numpy(), corpus.read(7, 30))


def test_frames_are_read_in_blocks_without_a_gap(corpus, monkeypatch):
    monkeypatch.setattr(frames_module, "BLOCK", 7)
    held = Frames(corpus).held
    assert np.array_equal(held.numpy(), corpus.read(0, corpus.num_frames))


def test_nothing_is_read_before_a_frame_is_asked_for_and_then_once(corpus, monkeypatch):
    asked, read = [], Corpus.read
    monkeypatch.setattr(Corpus, "read", lambda *given: asked.append(given[1:]) or read(*given))
    source = Frames(corpus)
    assert asked == []
    source.clips(np.array([0]), 2)
    source.clips(np.array([5]), 2)
    assert asked == [(0, corpus.num_frames)]


@pytest.mark.parametrize(
    ("group", "limits", "held"),
    [
        ("0::/job/step", {"job/step/memory.max": "max", "job/memory.max": "4000"}, False),
        ("0::/job/step", {"job/step/memory.max": "max", "job/memory.max": "max"}, True),
        ("0::/", {"memory.max": "4000"}, False),
        ("4:cpu:/a\n3:hugetlb,memory:/a", {"memory/a/memory.limit_in_bytes": "4000"}, False),
        ("4:cpu:/a\n3:hugetlb,memory:/a", {"memory/memory.limit_in_bytes": f"{1 << 62}"}, True),
        (None, {}, True),
    ],
)
def test_frames_fit_into_the_memory_that_a_job_may_use(
    corpus, tmp_path, monkeypatch, group, limits, held
):
    monkeypatch.setattr(frames_module, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(frames_module, "GROUPS", tmp_path / "groups")
    if group is not None:
        (tmp_path / "own").write_text(f"{group}\n")
    for name, limit in limits.items():
        (tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / name).write_text(f"{limit}\n")
    assert (Frames(corpus).held is not None) == held


def test_frames_given_back_are_read_again_when_asked_for(corpus, monkeypatch):
    source = Frames(corpus)
    source.fetch()
    monkeypatch.setattr(Corpus, "read", lambda *given: pytest.fail("they were held"))
    source.clips(np.array([0]), 2)
    monkeypatch.undo()
    source.release()
    assert "held" not in vars(source)
    assert np.array_equal(source.between(7, 30).numpy(), corpus.read(7, 30))


def test_frames_that_stay_on_disk_are_read_by_the_chunk_and_once(frames_on_disk, monkeypatch):
    corpus, asked, read = frames_on_disk.corpus, [], Corpus.read
    monkeypatch.setattr(Corpus, "read", lambda *given: asked.append(given[1:]) or read(*given))
    for start in (3, 5, 30, 3):
        clip = frames_on_disk.clips(np.array([start]), 4)[0]
        assert np.array_equal(clip.numpy(), read(corpus, start, start + 4))
    assert asked == [(0, 32), (32, min(64, corpus.num_frames))]


def test_no_more_chunks_are_kept_than_fit(corpus, monkeypatch):
    monkeypatch.setattr("train.data.chunk_cache.FEWEST", 1)
    cache, asked, read = ChunkCache(corpus, 0), [], Corpus.read
    monkeypatch.setattr(Corpus, "read", lambda *given: asked.append(given[1]) or read(*given))
    for first in (0, 4, 33, 0):
        assert np.array_equal(cache.read(first, first + 2), read(corpus, first, first + 2))
    assert asked == [0, 32, 0]
