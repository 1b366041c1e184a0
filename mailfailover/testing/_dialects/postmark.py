"""
How Postmark answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import addresses, json_value, values_at

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]


def _accept(request: RecordedRequest) -> CannedResponse:
    body = json_value(request)
    mails = body.get("Messages", body) if isinstance(body, dict) else body  # of templates
    if isinstance(mails, list):
        return json_response(200, [_taken(mail) for mail in mails])
    return json_response(200, _taken(mails))


def _taken(mail: Any) -> dict[str, Any]:
    return {
        "To": next(values_at(mail, "To"), ""),
        "SubmittedAt": "2026-11-02T09:00:00.1234567-05:00",
        "MessageID": fresh("postmark-"),
        "ErrorCode": 0,
        "Message": "OK",
    }


_INACTIVE = (
    "You tried to send to a recipient that has been marked as inactive.\n"
    "Found inactive addresses: ann@example.org.\n"
    "Inactive recipients are ones that have generated a hard bounce or a spam complaint. "
)

# https://postmarkapp.com/developer/api/overview#error-codes (2026-11)
DIALECT = Dialect(
    name="postmark",
    mail=re.compile(r"^POST .*/email(/batch)?(/withTemplate|WithTemplates)?$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/server$"),
    ping_answer=json_response(200, {"ID": 1, "Name": "Server"}),
    recipients=addresses("To|Cc|Bcc", "Messages.To|Cc|Bcc"),
    errors=errors(
        lambda code, text: {"ErrorCode": code, "Message": text},
        ("unavailable", 503, 100, "Maintenance"),
        ("internal", 500, 100, "Internal error"),
        ("rate_limited", 429, 429, "Rate limit exceeded"),
        ("auth", 401, 10, "The Server Token you provided is missing or incorrect."),
        ("suspended", 422, 412, "Your account is pending approval."),
        ("quota", 422, 405, "You are not allowed to send: no credits left."),
        ("sender", 422, 400, "The From address is not a Sender Signature on your account."),
        ("bad_recipient", 422, 300, "Invalid 'To' address: 'ann@example.org'."),
        ("suppressed", 422, 406, _INACTIVE),
        ("too_large", 413, 0, "Request entity too large"),
        ("not_found", 404, 0, "Not found"),
    ),
)
