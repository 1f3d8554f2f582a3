"""Which process writes a file, and whether it still runs."""

import os
from pathlib import Path


def start_time(pid: int) -> str:
    """Return when a process began, in the kernel's ticks; "-" where that is not known."""
    try:
        # Bytes: the process's name is among them, cut to 15, which may be within a letter.
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return "-"
    return stat.rpartition(b")")[2].split()[19].decode()


def is_running(pid: int, start: str) -> bool:
    """Return whether the process of this host that began at `start` still runs."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # alive, of another user
    # Process ids are given again, after a restart of the machine most of all.
    return start_time(pid) == start
