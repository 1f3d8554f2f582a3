"""Which process writes a file."""

import os
from pathlib import Path

import pytest

from spacetime.process import is_running, start_time

OWN_NAME = Path("/proc/self/comm")


@pytest.mark.skipif(not OWN_NAME.exists(), reason="no /proc here")
def test_a_process_may_have_a_name_that_is_cut_within_a_letter():
    pid, before = os.getpid(), OWN_NAME.read_bytes()
    start = start_time(pid)
    try:
        OWN_NAME.write_bytes("обучение-мира.py".encode())  # the kernel keeps 15 bytes of it
        with pytest.raises(UnicodeDecodeError):
            OWN_NAME.read_bytes().decode()
        assert start_time(pid) == start and start.isdecimal()
        assert is_running(pid, start)
    finally:
        OWN_NAME.write_bytes(before.strip())


@pytest.mark.skipif(not OWN_NAME.exists(), reason="no /proc here")
def test_a_name_with_brackets_and_spaces_is_no_part_of_the_start():
    pid, before = os.getpid(), OWN_NAME.read_bytes()
    start = start_time(pid)
    try:
        OWN_NAME.write_bytes(b"a) 1 2 (b")
        assert start_time(pid) == start
    finally:
        OWN_NAME.write_bytes(before.strip())


def test_of_a_process_that_is_not_there_no_start_is_known():
    assert start_time(2**22 + 1) == "-"  # more than the kernel gives
