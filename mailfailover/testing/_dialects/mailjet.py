"""
How Mailjet answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import addresses, ids_at, json_value, values_at

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]


def _accept(request: RecordedRequest) -> CannedResponse:
    messages = [_taken(mail) for mail in values_at(json_value(request), "Messages")]
    return json_response(200, {"Messages": messages})


def _taken(mail: Any) -> dict[str, Any]:
    people = {
        field: [_numbered(address) for address in values_at(mail, f"{field}.Email")]
        for field in ("To", "Cc", "Bcc")
    }
    custom_id = next(values_at(mail, "CustomID"), "")
    return {"Status": "success", "CustomID": custom_id, **people}


def _numbered(address: str) -> dict[str, Any]:
    number = fresh("1152921504")
    return {"Email": address, "MessageUUID": f"uuid-{number}", "MessageID": int(number)}


def _whole(status: int, text: str, code: str = "") -> object:
    return {"StatusCode": status, "ErrorMessage": text, "ErrorIdentifier": "f98700", **_code(code)}


def _code(code: str) -> dict[str, str]:
    return {"ErrorCode": code} if code else {}


def _of_mail(code: str, text: str, field: str) -> object:
    error = {"ErrorCode": code, "StatusCode": 400, "ErrorMessage": text, "ErrorRelatedTo": [field]}
    return {"Messages": [{"Status": "error", "Errors": [error]}]}


DIALECT = Dialect(
    name="mailjet",
    mail=re.compile(r"^POST .*/v3\.1/send$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/v3/REST/sender$"),
    ping_answer=json_response(200, {"Count": 0, "Data": [], "Total": 0}),
    mail_ids=ids_at("Messages.CustomID"),
    recipients=addresses("Messages.To|Cc|Bcc.Email"),
    errors={
        **errors(
            _whole,
            ("unavailable", 503, 503, "Service unavailable"),
            ("internal", 500, 500, "Internal server error"),
            ("rate_limited", 429, 429, "Too many requests"),
            ("auth", 401, 401, "API key authentication/authorization failure."),
            ("suspended", 401, 401, "Your account has been temporarily blocked.", "mj-0001"),
            ("too_large", 413, 413, "The request is too large"),
            ("not_found", 404, 404, "Not found"),
        ),
        **errors(
            _of_mail,
            ("sender", 400, "send-0008", "The sender is not authorized.", "From"),
            ("bad_recipient", 400, "mj-0013", "This is no valid email address.", "To[0].Email"),
        ),
    },
)
