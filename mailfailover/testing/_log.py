"""
The log of a server: its threads append entries, and a test reads or awaits them.
"""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

__all__ = ["Log"]

Entry = TypeVar("Entry")


class Log(Generic[Entry]):
    """
    A growing list that many threads may write, read and wait for.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._entries: list[Entry] = []

    def append(self, entry: Entry) -> None:
        """
        Add *entry*, and wake the waiting threads.
        """
        with self._changed:
            self._entries.append(entry)
            self._changed.notify_all()

    def entries(self) -> tuple[Entry, ...]:
        """
        All entries until now.
        """
        with self._changed:
            return tuple(self._entries)

    def clear(self) -> None:
        """
        Forget all entries.
        """
        with self._changed:
            self._entries.clear()

    def wait_for(self, count: int, timeout: float, what: str) -> tuple[Entry, ...]:
        """
        Block until there are *count* entries, called *what*.

        Raises:
            TimeoutError:
                If there are fewer after *timeout* seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._entries) >= count, timeout):
                raise TimeoutError(
                    f"{len(self._entries)} of {count} {what} came within {timeout} seconds"
                )
            return tuple(self._entries)
