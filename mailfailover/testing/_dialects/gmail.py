"""
How Gmail answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import mime_recipients

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]

_MAIL = b"Content-Type: message/rfc822\r\n\r\n"


def _accept(_: RecordedRequest) -> CannedResponse:
    number = fresh("18c2f0")
    return json_response(200, {"id": number, "threadId": number, "labelIds": ["SENT"]})


def _recipients(request: RecordedRequest) -> tuple[str, ...]:
    return mime_recipients(request.body.partition(_MAIL)[2])


def _envelope(status: int, reason: str, text: str) -> object:
    entry = {"domain": "global", "reason": reason, "message": text}
    return {"error": {"code": status, "errors": [entry], "message": text}}


DIALECT = Dialect(
    name="gmail",
    mail=re.compile(r"^POST .*/gmail/v1/users/[^/]+/messages/send$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/gmail/v1/users/[^/]+/profile$"),
    ping_answer=json_response(200, {"emailAddress": "account@example.com"}),
    recipients=_recipients,
    errors=errors(
        _envelope,
        ("unavailable", 503, 503, "backendError", "Service unavailable"),
        ("internal", 500, 500, "backendError", "Backend error"),
        ("rate_limited", 429, 429, "rateLimitExceeded", "Rate limit exceeded"),
        ("auth", 401, 401, "authError", "Invalid Credentials"),
        ("suspended", 400, 400, "failedPrecondition", "Precondition check failed."),
        ("quota", 403, 403, "dailyLimitExceeded", "Daily limit exceeded"),
        ("bad_recipient", 400, 400, "invalidArgument", "Invalid to header"),
        ("too_large", 413, 413, "uploadTooLarge", "Request is too large"),
        ("not_found", 404, 404, "notFound", "Not Found"),
    ),
)
