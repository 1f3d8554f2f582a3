"""Commands in processes of their own, killed at random moments: what the `killed.py` share."""

import argparse
import importlib.util
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from genie.cli import main


def conftest_of(room):
    """Load a conftest, which gives test files no module to import."""
    path = Path(__file__).parent / room / "conftest.py"
    spec = importlib.util.spec_from_file_location(f"conftest_of_{room}", path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fork(work):
    """Run `work` in a process of its own; return its id. This process never opens a thread."""
    pid = os.fork()
    if pid == 0:
        try:
            code = work() or 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
            code = 1
        os._exit(code)
    return pid


def finish(pid):
    """Wait for a process; return its exit status, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def quiet_main(words):
    """Run the command without what it prints to stdout."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return main(words)


def tree(path):
    """Every file below a folder, with its bytes."""
    files = (file for file in Path(path).rglob("*") if file.is_file())
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}


@dataclass(frozen=True, kw_only=True)
class Killed:
    """A command to kill.

    Attributes:
        name: for the report.
        run: makes what it makes in a folder, or goes on with it; returns the exit status.
        check: called with the folder after each kill; asserts that nothing is lost, and returns a
            word about what is there.
        same: called with two folders, of an uninterrupted run and of one that was killed and then
            run to its end; asserts that they are equal, and that nothing else is left.
        prepare: called with an empty folder before its first run.
        last: the last moment of a kill, as a fraction of an uninterrupted run.
    """

    name: str
    run: Callable[[Path], int]
    check: Callable[[Path], object]
    same: Callable[[Path, Path], None]
    prepare: Callable[[Path], None] = lambda folder: None
    last: float = 1.0


def kill(command, signals, folder, rng):
    """Kill a command by each of the signals in turn; return what `check` said after each."""

    def fresh(name):
        path = folder / f"{command.name}-{name}"
        path.mkdir()
        command.prepare(path)
        return path

    whole, begun = fresh("whole"), time.perf_counter()
    assert finish(fork(lambda: command.run(whole))) == 0
    seconds, said, number = time.perf_counter() - begun, [], 0
    here = fresh(number)
    while signals:
        pid = fork(lambda here=here: command.run(here))
        time.sleep(rng.uniform(0, seconds * command.last))
        os.kill(pid, signals[-1])
        status = finish(pid)
        if status == 0:  # done before it was killed
            command.same(whole, here)
            number += 1
            here = fresh(number)
            continue
        ended = signals.pop()
        assert status == -ended or (ended, status) == (signal.SIGTERM, 130), status
        said.append(command.check(here))
    assert finish(fork(lambda: command.run(here))) == 0
    command.same(whole, here)
    return said


def kill_all(prepare: Callable[[Path], Iterable[Killed]]):
    """Kill what `prepare` returns, as the command line says: as often by SIGKILL and SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", help="names of commands")
    values = parser.parse_args()
    rng = random.Random(values.seed)
    with tempfile.TemporaryDirectory() as name:
        for command in prepare(Path(name)):
            if values.only and command.name not in values.only:
                continue
            signals = [signal.SIGKILL, signal.SIGTERM] * values.kills
            rng.shuffle(signals)
            said = " ".join(map(str, kill(command, signals, Path(name), rng)))
            print(f"{command.name}: {values.kills} of each signal, all is well; {said}", flush=True)
