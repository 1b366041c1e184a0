"""
Points at which a worker can be made to die: before and after each commit and each send.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    from mailfailover import Mailer
    from mailfailover.outbox import Outbox

# What a transaction is for, by a statement that only it has.
_COMMITS = {
    "add": "INSERT INTO outbox_mails",
    "attempt": "INSERT INTO outbox_attempts",
    "claim": "token=(outbox_mails.token +",
    "end": "DELETE FROM outbox_bodies",
}
POINTS = [
    *(f"{edge} {name}" for name in _COMMITS if name != "add" for edge in ("before", "after")),
    "before send",
    "after send",
]


def crash_at(point: str, outbox: Outbox, mailer: Mailer) -> None:
    """
    Let this process die at *point*, when it comes there first.
    """
    edge, _, what = point.partition(" ")
    parts = mailer.chain.parts
    if edge == "poison":
        mailer.chain.parts = replace(parts, transport=_Poisoned(parts.transport, what))
        return
    if what == "send":
        mailer.chain.parts = replace(parts, transport=_Crashing(parts.transport, edge))
        return
    seen = {"statement": False, "commit": False}

    def on_execute(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen["statement"] |= _COMMITS[what] in statement

    def on_commit(_connection: Any) -> None:
        if seen["statement"] and edge == "before":
            die()
        seen["commit"] = seen["statement"]

    def on_checkin(*_: Any) -> None:
        if seen["commit"]:
            die()

    event.listen(outbox.engine, "before_cursor_execute", on_execute)
    event.listen(outbox.engine, "commit", on_commit)
    event.listen(outbox.engine, "checkin", on_checkin)


def die() -> None:
    """
    As by ``kill -9``.
    """
    os.kill(os.getpid(), signal.SIGKILL)


class _Poisoned:
    """
    A transport on which the process dies of one mail, once the others beside it are under way.
    """

    def __init__(self, transport: Any, mail_id: str) -> None:
        self._transport = transport
        self._name = mail_id.lower().encode()

    def send(self, request: Any, timeout: float) -> Any:
        body = (
            request.body if isinstance(request.body, bytes) else b"".join(map(bytes, request.body))
        )
        if self._name in body:
            time.sleep(0.05)
            die()
        return self._transport.send(request, timeout)

    def close(self) -> None:
        self._transport.close()


class _Crashing:
    """
    A transport on which the process dies.
    """

    def __init__(self, transport: Any, edge: str) -> None:
        self._transport = transport
        self._edge = edge

    def send(self, request: Any, timeout: float) -> Any:
        if self._edge == "before":
            die()
        self._transport.send(request, timeout)
        die()

    def close(self) -> None:
        self._transport.close()
