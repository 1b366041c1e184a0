"""
How UniSender Go answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import addresses

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]

_recipients = addresses("message.recipients.email")


def _accept(request: RecordedRequest) -> CannedResponse:
    answer = {
        "status": "success",
        "job_id": fresh("1ZymBc-"),
        "emails": _recipients(request),
        "failed_emails": {},
    }
    return json_response(200, answer)


DIALECT = Dialect(
    name="unisender",
    mail=re.compile(r"^POST .*/transactional/api/v1/email/send\.json$"),
    accept=_accept,
    ping=re.compile(r"^POST .*/transactional/api/v1/system/ping\.json$"),
    ping_answer=json_response(200, {"status": "success", "ping": 0.001}),
    recipients=_recipients,
    errors=errors(
        lambda code, text: {"status": "error", "code": code, "message": text},
        ("unavailable", 503, 908, "Service is temporarily unavailable"),
        ("internal", 500, 908, "Service is temporarily unavailable"),
        ("rate_limited", 429, 0, "Too many requests"),
        ("auth", 401, 101, "Invalid API key"),
        ("suspended", 403, 106, "The user is blocked"),
        ("quota", 403, 901, "The limit of your plan is reached"),
        ("sender", 400, 205, "The domain of from_email is not verified"),
        ("suppressed", 400, 204, "No valid recipients"),
        ("too_large", 413, 0, "The request is too large"),
        ("not_found", 404, 5, "Unknown method"),
    ),
)
