"""
How MailerSend answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._http_wire import CannedResponse
from mailfailover.testing._request_bodies import addresses, json_value

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import RecordedRequest

__all__ = ["DIALECT"]

_recipients = addresses("to|cc|bcc.email")


def _accept(request: RecordedRequest) -> CannedResponse:
    if isinstance(json_value(request), list):
        return json_response(202, {"message": "Being processed.", "bulk_email_id": fresh("bulk-")})
    return CannedResponse(202, b"", (("X-Message-Id", fresh("mailersend-")),))


def _suppressed(request: RecordedRequest) -> CannedResponse:
    recipients = [
        {"email": address, "name": None, "reasons": ["hard_bounced"]}
        for address in _recipients(request)
    ]
    warning = {"type": "ALL_SUPPRESSED", "message": "Suppressed.", "recipients": recipients}
    text = "There are some warnings for your request."
    return json_response(202, {"message": text, "warnings": [warning]})


def _envelope(text: str, *fields: str) -> object:
    return {"message": text, "errors": {field: [text] for field in fields}}


DIALECT = Dialect(
    name="mailersend",
    mail=re.compile(r"^POST .*/v1/(bulk-)?email$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/v1/api-quota$"),
    ping_answer=json_response(200, {"quota": 100_000, "remaining": 100_000}),
    recipients=_recipients,
    errors={
        **errors(
            _envelope,
            ("unavailable", 503, "Service Unavailable."),
            ("internal", 500, "Server Error."),
            ("rate_limited", 429, "Your account reached its rate limit. #MS42903"),
            ("auth", 401, "Unauthenticated."),
            ("quota", 422, "The account reached its email limit. #MS42204", "to"),
            ("sender", 422, "The from.email domain must be verified. #MS42207", "from.email"),
            (
                "bad_recipient",
                422,
                "The to.0.email must be a valid email address. #MS42208",
                "to.0.email",
            ),
            ("too_large", 413, "Payload too large."),
            ("not_found", 404, "Not found."),
        ),
        "suppressed": _suppressed,
    },
)
