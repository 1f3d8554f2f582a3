import subprocess
import sys
import threading
import time

import pytest

from genie.play.loader import Loader, Loaders, LoadingStopped


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


def test_the_one_that_is_wanted_last_is_loaded_before_all_others():
    order, begun = [], threading.Event()

    def load(key, say):
        for part in range(3):
            say(f"part {part}", part / 3)
            begun.set()
            order.append(key)
            time.sleep(0.05)
        return key

    loaders = Loaders(load)
    first = loaders.want("a")
    begun.wait(60)
    second = loaders.want("b")
    assert second.result() == "b"
    assert second.what == "part 2" and 2 / 3 <= second.fraction < 0.8
    assert first.result() == "a"
    assert order.count("a") == 3 and order[-1] == "a"  # what was left of the first came last
    assert order[order.index("b") :].index("a") >= 2
    assert loaders.want("a") is first


def test_what_is_not_wanted_any_more_stops_at_its_next_part():
    begun = threading.Event()

    def load(key, say):
        begun.set()
        while True:
            say("more", 0.5)
            time.sleep(0.01)

    loaders = Loaders(load)
    loader = loaders.want("a")
    begun.wait(60)
    loaders.close()
    with pytest.raises(LoadingStopped):
        loader.result()


def test_other_work_takes_the_place_of_loading():
    loaders = Loaders(lambda key, say: key)
    assert loaders.want("a").result() == "a"
    loaders.replace("a", lambda: "again")
    assert loaders.want("a").result() == "again"


def test_an_error_of_one_does_not_hold_up_another():
    def load(key, say):
        say("all", 0.0)
        if key == "bad":
            raise ValueError("damaged")
        return key

    loaders = Loaders(load)
    bad, good = loaders.want("bad"), loaders.want("good")
    assert good.result() == "good"
    with pytest.raises(ValueError, match="damaged"):
        bad.result()


def test_how_much_is_done_never_falls_and_grows_while_one_part_takes_long(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("genie.play.loader.time.monotonic", lambda: now[0])
    loader, seen = Loader(lambda: None), []
    for what, fraction in (("PyTorch", 0.05), ("tokenizer", 0.6), ("dynamics", 0.7)):
        loader.begin(what, fraction)
        for _ in range(100):
            seen.append(loader.fraction)
            now[0] += 0.3
    assert seen == sorted(seen) and seen[-1] < 1.0
    assert seen[0] == 0.05 and seen[33] > 0.3
