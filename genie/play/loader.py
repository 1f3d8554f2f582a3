"""A world that is loaded and warmed up while the window stays alive."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Loader(Generic[T]):
    """Runs a function in the background and keeps what it returns, or its error.

    Python waits for the function when it exits: a thread that is cut off inside PyTorch would take
    the whole process down with it ("terminate called without an active exception").
    """

    def __init__(self, work: Callable[[], T]) -> None:
        """Begin at once."""
        self._work = work
        self._result: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="genie-loader")
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether the function has ended."""
        return not self._thread.is_alive()

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
