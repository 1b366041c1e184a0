"""
The answers of a vendor's stand-in: yes and no in the vendor's own dialect, HTTP and SMTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mailfailover._values.wire import HTTPRequest, Response, SMTPReply, SMTPRequest, SMTPResponse
from mailfailover.testing._dialects import find_dialect
from mailfailover.testing._http_wire import CannedResponse, RecordedRequest
from mailfailover.testing._wire_text import body_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover.testing._dialect import Dialect

_SYNONYMS = {
    "suspended": ("suspended", "auth"),
    "quota": ("quota", "rate_limited"),
    "sender": ("sender", "auth"),
}
"""The names that vendors have for an answer; the first known name is used."""

_REPLIES: Mapping[str, tuple[str, str]] = {
    "unavailable": ("mail", "421 4.3.2 Service not available, closing transmission channel"),
    "internal": ("mail", "451 4.3.0 Temporary system problem"),
    "auth": ("auth", "535 5.7.8 Authentication credentials invalid"),
    "suspended": ("auth", "535 5.7.13 User account disabled"),
    "rate_limited": (".", "454 4.7.0 Throttling failure: Maximum sending rate exceeded"),
    "quota": (".", "454 4.7.0 Throttling failure: Daily message quota exceeded"),
    "sender": ("mail", "550 5.7.1 Sender address is not verified"),
    "bad_recipient": ("rcpt", "550 5.1.1 No such user"),
}
"""The step of SMTP and the reply, by the name of an answer."""

_PAGE = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


class Answers:
    """
    Says yes and no as one vendor does.

    Args:
        vendor: The name of the provider.
    """

    def __init__(self, vendor: str) -> None:
        self._dialect = _dialect(vendor)
        self._taken: dict[tuple[str, ...], Response] = {}

    def yes(self, request: object, recipients: tuple[str, ...]) -> Response | SMTPResponse:
        """
        Accept a mail; for the same *recipients* the answer is the same.
        """
        if not isinstance(request, HTTPRequest):
            return SMTPResponse(SMTPReply(250, "2.0.0 Ok: queued as DRILL1", "."))
        if recipients not in self._taken:
            self._taken[recipients] = _response(self._dialect.accept(_recorded(request)))
        return self._taken[recipients]

    def no(self, request: object, name: str, reply: str = "") -> Response | SMTPResponse:
        """
        Refuse a mail by the vendor's answer *name*; over SMTP with *reply*, if that is given.
        """
        if isinstance(request, HTTPRequest):
            return _response(self._error(request, name))
        step, usual = _REPLIES[name]
        return smtp_answer(reply or usual, "connect" if reply.startswith("421") else step)

    def _error(self, request: HTTPRequest, name: str) -> CannedResponse:
        for errors in (self._dialect.errors, _dialect("generic").errors):
            for one in _SYNONYMS.get(name, (name,)):
                if one in errors:
                    found = errors[one]
                    return found if isinstance(found, CannedResponse) else found(_recorded(request))
        raise KeyError(name)


def edge_answer(request: object, status: int, server: str) -> Response | SMTPResponse:
    """
    Return what stands in front of a vendor answers: a page, or over SMTP that it is not there.
    """
    if isinstance(request, SMTPRequest):
        return smtp_answer("421 4.3.2 Service not available", "connect")
    page = _PAGE.format(f"{status} {server}").encode()
    return Response(status, {"content-type": "text/html", "server": server}, page)


def smtp_answer(reply: str, step: str) -> SMTPResponse:
    """
    Return an SMTP reply to one step.
    """
    code, _, text = reply.partition(" ")
    return SMTPResponse(SMTPReply(int(code), text, step))


def _dialect(name: str) -> Dialect:
    try:
        return find_dialect(name)
    except ValueError:
        return find_dialect("generic")


def _recorded(request: HTTPRequest) -> RecordedRequest:
    parts = urlsplit(request.url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    body = body_bytes(request.body)
    return RecordedRequest(request.method, path, tuple(request.headers.items()), body, 0.0, 1)


def _response(answer: CannedResponse) -> Response:
    return Response(answer.status, dict(answer.headers), answer.body)
