"""One writer at a time; what a dead one left is taken over."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from corpus.lock import Lock, LockedError

ROOT = Path(__file__).resolve().parents[2]
HOLDER = """
import sys
from corpus.lock import Lock
lock = Lock(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def holder(path):
    """Another process that holds the lock of a path."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_is_refused_in_one_line_that_names_the_first(tmp_path):
    other = holder(tmp_path / "a")
    with pytest.raises(LockedError, match=f"process {other.pid} on ") as caught:
        Lock(tmp_path / "a")
    assert "\n" not in str(caught.value)
    Lock(tmp_path / "b").release()
    other.communicate()
    Lock(tmp_path / "a").release()
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path):
    other = holder(tmp_path / "a")
    other.kill()
    other.wait()
    assert (tmp_path / ".a.lock").exists()
    with Lock(tmp_path / "a"):
        assert (tmp_path / ".a.lock").read_text().startswith(f"{os.getpid()} ")
    assert list(tmp_path.iterdir()) == []


def test_one_process_does_not_hold_a_lock_twice(tmp_path):
    with Lock(tmp_path / "a"), pytest.raises(LockedError, match=f"process {os.getpid()} on"):
        Lock(tmp_path / "a")


def test_a_pid_that_was_given_again_is_another_process(tmp_path):
    (tmp_path / ".a.lock").write_text(f"{os.getpid()} {socket.gethostname()} 1\n")
    Lock(tmp_path / "a").release()


@pytest.mark.parametrize("text", ["812 elsewhere 99\n", "", "nonsense"])
def test_a_lock_that_cannot_be_judged_is_respected(tmp_path, text):
    (tmp_path / ".a.lock").write_text(text)
    with pytest.raises(LockedError, match=r"remove .*\.a\.lock"):
        Lock(tmp_path / "a")
    assert (tmp_path / ".a.lock").read_text() == text


def test_of_many_at_once_one_gets_a_stale_lock(tmp_path):
    code = (
        "import sys, time\nfrom corpus.lock import Lock, LockedError\n"
        "sys.stdin.readline()\n"
        "try:\n    lock = Lock(sys.argv[1])\n    print('got', flush=True)\n"
        "except LockedError:\n    print('refused', flush=True)\nsys.stdin.read()"
    )
    (tmp_path / ".a.lock").write_text(f"999999999 {socket.gethostname()} 1\n")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    command = [sys.executable, "-c", code, str(tmp_path / "a")]
    racers = [subprocess.Popen(command, **pipes) for _ in range(4)]
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = [racer.stdout.readline() for racer in racers]
    for racer in racers:
        racer.communicate()
    assert sorted(said) == ["got\n", *["refused\n"] * 3]
