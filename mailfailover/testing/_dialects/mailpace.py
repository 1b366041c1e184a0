"""
How MailPace answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import addresses

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]

_recipients = addresses("to|cc|bcc")


def _accept(_: RecordedRequest) -> CannedResponse:
    return json_response(200, {"id": int(fresh()), "status": "pending"})


def _refusal(request: RecordedRequest) -> str:
    return "" if _recipients(request) else "nobody"


DIALECT = Dialect(
    name="mailpace",
    mail=re.compile(r"^POST .*/api/v1/send$"),
    accept=_accept,
    recipients=_recipients,
    refusal=_refusal,
    errors={
        **errors(
            lambda text: {"error": text},
            ("unavailable", 503, "Service Unavailable"),
            ("internal", 500, "Internal Server Error"),
            ("rate_limited", 429, "You are sending emails too quickly"),
            ("auth", 400, "Invalid API Token"),
            (
                "suspended",
                403,
                "The organization that owns this domain does not have an active plan",
            ),
            ("sender", 400, "Email from address not parseable"),
            ("too_large", 413, "Payload Too Large"),
            ("not_found", 404, "Not Found"),
        ),
        **errors(
            lambda text: {"errors": {"to": [text]}},
            ("nobody", 400, "undefined field"),
            ("bad_recipient", 400, "is invalid"),
            ("suppressed", 400, "contains a blocked address"),
        ),
    },
)
