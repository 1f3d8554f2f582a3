"""One program at a time makes a corpus, and what it has committed outlives it."""

from __future__ import annotations

import contextlib
import errno
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

from corpus.lock import Lock
from corpus.store import CorpusCard
from corpus.writing.writer import ZSTD_LEVEL, CorpusWriter, partial_path


@contextlib.contextmanager
def open_writer(
    out: str | Path,
    size: tuple[int, int],
    card: CorpusCard,
    with_actions: bool,
    resume: bool,
    level: int = ZSTD_LEVEL,
    go_on: str = "--resume",
) -> Iterator[CorpusWriter]:
    """Open a writer that no other program has; the arguments are those of ``CorpusWriter``.

    If the body is interrupted, by Ctrl-C, SIGTERM or an error, the committed episodes stay in the
    partial folder; without any, nothing stays. `go_on` is the flag that goes on with it.

    Raises:
        LockedError: another program makes the same corpus.
    """
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    make = CorpusWriter.resume if resume else CorpusWriter.create
    with Lock(out):
        writer = make(out, size, card, with_actions, level)
        try:
            with _sigterm_as_ctrl_c():
                yield writer
        except BaseException as error:
            writer.discard_if_empty()
            explained = _explained(error, writer, go_on)
            if explained is None:
                raise
            raise explained from error


@contextlib.contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt meanwhile; signals reach the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _explained(error: BaseException, writer: CorpusWriter, go_on: str) -> BaseException | None:
    """Say of an interruption or a full disk what is kept and how to go on; None of other errors."""
    kept = f"{len(writer.records)} episodes are kept in {partial_path(writer.out)}"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        if not writer.records:
            return OSError("the disk is full: nothing could be kept; free some space")
        return OSError(f"the disk is full: {kept}; free some space and go on with {go_on}")
    if isinstance(error, KeyboardInterrupt) and writer.records and not writer.out.exists():
        return KeyboardInterrupt(f"stopped: {kept}; go on with {go_on}")
    return None
