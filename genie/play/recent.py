"""Session logs in the user's folder: a name for a new one, the last one, and tidying up."""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from corpus.lock import Lock
from genie.library.user_paths import safe_name, sessions_folder
from genie.media.recording import free_path
from genie.session.format import SUFFIX, record_type
from genie.session.header import read_header
from genie.session.log import Session
from spacetime.partial import plain

KEPT = 40
"""Session logs that are kept; older ones are removed when a new one begins."""
_NAMED = re.compile(rf".*-\d{{8}}-\d{{6}}-\d+(-\d+)*{re.escape(SUFFIX)}")  # as `new_log` does


@dataclass(frozen=True, kw_only=True)
class Recent:
    """A session that can be continued."""

    path: Path  # of its log
    frames: int
    seconds: float  # at the world's pace


def new_log(name: str) -> Path:
    """Return where the log of a new session of a world goes, and remove the oldest logs.

    Files of other names, such as copies, stay.
    """
    folder = sessions_folder()
    logs = [path for path in _newest_first(folder) if _NAMED.fullmatch(path.name)]
    for path in logs[KEPT - 1 :]:
        # One that another window still writes stays, as what cannot be removed.
        with contextlib.suppress(OSError), Lock(path):
            path.unlink(missing_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return free_path(folder / f"{safe_name(name)}-{stamp}-{os.getpid()}{SUFFIX}")


def begin_log(session: Session, name: str, path: Path | None = None) -> None:
    """Log a session, under a new name in the user's folder if no path is given.

    If the disk refuses, play goes on: the session's `error` says why.
    """
    try:
        session.log_to(path or new_log(name))
    except OSError as error:
        session.error = plain(error)


def end_log(session: Session) -> None:
    """Close a session's log; one in which nothing was played or edited is removed."""
    session.close()
    played = session.edited or any(session[record].steps for record in range(len(session)))
    if session.path is not None and not played:
        session.path.unlink(missing_ok=True)


def last_session(fingerprint: str) -> Recent | None:
    """Find the last session of the world with this fingerprint, of more than one frame."""
    for path in _newest_first(sessions_folder()):
        try:
            found, size = read_header(path), path.stat().st_size
        except (ValueError, OSError):
            continue
        header = found.header
        frames = (size - found.size) // record_type(header.tokens).itemsize
        if header.fingerprint == fingerprint and frames > 1:
            return Recent(path=path, frames=frames, seconds=frames / header.card.fps)
    return None


def _newest_first(folder: Path) -> list[Path]:
    found = []
    for path in folder.glob(f"*{SUFFIX}"):
        with contextlib.suppress(OSError):  # another window may have removed it
            found.append((path.stat().st_mtime, path))
    return [path for _, path in sorted(found, reverse=True)]
