"""
How Mailomat answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import addresses

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]


def _accept(_: RecordedRequest) -> CannedResponse:
    return json_response(202, {"messageUuid": fresh("mailomat-")})


def _invalid(field: str, text: str) -> object:
    return {"status": 422, "violations": [{"propertyPath": field, "message": text}]}


DIALECT = Dialect(
    name="mailomat",
    mail=re.compile(r"^POST .*/message$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/events$"),
    ping_answer=json_response(200, []),
    recipients=addresses("to|cc|bcc.email"),
    errors={
        **errors(
            lambda text: {"title": "An error occurred", "detail": text},
            ("unavailable", 503, "Service Unavailable"),
            ("internal", 500, "Internal Server Error"),
            ("rate_limited", 429, "Too Many Requests"),
            ("auth", 401, "JWT Token not found"),
            ("too_large", 413, "Content Too Large"),
            ("not_found", 404, "Not Found"),
        ),
        **errors(
            _invalid,
            ("sender", 422, "from", "This sender is not allowed."),
            ("bad_recipient", 422, "to[0].email", "This value is not a valid email address."),
        ),
    },
)
