import os
import subprocess
import sys

import pytest

from spacetime.partial import check_writable, partial_path, plain, write_atomic
from spacetime.process import start_time


def name_in_another_process(path):
    """The name under which a process wrote that has ended since."""
    code = "import sys, pathlib, spacetime.partial as p\n"
    code += "print(p.partial_path(pathlib.Path(sys.argv[1]), '7f'))"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    return done.stdout.strip()


def test_what_dead_processes_left_is_removed_and_nothing_else(tmp_path):
    left = tmp_path / name_in_another_process(tmp_path / "a.bin")
    pid, host, start, _ = left.name.split(".")[3].split("-")
    kept = [
        f".b.bin.{pid}-{host}-{start}.partial",  # of another file
        f".a.bin.{pid}-00000000-{start}.partial",  # of another host, where it may still run
        f".a.bin.{os.getppid()}-{host}-{start_time(os.getppid())}-7f.partial",
        "a.partial",
    ]
    # The process id was given again, to one that began at another time.
    reused = f".a.bin.{os.getppid()}-{host}-{start}.partial"
    for name in (left.name, reused, *kept):
        (tmp_path / name).touch()
    write_atomic(tmp_path / "a.bin", b"whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "a.bin"])


def test_names_in_one_process_differ_by_their_tags(tmp_path):
    names = {partial_path(tmp_path / "a", tag) for tag in ("", "1", "2")}
    assert len(names) == 3


def test_a_file_that_could_not_be_written_is_refused_in_one_plain_line(tmp_path):
    (tmp_path / "file").touch()
    check_writable(tmp_path / "new.bin")
    check_writable(tmp_path / "file")
    check_writable(tmp_path / "a" / "b" / "new.bin", make_folders=True)
    for path in ("a/new.bin", "file/new.bin", ".", "x" * 300):
        with pytest.raises(OSError, match="^cannot write ") as error:
            check_writable(tmp_path / path)
        assert "Errno" not in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(OSError, match="takes no new file"):
        check_writable(tmp_path / "file" / "deeper" / "new.bin", make_folders=True)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_error_of_the_system_is_told_without_its_number(tmp_path):
    with pytest.raises(OSError) as error:
        (tmp_path / "none" / "file").read_bytes()
    assert plain(error.value) == f"{tmp_path / 'none' / 'file'}: no such file or directory"
    assert plain(OSError(28, "No space left on device")) == "no space left on device"
    assert plain(ValueError("words")) == "words"
