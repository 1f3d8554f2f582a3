import subprocess
import sys
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


def test_python_exits_after_the_work_and_never_in_the_middle_of_it():
    script = """
import threading, time
from genie.play.loader import Loader

main = threading.main_thread()
Loader(lambda: (main.join(30), time.sleep(0.2), print("work done")))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "work done\n", "")
