import os
import subprocess
import sys

from spacetime.partial import partial_path, write_atomic
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
