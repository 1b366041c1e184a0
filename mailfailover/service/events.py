"""
The states of mails as server-sent events.

A stream reads the database, so it tells of what any process does. It ends after a while, and
the browser comes again by itself: a connection is never held for ever for somebody who went away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, copy_current_request_context, request, stream_with_context

from mailfailover.service.event_news import PAUSE, News
from mailfailover.service.event_streams import Stream
from mailfailover.service.mails import describe, describe_many, find_mail, list_mails
from mailfailover.service.parts import caller, service
from mailfailover.service.problems import Problem
from mailfailover.service.taken_connection import Continued, can_be_taken
from mailfailover.service.visit import API

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Hashable, Iterator

    from mailfailover.service.event_streams import Found, Look
    from mailfailover.service.parts import Service

__all__ = ["events"]

events: Blueprint = Blueprint("events", __name__, url_prefix=API)
LATER = 10.0
"""Seconds after which a client that found too many streams open tries again."""

WATCHED = 20
_CONTENT_TYPE = "text/event-stream; charset=utf-8"
_BEGINNING = f"retry: {int(PAUSE * 1000)}\n\n"


@events.get("/events")
def stream() -> Response:
    """
    Tell how mails stand, now and whenever that changes: one, or the newest of the caller.
    """
    parts, asking, mail_id = service(), caller(), request.args.get("mail", "")
    if mail_id and find_mail(parts, asking, mail_id) is None:
        raise Problem("not-found", "There is no such mail, or it is not yours.")

    def look() -> Found:
        if mail_id:
            found = find_mail(parts, asking, mail_id)
            return [describe(parts, found)] if found else []
        return describe_many(parts, list_mails(parts, asking, limit=WATCHED)[::-1])

    if can_be_taken(request.environ):
        subject = (asking, mail_id, request.url_root)
        return _quiet(_without_a_thread(parts, subject, look))
    return _quiet(_in_this_thread(parts, look))


def _quiet(answer: Response) -> Response:
    answer.headers["X-Accel-Buffering"] = "no"  # nginx would keep events back
    return answer


def _come_later() -> Response:
    return Response(f"retry: {int(LATER * 1000)}\n\n", content_type=_CONTENT_TYPE)


def _without_a_thread(parts: Service, subject: Hashable, look: Look) -> Response:
    """
    Return an answer whose connection goes to the one thread of all streams.
    """
    streams = parts.event_streams
    if streams.is_full:
        return _come_later()
    found, look_again = look(), copy_current_request_context(look)

    def hand_on(connection: socket.socket, head: bytes) -> None:
        begun = head + _BEGINNING.encode()
        told = Stream(connection, begun, subject, look_again, streams.clock())
        streams.add(told, found)

    answer = Continued(content_type=_CONTENT_TYPE)
    answer.automatically_set_content_length = False
    answer.hand_on = hand_on
    return answer


def _in_this_thread(parts: Service, look: Look) -> Response:
    """
    Return an answer that holds its thread, for a server that keeps its connections.
    """
    if not parts.streams.acquire(blocking=False):
        return _come_later()  # a browser comes again by itself
    # Only some servers notice at once that the client has gone; elsewhere a beat fails.
    is_gone = request.environ.get("waitress.client_disconnected", lambda: False)
    told = stream_with_context(_tell(parts, look, is_gone))
    answer = Response(told, content_type=_CONTENT_TYPE)
    answer.call_on_close(parts.streams.release)
    return answer


def _tell(parts: Service, look: Look, is_gone: Callable[[], bool]) -> Iterator[str]:
    """
    Yield an event for each mail that is new or has changed.
    """
    news = News(parts.clock())
    yield _BEGINNING
    while parts.clock() < news.end and not is_gone():
        yield from news.read(look(), parts.clock())
        parts.sleep(PAUSE)
