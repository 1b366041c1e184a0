"""
How Mailtrap answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import addresses, json_fields

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]

_recipients = addresses("to|cc|bcc.email", "requests.to|cc|bcc.email")


def _accept(request: RecordedRequest) -> CannedResponse:
    mails = json_fields(request).get("requests")
    if isinstance(mails, list):
        return json_response(200, {"success": True, "responses": [_taken(1) for _ in mails]})
    return json_response(200, _taken(len(_recipients(request))))


def _taken(count: int) -> dict[str, object]:
    return {"success": True, "message_ids": [fresh("mailtrap-") for _ in range(count)]}


DIALECT = Dialect(
    name="mailtrap",
    mail=re.compile(r"^POST .*/api/(send|batch)$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/api/accounts$"),
    ping_answer=json_response(200, [{"id": 1, "name": "Account"}]),
    recipients=_recipients,
    errors=errors(
        lambda text: {"success": False, "errors": [text]},
        ("unavailable", 503, "Service unavailable"),
        ("internal", 500, "Internal server error"),
        ("rate_limited", 429, "Too many requests"),
        ("auth", 401, "Unauthorized"),
        ("suspended", 402, "Payment Required"),
        ("quota", 429, "The email limit is reached. Please upgrade your plan"),
        ("sender", 400, "'from' address is invalid"),
        ("bad_recipient", 400, "'to' address is invalid"),
        ("too_large", 413, "Payload too large"),
        ("not_found", 404, "Not found"),
    ),
)
