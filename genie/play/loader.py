"""Worlds that are loaded and warmed up while the window stays alive."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from genie.library.progress import Say

T = TypeVar("T")
_PART_SECONDS = 8.0  # that the longest part, torch, takes on a slow disk


class Loader(Generic[T]):
    """Runs a function in the background and keeps what it returns, or its error.

    Python waits for the function when it exits: a thread that is cut off inside PyTorch would take
    the whole process down with it ("terminate called without an active exception").

    Attributes:
        what: is being loaded, in a word or two.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        """Begin at once."""
        self.what, self._fraction, self._since = "", 0.0, time.monotonic()
        self._work = work
        self._result: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="genie-loader")
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether the function has ended."""
        return not self._thread.is_alive()

    @property
    def failed(self) -> bool:
        """Whether the function has ended with an error."""
        return self._error is not None

    @property
    def fraction(self) -> float:
        """How much of all is done, 0 to 1; it grows a little while one part takes long."""
        waited = time.monotonic() - self._since
        return self._fraction + (1 - self._fraction) / 2 * (1 - math.exp(-waited / _PART_SECONDS))

    def begin(self, what: str, fraction: float) -> None:
        """Note what is loaded from now on, and how much is done."""
        self.what, self._fraction = what, max(self.fraction, fraction)
        self._since = time.monotonic()

    def result(self) -> T:
        """Wait for the end and return the result, or raise the function's error."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._result

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # it is raised again by `result`
            self._error = error


class LoadingStopped(Exception):
    """What is being loaded is no longer wanted."""


class Loaders(Generic[T]):
    """Loads several things, the one that was wanted last before all others."""

    def __init__(self, load: Callable[[Hashable, Say], T]) -> None:
        """Take what loads a thing by its key; it is given a function to call between its parts."""
        self._load = load
        self._loaders: dict[Hashable, Loader[T]] = {}
        self._wanted: Hashable = None
        self._finished: set[Hashable] = set()
        self._stopped = False
        self._changed = threading.Condition()

    def want(self, key: Hashable) -> Loader[T]:
        """Load a thing, or go on loading it, before all others; returns its loader."""
        with self._changed:
            self._wanted = key
            if key not in self._loaders:
                self._begin(key, lambda say: self._load(key, say))
            self._changed.notify_all()
            return self._loaders[key]

    def retry(self, key: Hashable) -> Loader[T]:
        """As `want`; what could not be loaded is tried once more."""
        with self._changed:
            if key in self._loaders and self._loaders[key].failed:
                del self._loaders[key]
        return self.want(key)

    def replace(self, key: Hashable, work: Callable[[], T]) -> None:
        """Have other work done for a key, such as what it takes to use a thing once more."""
        with self._changed:
            self._begin(key, lambda say: work())

    def close(self) -> None:
        """Stop all that is still being loaded at its next part."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _begin(self, key: Hashable, work: Callable[[Say], T]) -> None:
        ready = threading.Event()

        def run() -> T:
            ready.wait()  # until the loader is known by its key
            try:
                return work(lambda what, fraction: self._say(key, what, fraction))
            finally:
                with self._changed:
                    self._finished.add(key)
                    self._changed.notify_all()

        self._finished.discard(key)
        self._loaders[key] = Loader(run)
        ready.set()

    def _say(self, key: Hashable, what: str, fraction: float) -> None:
        """Note how far a thing is, and wait here while another one is wanted more."""
        with self._changed:
            self._loaders[key].begin(what, fraction)
            while not self._stopped and self._wanted not in (key, *self._finished):
                self._changed.wait()
            if self._stopped:
                raise LoadingStopped
