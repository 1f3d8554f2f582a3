"""Which process writes a file."""

import pytest

from spacetime.process import start_time

STAT = b"41 (%s) S 1 41 41 0 -1 4194560 2151 0 0 0 5 2 0 0 20 0 1 0 8675309 7491584 912"


@pytest.mark.parametrize(
    "name",
    [
        b"python3",
        b"a) 1 2 (b",
        "обучение-мира.py".encode()[:15],  # as the kernel cuts it, within a letter
    ],
)
def test_the_start_of_a_process_is_read_whatever_its_name(tmp_path, monkeypatch, name):
    (tmp_path / "stat").write_bytes(STAT % name)
    monkeypatch.setattr("spacetime.process.Path", lambda path: tmp_path / "stat")
    assert start_time(41) == "8675309"


def test_of_a_process_that_is_not_there_no_start_is_known():
    assert start_time(2**22 + 1) == "-"  # more than the kernel gives
