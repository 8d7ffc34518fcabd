"""Work that several threads ask for and one of them does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Once(Generic[Key, Value]):
    """Remembers the result (or the error) of `work` for each key.

    The first thread to ask does the work itself; later ones wait for it. So a thread that needs
    an answer now never queues behind speculative work.
    """

    def __init__(self, work: Callable[[Key], Value]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._results: dict[Key, Future[Value]] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._results

    def get(self, key: Key) -> Value:
        """The result for `key`. Raises what the work raised, for everyone who asks."""
        with self._lock:
            result = self._results.get(key)
            ours = result is None
            if result is None:
                result = self._results[key] = Future()
        if ours:
            try:
                result.set_result(self._work(key))
            except BaseException as error:
                result.set_exception(error)
        return result.result()
