"""
The receivers told apart: each receiver with much mail counts by its name, all others as one.

A receiver that the library's table does not know is told apart from a time on, the same one for
all processes. So those that send and those that hear the events count a mail for the same one.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING

from mailfailover._sql.rows import fit
from mailfailover._values.frozen import EMPTY
from mailfailover.deliveries._counts import SLICE, slice_of
from mailfailover.receivers import is_named

if TYPE_CHECKING:
    from collections.abc import Mapping

OTHER = "other"
"""Stands for the receivers that are not told apart."""

MOST = 200
"""How many receivers beyond those of the table are told apart at most."""

_MAILS = 30
_REMEMBERED = 10_000


class Apart:
    """
    The receivers that are told apart, and those that get mail enough to be.
    """

    def __init__(self) -> None:
        self.since: Mapping[str, float] = EMPTY
        """From when on each of them is, in seconds since 1970."""

        self._lock = Lock()
        self._mails: Counter[str] = Counter()

    def name(self, receiver: str, at: float) -> str:
        """
        Return what a mail of a time is counted for.
        """
        if is_named(receiver) or self.since.get(receiver, float("inf")) <= at:
            return receiver
        return OTHER

    def note(self, receiver: str) -> None:
        """
        Know of one more mail to a receiver.
        """
        if is_named(receiver) or receiver in self.since or len(self.since) >= MOST:
            return
        receiver = fit(receiver, 255)
        with self._lock:
            if len(self._mails) >= _REMEMBERED and receiver not in self._mails:
                self._mails.clear()
            self._mails[receiver] += 1

    def new(self, now: float) -> dict[str, float]:
        """
        Return who should be told apart, and from when on: when all processes know it.
        """
        with self._lock:
            found = [one for one, mails in self._mails.items() if mails >= _MAILS]
            for receiver in found:
                del self._mails[receiver]
        begin = float(slice_of(now) + 2 * SLICE)
        return dict.fromkeys(found[: max(0, MOST - len(self.since))], begin)
