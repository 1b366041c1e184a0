"""
How a vendor without peculiarities answers.
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
    return json_response(200, {"id": fresh("generic-")})


DIALECT = Dialect(
    name="generic",
    mail=re.compile("^(POST|PUT) "),
    accept=_accept,
    recipients=addresses("to", "to.email"),
    errors=errors(
        lambda text: {"error": text},
        ("unavailable", 503, "Service unavailable"),
        ("internal", 500, "Internal error"),
        ("rate_limited", 429, "Too many requests"),
        ("auth", 401, "Invalid API key"),
        ("payment", 402, "Payment required"),
        ("forbidden", 403, "Account suspended"),
        ("suspended", 403, "Account suspended"),
        ("sender", 403, "Sender is not verified"),
        ("quota", 429, "Daily quota exceeded"),
        ("bad_recipient", 400, "Invalid recipient"),
        ("too_large", 413, "Message too large"),
        ("not_found", 404, "Not found"),
    ),
)
