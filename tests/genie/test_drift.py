import json
import lzma
from base64 import b64decode

import numpy as np
import pytest

from genie.drift import DriftMeter, TokenLayout, build_statistics

CODES, ROWS, COLUMNS, FRAMES = 32, 4, 4, 200
LAYOUT = TokenLayout(num_codes=CODES, num_actions=5, grid=(ROWS, COLUMNS))
STEPS = np.array([(0, 1), (0, -1), (1, 0), (-1, 0), (0, 0)])
IDLE = 4


def camera(actions, seed=0):
    """Tokens of a picture that actions move over a plane of tiles: a tile tells its column."""
    at = np.concatenate([[[0, 0]], STEPS[actions].cumsum(axis=0)]) + 10 * seed
    rows, columns = np.mgrid[:ROWS, :COLUMNS]
    ids = (columns + at[:, 1, None, None]) % 16 + 16 * ((rows + at[:, 0, None, None]) % 2)
    return ids.reshape(len(at), -1)


def held(seed, frames=FRAMES, hold=6):
    rng = np.random.default_rng(seed)
    return np.repeat(rng.integers(0, 5, frames // hold + 1), hold)[: frames - 1]


def corpus(episodes, frames=FRAMES):
    """Tokens, actions and ends of episodes."""
    actions = [held(seed, frames) for seed in range(episodes)]
    ids = np.concatenate([camera(each, seed) for seed, each in enumerate(actions)])
    led_by = np.concatenate([np.append(each, -1) for each in actions])
    return ids, led_by, np.arange(1, episodes + 1) * frames


@pytest.fixture(scope="module")
def statistics():
    return build_statistics(*corpus(40), LAYOUT)


@pytest.fixture(scope="module")
def meter(statistics):
    return DriftMeter(statistics)


def test_statistics_are_plain_json(statistics):
    assert json.loads(json.dumps(statistics, allow_nan=False)) == statistics
    assert sum(statistics["codes"]) == pytest.approx(1, abs=1e-4)
    assert statistics["motion"] == [1, 1, 1, 1, 0]
    DriftMeter(statistics).check(CODES, ROWS * COLUMNS, 5)
    with pytest.raises(ValueError, match="of other sizes"):
        DriftMeter(statistics).check(CODES, ROWS * COLUMNS, 4)


@pytest.mark.parametrize(("episodes", "held_out"), [(1, 0), (2, 1), (40, 8)])
def test_a_fifth_of_the_episodes_sets_the_scale_and_the_others_the_pairs(episodes, held_out):
    # Episode e holds code e alone, so that the pairs tell which episodes they were taken of.
    ids = np.repeat(np.arange(episodes), 80)[:, None].repeat(16, axis=1)
    layout = TokenLayout(num_codes=CODES + 8, num_actions=5, grid=(ROWS, COLUMNS))
    ends = np.arange(1, episodes + 1) * 80
    built = build_statistics(ids, np.zeros(len(ids), int), ends, layout)
    assert built["held_out_episodes"] == held_out
    assert built["held_out_windows"] == 2 * held_out  # frames 0 to 63 and 16 to 79
    for packed in built["pairs"].values():
        assert len(lzma.decompress(b64decode(packed))) == 8 * (episodes - held_out)
    assert sum(share > 0 for share in built["codes"]) == episodes - held_out
    assert built["scales"]["strange"] == ([1.0, 1.0] if held_out else [0.02, 0.02])


def test_unseen_real_play_stays_below_the_threshold(meter):
    for seed in range(100, 120):
        assert (meter.distances(camera(held(seed)), held(seed)) < meter.threshold).all()


@pytest.mark.parametrize("picture", ["moving", "still"])
@pytest.mark.parametrize("broken", ["noise", "foreign codes", "shuffled"])
def test_strange_pictures_are_seen_soon_after_they_begin(meter, picture, broken):
    keys = held(7, 720)
    good, rng = camera(keys), np.random.default_rng(0)
    if picture == "still":
        good[320:] = good[320]
    after = {
        "noise": lambda: rng.integers(0, CODES, good[320:].shape),
        "foreign codes": lambda: (good[320:] * 7) % CODES,
        "shuffled": lambda: good[320:, rng.permutation(16)],
    }[broken]()
    left = meter.left_at(meter.distances(np.concatenate([good[:320], after]), keys))
    assert left is not None and 320 - meter.window < left <= 336


def test_what_the_corpus_shows_for_a_moment_only_is_drift_if_it_stays():
    ids, actions, ends = corpus(40)
    dark = CODES  # a code of its own, for a few frames of 8,000
    ids[ends[::8] - FRAMES + 5] = dark
    layout = TokenLayout(num_codes=CODES + 1, num_actions=5, grid=(ROWS, COLUMNS))
    meter = DriftMeter(build_statistics(ids, actions, ends, layout))
    true = slice(0, FRAMES)
    assert (meter.distances(ids[true], actions[true][:-1]) < meter.threshold).all()
    stays = np.full((FRAMES, ROWS * COLUMNS), dark)
    assert (meter.distances(stays, actions[true][:-1]) > meter.threshold).all()


def shuffled(frames, seed, codes=(0, 1, 2, 3, 4, 5, 6, 7)):
    """Pictures of which each has every code twice, anywhere: any two codes can be neighbours."""
    rng = np.random.default_rng(seed)
    return rng.permuted(np.tile(np.repeat(codes, 2), (frames, 1)), axis=1)


def of_shuffled(ids, episodes=20):
    ends = np.arange(1, episodes + 1) * (len(ids) // episodes)
    return build_statistics(ids, np.zeros(len(ids), int), ends, LAYOUT)


def test_more_of_a_code_than_a_picture_has_is_drift():
    built = of_shuffled(shuffled(2000, 0))
    assert built["most"] == [2] * 8 + [0] * (CODES - 8)
    meter, keys = DriftMeter(built), np.zeros(FRAMES - 1, int)
    assert (meter.distances(shuffled(FRAMES, 1), keys) < meter.threshold).all()
    # As dark as a corner is: codes and neighbours that the corpus has, and nothing else.
    dark = shuffled(FRAMES, 1, codes=(0, 1) * 4)
    assert (meter.distances(dark, keys) > meter.threshold).all()


def test_how_often_a_code_occurs_is_what_all_but_a_thousandth_of_the_pictures_have():
    ids = shuffled(4000, 0)
    ids[::1000, :7] = 0  # 4 of 4,000, with up to two more
    ids[1::500, :7] = 1  # 8 of them
    most = build_statistics(ids, np.zeros(4000, int), np.array([4000]), LAYOUT)["most"]
    times = np.stack([np.bincount(row, minlength=CODES) for row in ids])
    assert most == [np.sort(column)[-5] for column in times.T]
    assert most[0] == 2 and most[1] >= 7


def test_a_picture_that_stands_still_may_be_any_of_the_corpus():
    rng, keys = np.random.default_rng(1), np.zeros(FRAMES - 1, int)
    ids = shuffled(4000, 0)
    # One in 20 has many neighbours that are never seen again.
    ids[::20] = rng.integers(8, CODES, (200, 16))
    meter = DriftMeter(of_shuffled(ids))
    moving = rng.integers(8, CODES, (FRAMES, 16))
    still = np.repeat(moving[:1], FRAMES, axis=0)
    assert (meter.distances(still, keys) <= meter.threshold).all()
    assert (meter.distances(moving, keys) > meter.threshold).all()


@pytest.mark.parametrize(
    ("tried", "stuck"),
    [([0], False), ([0, 2], False), ([IDLE], False), ([0, 1, 2, 3], True), ([0, 1, 2, 4], True)],
)
def test_a_still_picture_is_drift_only_if_key_after_key_fails(meter, tried, stuck):
    keys = np.resize(np.repeat(tried, 4), FRAMES - 1)
    ids = np.repeat(camera(held(3))[:1], FRAMES, axis=0)
    assert ((meter.distances(ids, keys) > meter.threshold) == stuck).all()


def test_a_key_that_still_acts_is_enough(meter):
    keys = np.resize(np.repeat([0, 1, 2, 3], 4), FRAMES - 1)
    ids = camera(np.where(keys == 2, keys, IDLE))
    assert (meter.distances(ids, keys) < meter.threshold).all()


def test_two_windows_above_the_threshold_are_not_yet_drift(meter):
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

    ids, actions, ends = corpus(10, 100)
    store = Store(ids)
    assert build_statistics(store, actions, ends, LAYOUT) == build_statistics(
        ids, actions, ends, LAYOUT
    )
    assert store.largest == 100


@pytest.mark.parametrize("ends", [[50], [30, 60]])
def test_a_corpus_without_a_whole_window_has_no_threshold_and_says_why(ends):
    actions = held(0, ends[-1])
    built = build_statistics(camera(actions), np.append(actions, -1), np.array(ends), LAYOUT)
    assert built["threshold"] is None and "64 frames" in built["note"]
    meter = DriftMeter(built)
    assert meter.left_at(meter.distances(camera(held(1)), held(1))) is None


def test_single_frames_and_no_frames():
    one, actions = camera(held(0))[:1], np.array([-1])
    assert build_statistics(one, actions, np.array([1]), LAYOUT)["threshold"] is None
    with pytest.raises(ValueError, match="no frames"):
        build_statistics(one[:0], actions[:0], np.array([], dtype=int), LAYOUT)


def test_statistics_of_another_format_are_refused(statistics):
    with pytest.raises(ValueError, match="format 4"):
        DriftMeter({**statistics, "format": 4})
