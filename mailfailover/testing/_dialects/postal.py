"""
How Postal answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import (
    addresses,
    from_base64,
    json_fields,
    mail_ids_in,
)

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]

_recipients = addresses("rcpt_to")


def _accept(request: RecordedRequest) -> CannedResponse:
    messages = {
        address: {"id": int(number := fresh()), "token": f"token{number}"}
        for address in _recipients(request)
    }
    data = {"message_id": f"{fresh()}@postal.example.com", "messages": messages}
    return json_response(200, _envelope("success", data))


def _mail_ids(request: RecordedRequest) -> tuple[str, ...]:
    return mail_ids_in(from_base64(json_fields(request).get("data")))


def _envelope(status: str, data: object) -> object:
    return {"status": status, "time": 0.02, "flags": {}, "data": data}


def _error(code: str, text: str) -> object:
    return _envelope("error", {"code": code, "message": text})


_NO_MESSAGE = _error("MessageNotFound", "No message found matching provided ID")

# The server's own errors come with a 200.
DIALECT = Dialect(
    name="postal",
    mail=re.compile(r"^POST .*/api/v1/send/raw$"),
    accept=_accept,
    ping=re.compile(r"^POST .*/api/v1/messages/message$"),
    ping_answer=json_response(200, _NO_MESSAGE),
    recipients=_recipients,
    mail_ids=_mail_ids,
    errors=errors(
        _error,
        ("unavailable", 503, "Unavailable", "The server is being updated"),
        ("internal", 500, "InternalServerError", "An internal error occurred"),
        ("rate_limited", 429, "TooManyRequests", "Too many requests"),
        ("auth", 200, "AccessDenied", "Must be authenticated as a server."),
        ("suspended", 200, "ServerSuspended", "The mail server has been suspended"),
        ("sender", 200, "UnauthenticatedFromAddress", "The From address is not authorised"),
        ("too_large", 413, "TooLarge", "The request is too large"),
        ("not_found", 404, "InvalidController", "There is no such controller"),
    ),
)
