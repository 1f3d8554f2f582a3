import threading

import pytest

from genie.play.loader import Loader


def test_work_is_done_in_the_background_and_its_result_kept():
    gate = threading.Event()
    loader = Loader(lambda: gate.wait(60) and threading.current_thread().name)
    assert not loader.done
    gate.set()
    assert loader.result() == "genie-loader"
    assert loader.done


def test_an_error_is_raised_where_the_result_is_asked_for():
    def fail():
        raise ValueError("damaged")

    loader = Loader(fail)
    for _ in range(2):
        with pytest.raises(ValueError, match="damaged"):
            loader.result()
