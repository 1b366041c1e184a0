"""
How Brevo answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import addresses, json_fields

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]


def _accept(request: RecordedRequest) -> CannedResponse:
    versions = json_fields(request).get("messageVersions")
    if isinstance(versions, list):
        return json_response(201, {"messageIds": [_message_id() for _ in versions]})
    return json_response(201, {"messageId": _message_id()})


def _message_id() -> str:
    return f"<{fresh()}@smtp-relay.mailin.fr>"


DIALECT = Dialect(
    name="brevo",
    mail=re.compile(r"^POST .*/v3/smtp/email$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/v3/account$"),
    ping_answer=json_response(200, {"email": "account@example.com", "plan": []}),
    recipients=addresses("to|cc|bcc.email", "messageVersions.to|cc|bcc.email"),
    errors=errors(
        lambda code, text: {"code": code, "message": text},
        ("unavailable", 503, "service_unavailable", "Service unavailable"),
        ("internal", 500, "internal_error", "Internal error"),
        ("rate_limited", 429, "too_many_requests", "Too many requests"),
        ("auth", 401, "unauthorized", "Key not found"),
        ("suspended", 403, "permission_denied", "Your SMTP account is not yet activated"),
        ("quota", 402, "not_enough_credits", "Not enough credits"),
        ("sender", 400, "invalid_parameter", "email is not valid in sender"),
        ("bad_recipient", 400, "invalid_parameter", "email is not valid in to"),
        ("too_large", 413, "payload_too_large", "Request entity is too large"),
        ("not_found", 404, "document_not_found", "There is no such address"),
    ),
)
