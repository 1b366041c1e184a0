"""
A handler of the standard library's logging that mails what went wrong.

::

    import logging
    from mailfailover import Mailer
    from mailfailover.logging import MailHandler

    mailer = Mailer("failover(...)", from_email="shop@example.com")
    logging.getLogger().addHandler(MailHandler(mailer, to="ops@example.com"))

It never blocks the logging thread, never mails about its own mails, and groups repeats.
"""

from __future__ import annotations

import logging
import socket
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Condition, Thread, get_ident
from typing import TYPE_CHECKING

from mailfailover._values.face import published_in
from mailfailover._values.fork import after_fork
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from mailfailover._mailer.mailer import Mailer
    from mailfailover._message.keywords import MessageFields

__all__ = ["MailHandler"]

_MOST_GROUPS = 100
_MOST_TEXT = 20_000
_SUBJECT = 120
_FLUSH_SECONDS = 10.0


@dataclass(slots=True)
class _Group:
    """
    A record, and how often it came again.
    """

    title: str
    text: str
    first: float
    last: float
    count: int = 1


@published_in("mailfailover.logging")
class MailHandler(logging.Handler):
    """
    Mails log records, from a thread of its own.

    The first record is mailed after *gather* seconds, with all that came meanwhile; what follows
    waits until *interval* seconds have passed since. Records from the same line of code with the
    same exception are told once, with their number. Beyond 100 different ones in one mail, the
    rest is counted only.

    Records logged by its own sending thread are not mailed: a provider that fails does
    not make mails about itself. A mail that no provider took is told on stderr, and counted in the
    next one.

    Args:
        mailer: The mailer that sends.

        level: The lowest level that is mailed.

        interval: Seconds between two mails.

        gather: Seconds that the first record waits for others.

        clock: Seconds since 1970, for the times in the text.

        fields: The fields of each mail, *to* among them.

    Raises:
        ConfigurationError: If *to* names no recipient.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        mailer: Mailer,
        *,
        level: int | str = logging.ERROR,
        interval: float = 300.0,
        gather: float = 2.0,
        clock: Callable[[], float] = time.time,
        **fields: Unpack[MessageFields],
    ) -> None:
        if not fields.get("to"):
            message = 'to is missing: name who reads the mails, MailHandler(mailer, to="...")'
            raise ConfigurationError(message)
        super().__init__(level)
        self.mailer = mailer
        self.interval = interval
        self.gather = gather
        self._fields: MessageFields = fields
        self._clock = clock
        self._begin()
        after_fork(self._begin)

    def _begin(self) -> None:
        self._changed = Condition()
        self._groups: dict[object, _Group] = {}
        self._more = 0
        self._unsent = 0
        self._worker: int | None = None  # the thread that sends
        self._hurry = False
        self._sending = False
        self._not_before = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """
        Keep *record* for the next mail.
        """
        if get_ident() == self._worker:
            return
        try:
            text = self.format(record)[:_MOST_TEXT]
            title = _title(record)
        except Exception:  # noqa: BLE001 -- as every handler does
            self.handleError(record)
            return
        with self._changed:
            self._keep(_kind(record), title, text)
            if self._worker is None:
                self._worker = 0
                Thread(target=self._work, name="mailfailover-log", daemon=True).start()
            self._changed.notify_all()

    def _keep(self, kind: object, title: str, text: str) -> None:
        now = self._clock()
        if (known := self._groups.get(kind)) is not None:
            known.count += 1
            known.last = now
        elif len(self._groups) < _MOST_GROUPS:
            self._groups[kind] = _Group(title, text, now, now)
        else:
            self._more += 1

    def flush(self) -> None:
        """
        Send what waits, and wait for that, for at most ten seconds.
        """
        if get_ident() == self._worker:
            return
        with self._changed:
            self._hurry = bool(self._groups)
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._groups and not self._sending, _FLUSH_SECONDS)

    def close(self) -> None:
        """
        Send what waits, and stop.
        """
        self.flush()
        super().close()

    def _work(self) -> None:
        """
        Send until nothing waits.
        """
        self._worker = get_ident()
        while (mail := self._next()) is not None:
            self._send(*mail)
            with self._changed:
                self._sending = False
                self._changed.notify_all()

    def _next(self) -> tuple[list[_Group], int, int] | None:
        """
        Wait for the time of the next mail, and take what is told in it; None where nothing is.
        """
        with self._changed:
            if not self._groups:
                self._worker, self._hurry = None, False
                return None
            wait = max(self._not_before - time.monotonic(), self.gather)
            self._changed.wait_for(lambda: self._hurry, wait)
            groups, more, unsent = [*self._groups.values()], self._more, self._unsent
            self._groups, self._more, self._unsent = {}, 0, 0
            self._sending = True
        self._not_before = time.monotonic() + self.interval
        return groups, more, unsent

    def _send(self, groups: list[_Group], more: int, unsent: int) -> None:
        told = sum(group.count for group in groups) + more
        try:
            fields = self._fields | {
                "subject": _subject(groups, told),
                "text": _text(groups, more, unsent),
            }
            self.mailer.send(**fields)
        except Exception as exc:  # noqa: BLE001 -- whatever it is, the next mail tells of it
            with self._changed:
                self._unsent += unsent + told
            if logging.raiseExceptions and sys.stderr:
                kind = type(exc).__name__
                sys.stderr.write(f"mailfailover: {told} log records were not mailed: {kind}\n")


def _kind(record: logging.LogRecord) -> object:
    """
    The key that groups repeated records.
    """
    exception = record.exc_info[0] if record.exc_info else None
    return record.name, record.levelno, record.pathname, record.lineno, exception


def _title(record: logging.LogRecord) -> str:
    first = record.getMessage().strip().partition("\n")[0]
    words = "".join(letter if letter.isprintable() else " " for letter in first)
    return f"{record.levelname} {record.name}: {words}"[:_SUBJECT]


def _subject(groups: list[_Group], told: int) -> str:
    more = f" (and {told - 1} more)" if told > 1 else ""
    return f"[{socket.gethostname()}] {groups[0].title}{more}"


def _text(groups: list[_Group], more: int, unsent: int) -> str:
    parts = [_paragraph(group) for group in groups]
    if more:
        parts.append(f"{more} more records are not shown.")
    if unsent:
        parts.append(f"{unsent} records before these could not be mailed.")
    return "\n\n".join(parts) + "\n"


def _paragraph(group: _Group) -> str:
    times = _time(group.first)
    if group.count > 1:
        times = f"{group.count} times, from {times} to {_time(group.last)}"
    return f"{group.title}\n{times}\n\n{group.text}"


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
