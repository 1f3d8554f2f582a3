"""A log that is the recording: of headless play, and of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genie.session.log import Session


@contextmanager
def logged(session: Session, path: Path | None) -> Iterator[None]:
    """Log what the body plays; without a path nothing.

    Raises:
        OSError: if the log cannot be written, or stopped before the last frame.
    """
    if path is None:
        yield
        return
    session.log_to(path)
    try:
        yield
    finally:
        session.close()
    if session.error:
        raise OSError(f"{path} is not whole: {session.error}")
