"""
How SparkPost answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import addresses

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]

_recipients = addresses("recipients.address.email")


def _accept(request: RecordedRequest) -> CannedResponse:
    results = {
        "id": fresh("116687874849505"),
        "total_accepted_recipients": len(_recipients(request)),
        "total_rejected_recipients": 0,
    }
    return json_response(200, {"results": results})


DIALECT = Dialect(
    name="sparkpost",
    mail=re.compile(r"^POST .*/api/v1/transmissions$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/api/v1/transmissions$"),
    ping_answer=json_response(200, {"results": []}),
    recipients=_recipients,
    errors=errors(
        lambda code, text: {"errors": [{"code": code, "message": text}]},
        ("unavailable", 503, "1900", "unavailable"),
        ("internal", 500, "1500", "internal error"),
        ("rate_limited", 429, "1000", "Too many requests"),
        ("auth", 401, "1303", "Unauthorized."),
        ("suspended", 403, "1601", "no licence"),
        ("quota", 420, "2102", "Exceed Sending Limit (daily)"),
        ("sender", 400, "7001", "Invalid domain"),
        ("bad_recipient", 400, "5002", "At least one valid recipient is required"),
        ("suppressed", 400, "1902", "suppressed due to customer policy"),
        ("too_large", 413, "1700", "Request entity too large"),
        ("not_found", 404, "1600", "resource not found"),
    ),
)
