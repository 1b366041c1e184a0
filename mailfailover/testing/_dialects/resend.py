"""
How Resend answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import addresses, json_value

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]


def _accept(request: RecordedRequest) -> CannedResponse:
    mails = json_value(request)
    if isinstance(mails, list):
        return json_response(200, {"data": [{"id": fresh("resend-")} for _ in mails]})
    return json_response(200, {"id": fresh("resend-")})


_BAD_TO = (
    "Invalid `to` field. The email address needs to follow the `email@example.com` or "
    "`Name <email@example.com>` format."
)

DIALECT = Dialect(
    name="resend",
    mail=re.compile(r"^POST .*/emails(/batch)?$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/domains$"),
    ping_answer=json_response(200, {"data": []}),
    recipients=addresses("to|cc|bcc"),
    errors=errors(
        lambda status, name, text: {"statusCode": status, "name": name, "message": text},
        ("unavailable", 503, 503, "application_error", "Service unavailable"),
        ("internal", 500, 500, "application_error", "An unexpected error occurred"),
        ("rate_limited", 429, 429, "rate_limit_exceeded", "Too many requests"),
        ("auth", 401, 401, "missing_api_key", "Missing API key"),
        ("suspended", 403, 403, "suspended_api_key", "This API key is suspended"),
        ("quota", 429, 429, "daily_quota_exceeded", "You have reached your daily quota"),
        ("sender", 403, 403, "validation_error", "The example.com domain is not verified."),
        ("bad_recipient", 422, 422, "validation_error", _BAD_TO),
        ("too_large", 413, 413, "payload_too_large", "The request is too large"),
        ("not_found", 404, 404, "not_found", "The requested endpoint does not exist"),
    ),
)
