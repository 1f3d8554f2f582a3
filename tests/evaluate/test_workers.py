import threading

import numpy as np
import pytest
import torch

from corpus.progress import no_tick
from genie.evaluate.metrics.rollouts import score_rollouts
from genie.evaluate.workers import Stopped, at_once

CPU = torch.device("cpu")


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_stand_in_the_order_of_the_items_whichever_ends_first(two_threads):
    second_is_done = threading.Event()

    def work(item, tick):
        if item == 0:
            assert second_is_done.wait(timeout=60)
        else:
            second_is_done.set()
        return item * 10

    assert at_once(work, [0, 1, 2], CPU, no_tick) == [0, 10, 20]


def test_every_batch_computes_on_one_thread_under_inference_mode(two_threads):
    def work(item, tick):
        return torch.get_num_threads(), torch.is_inference_mode_enabled()

    assert at_once(work, range(4), CPU, no_tick) == [(1, True)] * 4
    assert torch.get_num_threads() == 2


def test_with_one_thread_or_a_gpu_the_batches_follow_each_other(two_threads):
    def work(item, tick):
        return threading.current_thread().name, torch.is_inference_mode_enabled()

    here = (threading.current_thread().name, True)
    assert at_once(work, range(3), torch.device("cuda"), no_tick) == [here] * 3
    torch.set_num_threads(1)
    assert at_once(work, range(3), CPU, no_tick) == [here] * 3


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_reaches_the_caller_and_ends_the_other_batch_at_its_next_tick(
    two_threads, failing
):
    ended, other_runs = [], threading.Event()

    def work(item, tick):
        if item == failing:
            assert other_runs.wait(timeout=60)
            raise ValueError("a model returned NaN frames")
        try:
            while True:
                other_runs.set()
                tick(1)
        except Stopped:
            ended.append(item)
            raise

    with pytest.raises(ValueError, match="NaN"):
        at_once(work, [0, 1], CPU, no_tick)
    assert ended == [1 - failing]
    assert torch.get_num_threads() == 2


def test_two_batches_at_a_time_score_as_one_after_the_other(toy, toy_corpus, two_threads):
    def score():
        done = []
        context = toy.make_context(toy_corpus, toy.DeafRollout, clips=8)
        scores = score_rollouts(context, tick=done.append)
        return scores.errors.squared, scores.ids, sum(done)

    together = score()
    torch.set_num_threads(1)
    alone = score()
    assert np.array_equal(together[0], alone[0]) and np.array_equal(together[1], alone[1])
    assert together[2] == alone[2] == 8 * 16 * 5
