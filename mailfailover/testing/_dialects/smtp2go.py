"""
How SMTP2GO answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import (
    addresses,
    find_mail_ids,
    from_base64,
    json_fields,
    mail_ids_in,
    mime_recipients,
)

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]

_named = addresses("to|cc|bcc")


def _accept(_: RecordedRequest) -> CannedResponse:
    data = {"succeeded": 1, "failed": 0, "failures": [], "email_id": fresh("1u0SwL-")}
    return _answer(data)


def _answer(data: object) -> CannedResponse:
    return json_response(200, {"request_id": fresh("request-"), "data": data})


def _mime(request: RecordedRequest) -> bytes:
    return from_base64(json_fields(request).get("mime_email"))


def _recipients(request: RecordedRequest) -> tuple[str, ...]:
    return _named(request) or mime_recipients(_mime(request))


def _mail_ids(request: RecordedRequest) -> tuple[str, ...]:
    return find_mail_ids(request) or mail_ids_in(_mime(request))


def _error(code: str, text: str, field: str = "") -> object:
    data: dict[str, object] = {"error_code": f"E_ApiResponseCodes.{code}", "error": text}
    if field:
        data["field_validation_errors"] = {"fieldname": field, "message": text}
    return {"request_id": "aa253464-0bd0", "data": data}


_INVALID = "NON_VALIDATING_IN_PAYLOAD"
_FORMAT = "The field was expecting a valid RFC-822 formatted email"

DIALECT = Dialect(
    name="smtp2go",
    mail=re.compile(r"^POST .*/v3/email/(send|mime)$"),
    accept=_accept,
    ping=re.compile(r"^POST .*/v3/api_keys/permissions$"),
    ping_answer=json_response(200, {"request_id": "aa253464-0bd0", "data": {"permissions": []}}),
    recipients=_recipients,
    mail_ids=_mail_ids,
    errors=errors(
        _error,
        ("unavailable", 503, "API_EXCEPTION", "Service unavailable"),
        ("internal", 500, "API_EXCEPTION", "An error occurred"),
        ("rate_limited", 429, "REQ_LIMIT_EXCEEDED", "Too many requests"),
        ("auth", 401, "API_KEY_INVALID", "The API key is invalid"),
        ("sender", 400, _INVALID, _FORMAT, "sender"),
        ("bad_recipient", 400, _INVALID, _FORMAT, "to"),
        ("too_large", 413, "REQUEST_TOO_LARGE", "The request is too large"),
        ("not_found", 404, "ENDPOINT_NOT_FOUND", "There is no such endpoint"),
    ),
)
