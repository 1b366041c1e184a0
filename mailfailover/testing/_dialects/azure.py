"""
How Azure Communication Services answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import addresses

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]

_INVALID = "Request body validation error. See property '{}'"


def _accept(_: RecordedRequest) -> CannedResponse:
    return json_response(202, {"id": fresh("operation-"), "status": "Running", "error": None})


def _envelope(code: str, text: str) -> object:
    return {"error": {"code": code, "message": text, "target": None, "details": None}}


DIALECT = Dialect(
    name="azure",
    mail=re.compile(r"^POST .*/emails:send$"),
    accept=_accept,
    # There is no such operation, and only a client with a valid key is told so.
    ping=re.compile(r"^GET .*/emails/operations/[^/]+$"),
    ping_answer=json_response(404, _envelope("OperationNotFound", "Operation not found.")),
    recipients=addresses("recipients.to|cc|bcc.address"),
    errors=errors(
        _envelope,
        ("unavailable", 503, "ServiceUnavailable", "The service is unavailable."),
        ("internal", 500, "InternalServerError", "An internal error occurred."),
        ("rate_limited", 429, "TooManyRequests", "Try again later."),
        ("auth", 401, "Denied", "Denied by the resource provider."),
        ("sender", 400, "BadRequest", _INVALID.format("senderAddress")),
        ("bad_recipient", 400, "BadRequest", _INVALID.format("recipients.to[0].address")),
        ("too_large", 413, "RequestTooLarge", "The request is too large."),
        ("not_found", 404, "NotFound", "There is no such resource."),
    ),
)
