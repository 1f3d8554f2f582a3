import time

import pytest
import torch

from benchmarks.cached_step import measure

K, N, T, M = 7, 4, 5, 3


class FakeDynamics:
    """Counts its calls; a frame costs a millisecond, whichever way."""

    def __init__(self):
        self.drafts = self.commits = self.forwards = 0

    def new_cache(self, batch):
        return []

    def draft(self, ids, action, cache):
        assert ids.shape == (1, N)
        assert torch.all(ids == K)
        assert len(cache) >= T
        self.drafts += 1
        time.sleep(1e-3)

    def commit(self, ids, action, cache):
        assert torch.all(ids < K)
        cache.append(ids)
        self.commits += 1
        time.sleep(1e-3)

    def forward(self, ids, actions, masked):
        assert ids.shape == masked.shape == (1, T, N)
        assert actions.shape == (1, T - 1)
        assert torch.all(masked[:, -1])
        assert not torch.any(masked[:, :-1])
        self.forwards += 1
        time.sleep(T * 1e-3)


@pytest.fixture
def timed():
    dynamics = FakeDynamics()
    timing = measure(dynamics, num_tokens=N, num_codes=K, steps=M, window=T, repeats=4)
    return dynamics, timing


def test_a_frame_is_m_drafts_and_a_commit_against_m_forwards(timed):
    dynamics, _ = timed
    assert dynamics.drafts == dynamics.forwards == (4 + 2) * M
    assert dynamics.commits == (4 + 2) + T


def test_the_ratio_is_of_the_slow_way_to_the_fast_one(timed):
    _, timing = timed
    assert timing.ratio == pytest.approx(timing.window_ms / timing.cached_ms)
    assert timing.one_stream_ratio == pytest.approx(timing.ratio / 2)
