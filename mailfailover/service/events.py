"""
The states of mails as server-sent events.

A stream reads the database, so it tells of what any process does. It ends after a while, and
the browser comes again by itself: a thread is never held for ever by somebody who went away.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request, stream_with_context

from mailfailover.service.mails import describe, describe_many, find_mail, list_mails
from mailfailover.service.parts import caller, service
from mailfailover.service.problems import Problem
from mailfailover.service.visit import API

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from mailfailover.service.parts import Service

    Look = Callable[[], Sequence[Mapping[str, Any]]]

__all__ = ["events"]

events: Blueprint = Blueprint("events", __name__, url_prefix=API)
PAUSE = 0.5
LIFETIME = 60.0
LATER = 10.0
"""Seconds after which a client that found too many streams open tries again."""

BEAT = 5.0
"""After so many seconds without news a comment is sent, so that a lost connection is noticed."""

WATCHED = 20


@events.get("/events")
def stream() -> Response:
    """
    Tell how mails stand, now and whenever that changes: one, or the newest of the caller.
    """
    parts, asking, mail_id = service(), caller(), request.args.get("mail", "")
    if mail_id and find_mail(parts, asking, mail_id) is None:
        raise Problem("not-found", "There is no such mail, or it is not yours.")

    def look() -> Sequence[Mapping[str, Any]]:
        if mail_id:
            found = find_mail(parts, asking, mail_id)
            return [describe(parts, found)] if found else []
        return describe_many(parts, list_mails(parts, asking, limit=WATCHED)[::-1])

    if not parts.streams.acquire(blocking=False):
        return _events(f"retry: {int(LATER * 1000)}\n\n")  # a browser comes again by itself
    # Only some servers notice at once that the client has gone; elsewhere a beat fails.
    is_gone = request.environ.get("waitress.client_disconnected", lambda: False)
    answer = _events(stream_with_context(_tell(parts, look, is_gone)))
    answer.call_on_close(parts.streams.release)
    return answer


def _events(text: str | Iterator[str]) -> Response:
    answer = Response(text, content_type="text/event-stream; charset=utf-8")
    answer.headers["X-Accel-Buffering"] = "no"  # nginx would keep events back
    return answer


def _tell(parts: Service, look: Look, is_gone: Callable[[], bool]) -> Iterator[str]:
    """
    Yield an event for each mail that is new or has changed.
    """
    end = parts.clock() + LIFETIME
    spoken = parts.clock()
    known: dict[str, Mapping[str, Any]] = {}
    yield f"retry: {int(PAUSE * 1000)}\n\n"
    while parts.clock() < end and not is_gone():
        found = look()
        for mail in found:
            if known.get(mail["id"]) != mail:
                spoken = parts.clock()
                yield f"event: mail\ndata: {json.dumps(mail)}\n\n"
        known = {mail["id"]: mail for mail in found}
        if parts.clock() - spoken >= BEAT:
            spoken = parts.clock()
            yield ": still here\n\n"
        parts.sleep(PAUSE)
