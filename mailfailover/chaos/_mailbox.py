"""
The mailbox: the last mails that all vendors accepted.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover.chaos._mail import AcceptedMail

__all__ = ["Mailbox"]

_MAX_BYTES = 64 * 1024 * 1024


class Mailbox:
    """
    Keeps the last *keep* mails, fewer where they are large; safe from many threads.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._mails: deque[AcceptedMail] = deque()
        self._size = 0
        self._total = 0
        self._changed = threading.Condition()

    @property
    def total(self) -> int:
        """
        How many mails came, those that were forgotten among them.
        """
        return self._total

    def add(self, make: Callable[[int], AcceptedMail]) -> AcceptedMail:
        """
        Keep the mail that *make* makes with its number.
        """
        with self._changed:
            self._total += 1
            mail = make(self._total)
            self._mails.append(mail)
            self._size += len(mail.body)
            while len(self._mails) > self._keep or (
                self._size > _MAX_BYTES and len(self._mails) > 1
            ):
                self._size -= len(self._mails.popleft().body)
            self._changed.notify_all()
            return mail

    def mails(self, vendor: str = "", recipient: str = "") -> tuple[AcceptedMail, ...]:
        """
        The mails that are kept, oldest first: all, one vendor's, or one recipient's.
        """
        with self._changed:
            return tuple(
                one
                for one in self._mails
                if vendor in ("", one.vendor) and (not recipient or recipient in one.recipients)
            )

    def find(self, number: int) -> AcceptedMail | None:
        """
        The mail of this number, None if it is not kept any more.
        """
        return next((one for one in self.mails() if one.number == number), None)

    def wait_for(self, count: int, timeout: float, vendor: str = "") -> tuple[AcceptedMail, ...]:
        """
        Block until *count* mails are there; all of them.

        Raises:
            TimeoutError: If they are not after *timeout* seconds.
        """
        ends = time.monotonic() + timeout
        with self._changed:
            while len(found := self.mails(vendor)) < count:
                left = ends - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise TimeoutError(f"{len(found)} of {count} mails after {timeout:g} s")
        return found

    def clear(self) -> None:
        """
        Forget all mails; their numbers continue.
        """
        with self._changed:
            self._mails.clear()
            self._size = 0
