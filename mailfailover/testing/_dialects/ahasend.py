"""
How AhaSend answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import addresses

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]

_recipients = addresses("to|cc|bcc|recipients.email")


def _accept(request: RecordedRequest) -> CannedResponse:
    entries = [
        {
            "object": "message",
            "id": f"<{fresh()}@ahasend.com>",
            "recipient": {"email": address},
            "status": "queued",
            "error": None,
        }
        for address in _recipients(request)
    ]
    return json_response(202, {"object": "list", "data": entries})


DIALECT = Dialect(
    name="ahasend",
    mail=re.compile(r"^POST .*/v2/accounts/[^/]+/messages(/conversation|/template)?$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/v2/ping$"),
    ping_answer=json_response(200, {"message": "pong"}),
    recipients=_recipients,
    errors=errors(
        lambda text: {"message": text},
        ("unavailable", 503, "Service unavailable"),
        ("internal", 500, "Internal server error"),
        ("rate_limited", 429, "Too many requests, rate limited."),
        ("auth", 401, "Invalid API key"),
        ("suspended", 401, "Account is suspended"),
        ("sender", 403, "sender domain not found in api key scopes"),
        ("too_large", 413, "Request body is too large"),
        ("not_found", 404, "Not found"),
    ),
)
