"""Which process writes a file, and whether it still runs."""

import os
from pathlib import Path


def start_time(pid: int) -> str:
    """Return when a process began, in the kernel's ticks; "-" where that is not known."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return "-"


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
