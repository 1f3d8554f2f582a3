"""The processes of one machine: started, and all ended if one is."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genie.device import usable_cores

WATCHED_EVERY = 0.2
"""Seconds between two looks at the processes."""
INTERRUPTED = 130
"""The exit status of a process that was told to stop, and has saved everything."""


def command_of(call: Mapping[str, Any]) -> list[str]:
    """Return the command that calls `train` with these arguments."""
    values = {name: str(v) if isinstance(v, Path) else v for name, v in call.items()}
    return [sys.executable, "-m", "train.processes.worker", json.dumps(values)]


def run_processes(count: int, nodes: int, command: Sequence[str]) -> None:
    """Run a command in several processes on this machine, and end all of them if one ends badly.

    Args:
        count: how many.
        nodes: how many machines do so.
        command: what each runs; it calls `join`.

    Raises:
        ValueError: a process was killed, or broke.
        SystemExit: a process ended with an error that it has told.
        KeyboardInterrupt: after Ctrl-C, once everything is saved.
    """
    environment = os.environ | _address(nodes) | {"WORLD_SIZE": str(count * nodes)}
    # A lone task of SLURM starts them itself.
    environment.pop("SLURM_NTASKS", None)
    environment.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // count)))
    # It warns of every stage whose parameters all learn.
    environment.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    running: list[subprocess.Popen] = []
    try:
        for number in range(count):
            own = environment | {"LOCAL_RANK": str(number)}
            running.append(subprocess.Popen(command, env=own))
        _watch(running)
    finally:
        for process in running:
            process.kill()
            process.wait()


def _address(nodes: int) -> dict[str, str]:
    """Return where the processes find each other."""
    if nodes > 1:
        names = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK")
        if missing := [name for name in names if name not in os.environ]:
            raise ValueError(
                f"--nodes {nodes} without {missing[0]}: start it by torchrun or srun, or set "
                f"{', '.join(names)} on each machine"
            )
        return {}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "NODE_RANK": "0"}


def _watch(running: list[subprocess.Popen]) -> None:
    """Wait for the end of all processes, or the bad end of one."""
    stopped = False
    while None in (codes := [process.poll() for process in running]):
        try:
            bad = [n for n, code in enumerate(codes) if code not in (None, 0, INTERRUPTED)]
            if bad and not stopped:
                _blame(running, bad[0])
            time.sleep(WATCHED_EVERY)
        except KeyboardInterrupt:
            if stopped:  # twice: nobody wants to wait
                raise
            stopped = True
            for process in running:
                process.send_signal(signal.SIGTERM)
    if stopped or INTERRUPTED in codes:
        raise KeyboardInterrupt
    if any(codes):
        _blame(running, next(number for number, code in enumerate(codes) if code))


def _blame(running: list[subprocess.Popen], number: int) -> None:
    """Raise the error of a process that has ended."""
    code = running[number].returncode
    if code == 2:  # it has said why
        raise SystemExit(2)
    how = f"ended with status {code}"
    if code < 0:
        how = f"was killed by {signal.Signals(-code).name}"
    raise ValueError(
        f"process {number} of {len(running)} (pid {running[number].pid}) {how}, so the others were "
        f"ended, too; what the last checkpoint holds stays: go on with --resume"
    )
