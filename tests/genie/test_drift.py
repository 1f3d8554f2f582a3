import json

import numpy as np
import pytest

from genie.drift import DriftMeter, build_statistics, jensen_shannon

CODES = 32


def walk(frames, seed, stay=0.7, codes=CODES // 2):
    """Tokens of 16 positions that change now and then."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, codes, (frames, 16))
    for t in range(1, frames):
        still = rng.random(16) < stay
        ids[t, still] = ids[t - 1, still]
    return ids


@pytest.fixture(scope="module")
def statistics():
    episodes = [walk(200, seed) for seed in range(40)]
    return build_statistics(np.concatenate(episodes), np.arange(1, 41) * 200, CODES, seed=0)


def test_statistics_are_plain_json_of_shares(statistics):
    again = json.loads(json.dumps(statistics, allow_nan=False))
    assert again == statistics
    assert sum(statistics["codes"]) == pytest.approx(1, abs=1e-6)
    assert sum(statistics["changes"]) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("episodes", "held_out"), [(1, 0), (2, 1), (40, 8)])
def test_a_fifth_of_the_episodes_sets_the_threshold_and_the_others_the_histograms(
    episodes, held_out
):
    # Episode e holds code e alone, so the histogram tells which episodes it was taken of.
    ids = np.repeat(np.arange(episodes), 80)[:, None].repeat(16, axis=1)
    built = build_statistics(ids, np.arange(1, episodes + 1) * 80, CODES + 8)
    assert built["held_out_episodes"] == held_out
    assert built["held_out_windows"] == 2 * held_out  # frames 0 to 63 and 16 to 79
    pooled = np.array(built["codes"])
    assert (pooled > 0).sum() == episodes - held_out
    assert pooled[pooled > 0] == pytest.approx(1 / (episodes - held_out))


def test_unseen_real_play_stays_below_the_threshold(statistics):
    meter = DriftMeter(statistics)
    distances = np.concatenate([meter.distances(walk(400, 1000 + i)) for i in range(20)])
    assert (distances > meter.threshold).mean() < 0.06
    assert meter.left_at(meter.distances(walk(1000, 99))) is None


@pytest.mark.parametrize("broken", ["frozen", "boiling", "one colour", "foreign codes"])
def test_play_that_breaks_is_seen_soon_after_it_breaks(statistics, broken):
    after = {
        "frozen": lambda good: np.repeat(good[-1:], 400, axis=0),
        "boiling": lambda good: walk(400, 5, stay=0.0),
        "one colour": lambda good: np.zeros((400, 16), int),
        "foreign codes": lambda good: walk(400, 5) + CODES // 2,
    }[broken]
    good = walk(320, 7)
    meter = DriftMeter(statistics)
    left = meter.left_at(meter.distances(np.concatenate([good, after(good)])))
    assert left is not None and 320 - meter.window < left <= 336


def test_two_windows_above_the_threshold_are_not_yet_drift(statistics):
    meter = DriftMeter(statistics)
    high, low = meter.threshold + 1, meter.threshold - 0.01
    assert meter.left_at(np.array([low, high, high, low, high, high])) is None
    assert meter.left_at(np.array([low, high, high, high])) == meter.stride


def test_statistics_read_an_encoded_store_by_episode():
    class Store:
        """Slices only, like an array on disk."""

        def __init__(self, ids):
            self.ids, self.largest = ids, 0

        def __getitem__(self, part):
            self.largest = max(self.largest, part.stop - part.start)
            return self.ids[part].astype(np.uint16)

    store = Store(np.concatenate([walk(100, seed) for seed in range(10)]))
    ends = np.arange(1, 11) * 100
    assert build_statistics(store, ends, CODES) == build_statistics(store.ids, ends, CODES)
    assert store.largest == 100


@pytest.mark.parametrize("ends", [[50], [30, 60]])
def test_a_corpus_without_a_whole_window_has_no_threshold_and_says_why(ends):
    built = build_statistics(walk(ends[-1], 0), np.array(ends), CODES)
    assert built["threshold"] is None and "64 frames" in built["note"]
    meter = DriftMeter(built)
    assert meter.left_at(meter.distances(walk(200, 1))) is None


def test_single_frames_and_no_frames():
    assert build_statistics(walk(1, 0), np.array([1]), CODES)["threshold"] is None
    with pytest.raises(ValueError, match="no frames"):
        build_statistics(walk(1, 0)[:0], np.array([], dtype=int), CODES)


def test_statistics_of_another_format_are_refused(statistics):
    with pytest.raises(ValueError, match="format 2"):
        DriftMeter({**statistics, "format": 2})


def test_jensen_shannon_runs_from_0_to_1():
    p, q = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert jensen_shannon(p, p) == 0 and jensen_shannon(p, q) == pytest.approx(1)
    assert jensen_shannon(p, (p + q) / 2) == pytest.approx(0.3113, abs=1e-4)
