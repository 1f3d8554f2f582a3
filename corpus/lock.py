"""One writer for one path: a lock file beside it that names the process."""

import contextlib
import os
import socket
import time
import weakref
from pathlib import Path

from spacetime.process import is_running, start_time

_UNREADABLE_SECONDS = 0.5  # a lock without a holder is one that is being written just now


class LockedError(OSError):
    """Another process writes this path."""


class Lock:
    """The right to write a path, until `release` or the end of the process."""

    def __init__(self, path: Path | str) -> None:
        """Take the lock of `path`, over from a dead process of this host where there was one.

        Raises:
            LockedError: if another program, or this one, holds it; the message names the holder.
            OSError: if the folder cannot be written.
        """
        path = Path(path)
        self.path = path.with_name(f".{path.name}.lock")
        mine = f"{os.getpid()} {socket.gethostname()} {start_time(os.getpid())}"
        while not _create(self.path, mine):
            holder = _holder(self.path)
            if holder is None or (holder and not _is_dead(holder)):
                raise LockedError(_refusal(path, self.path, holder))
            if holder:
                _remove_stale(self.path, holder)
        # Also at the end of the process, and where an owner is forgotten without `release`.
        self.release = weakref.finalize(self, _remove_own, self.path, mine)

    def __enter__(self) -> "Lock":
        """Hold the lock in a `with` block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Release it."""
        self.release()


def _create(lock: Path, holder: str) -> bool:
    try:
        file = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return False
    with open(file, "w") as opened:
        opened.write(holder + "\n")
    return True


def _holder(lock: Path) -> str | None:
    """Return "pid host start" of a lock's holder: "" without one, None if unreadable."""
    until = time.monotonic() + _UNREADABLE_SECONDS
    while True:
        try:
            text = lock.read_text(errors="replace")
        except FileNotFoundError:
            return ""
        if text.endswith("\n") and len(text.split(" ")) == 3 and text.split(" ")[0].isdecimal():
            return text.strip()
        if time.monotonic() > until:
            return None
        time.sleep(0.02)


def _is_dead(holder: str) -> bool:
    pid, host, start = holder.split(" ")
    return host == socket.gethostname() and not is_running(int(pid), start)


def _remove_stale(lock: Path, holder: str) -> None:
    """Remove a dead process's lock, and no other's that was made in between."""
    aside = lock.with_name(f"{lock.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        os.rename(lock, aside)
        if aside.read_text().strip() != holder:  # another process was faster: give it back
            with contextlib.suppress(FileExistsError):
                os.link(aside, lock)
        aside.unlink()


def _remove_own(lock: Path, holder: str) -> None:
    if holder.split(" ")[0] != str(os.getpid()):
        return  # a child process that ends leaves its parent's lock alone
    with contextlib.suppress(OSError):
        if lock.read_text().strip() == holder:
            lock.unlink()


def _refusal(path: Path, lock: Path, holder: str | None) -> str:
    pid, host = holder.split(" ")[:2] if holder else ("unknown", "unknown")
    return (
        f"{path} is being written by process {pid} on {host}: end it first, or remove {lock} if "
        "it no longer runs"
    )
