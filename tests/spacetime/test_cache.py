import pytest
import torch

from spacetime.cache import TimeCache

LAYERS, BATCH, TOKENS, HEADS, SLOTS, SIZE = 2, 1, 3, 2, 3, 4


def empty(start: int = 0, slots: int = SLOTS) -> TimeCache:
    return TimeCache.empty((LAYERS, BATCH, TOKENS, HEADS, slots, SIZE), "cpu", start)


def write(cache: TimeCache, *frames: float) -> TimeCache:
    """Write frames whose keys hold a number and whose values its negative."""
    for number in frames:
        key = torch.full((BATCH, TOKENS, HEADS, 1, SIZE), float(number))
        cache.write([(key + layer / 10, -key) for layer in range(LAYERS)])
    return cache


def held(cache: TimeCache) -> list[int]:
    """Numbers of the frames that the next frame sees, from the first layer, sorted."""
    seen = cache.visible()[:-1]
    return sorted(cache.keys[0, 0, 0, 0, seen, 0].int().tolist())


def test_an_empty_cache_shows_the_next_frame_nothing_but_itself():
    assert empty().visible().tolist() == [False, False, False, True]


def test_the_cache_shows_the_frames_of_the_band_and_no_other():
    cache = empty()
    for number in range(10):
        assert held(cache) == list(range(max(0, number - SLOTS), number))
        write(cache, number)


def test_a_cache_that_starts_late_shows_only_what_it_was_given():
    for start in (1, 2, 1_000_000):
        cache = empty(start)
        for number in range(start, start + 7):
            assert cache.position == number
            assert held(cache) == list(range(max(start, number - SLOTS), number))
            write(cache, number)


def test_a_frame_has_one_slot_whenever_the_cache_began():
    whole = write(empty(), *range(11))
    late = write(empty(5), *range(5, 11))
    assert torch.equal(whole.keys, late.keys)
    assert torch.equal(whole.values, late.values)
    assert torch.equal(whole.visible(), late.visible())


def test_layers_keys_and_values_stay_apart():
    cache = write(empty(), 1, 2, 3)
    assert torch.equal(cache.keys[1], cache.keys[0] + 0.1)
    assert torch.equal(cache.values[0], -cache.keys[0])
    assert torch.equal(cache.values[1], cache.values[0])


def test_buffers_stay_the_same_memory():
    cache = empty()
    address = cache.keys.data_ptr(), cache.values.data_ptr()
    write(cache, *range(20))
    assert (cache.keys.data_ptr(), cache.values.data_ptr()) == address


def test_a_band_of_1_keeps_nothing_and_counts():
    cache = write(empty(start=4, slots=0), 1, 2)
    assert cache.visible().tolist() == [True]
    assert cache.position == 6


def test_a_rollout_that_takes_another_history_sees_that_one_alone():
    cache = TimeCache.empty((LAYERS, 3, TOKENS, HEADS, SLOTS, SIZE), "cpu", start=7)
    write(cache, 7, 8, 9, 10, 11)
    cache.take_rows(torch.tensor([1]), write(empty(10), 100, 101))
    for own, taken in (
        ([9, 10, 11], [100, 101]),
        ([10, 11, 12], [12, 100, 101]),
        ([11, 12, 13], [12, 13, 101]),
        ([12, 13, 14], [12, 13, 14]),
    ):
        for row, expected in enumerate((own, taken, own)):
            seen = cache.visible()[row, 0, 0]
            assert seen[-1] and sorted(cache.keys[0, row, 0, 0, seen[:-1], 0].tolist()) == expected
        write(cache, cache.position)


def test_a_history_of_another_frame_number_is_refused():
    with pytest.raises(AssertionError):
        write(empty(), 1, 2).take_rows(torch.tensor([0]), write(empty(), 1))
