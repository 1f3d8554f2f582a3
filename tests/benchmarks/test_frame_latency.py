import time

import pytest
import torch

from benchmarks.frame_latency import Play, Stopwatch, alternate, measure_common, ratio
from benchmarks.speed.one_token_at_a_time import OneTokenAtATime
from dynamics.model import DynamicsConfig

TINY = DynamicsConfig(num_tokens=6, num_codes=40, num_actions=3, dim=32, heads=2, layers=2, band=3)


def test_works_run_in_turn_and_the_first_two_rounds_do_not_count():
    order = []
    works = {name: lambda name=name: order.append(name) for name in "ab"}
    taken = alternate(works, 3)
    assert order == list("ab" * 5)
    assert [len(times) for times in taken.values()] == [3, 3]


def test_a_ratio_is_of_neighbours():
    """A machine that is busy for one round slows both."""
    assert ratio({"a": [2.0, 200.0, 2.0], "b": [1.0, 100.0, 1.0]}, "a", "b") == 2


def test_a_stopwatch_adds_up_what_a_method_takes():
    class Thing:
        def rest(self, seconds):
            time.sleep(seconds)
            return seconds

    thing, watch = Thing(), Stopwatch()
    watch.watch("rest", thing, "rest")
    assert [thing.rest(0.01), thing.rest(0.02)] == [0.01, 0.02]
    assert 30 <= watch.taken["rest"] < 1000


def test_all_ways_compute_a_frame_and_its_parts_are_the_whole():
    record = measure_common(TINY, [1, 2], 1)
    assert record["draft_ms"] > 0 and record["to_own_products"] > 0
    for steps in (1, 2):
        found = record[f"{steps} steps"]
        parts = dict(found["ms"])
        assert parts.pop("frame") == pytest.approx(sum(parts.values()))
        assert min(part for name, part in parts.items() if name != "rest") > 0
        assert found["uncached_loop"] > 0 and found["one_token_at_a_time"] > 0


def test_a_draft_multiplies_by_every_matrix_of_the_dynamics():
    play = Play(TINY)
    matrices = [layer for layer in play.dynamics.modules() if isinstance(layer, torch.nn.Linear)]
    assert len(play._weights) == len(matrices)
    assert {id(weight) for weight in play._weights} == {id(layer.weight) for layer in matrices}


def test_a_token_at_a_time_sees_the_frames_before_and_the_tokens_before():
    play = Play(TINY)
    with torch.no_grad():  # fresh blocks are the identity
        for parameter in play.dynamics.parameters():
            parameter.normal_(std=0.5)
        for frame in range(TINY.band):
            play.commit(frame)
    count, seen = play.cache.count, []
    play.dynamics.head.register_forward_hook(lambda *_: seen.append(_[2][0, 0].clone()))

    def logits():
        seen.clear()
        torch.manual_seed(0)
        ids = OneTokenAtATime(play.dynamics, play.cache).frame(play.action)
        assert ids.shape == (1, TINY.num_tokens) and ids.max() < TINY.num_codes
        return torch.stack(seen)

    first = logits()
    assert torch.equal(logits(), first) and play.cache.count == count
    play.cache.keys[:, :, 3] += 1  # of the fourth token in the frames before
    changed = (logits() != first).any(dim=1).tolist()
    assert changed == [False] * 3 + [True] * 3
