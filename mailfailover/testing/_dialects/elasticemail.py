"""
How Elastic Email answers.
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
    return json_response(200, {"TransactionID": fresh("transaction-"), "MessageID": fresh("mail-")})


DIALECT = Dialect(
    name="elasticemail",
    mail=re.compile(r"^POST .*/v4/emails/transactional$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/v4/templates$"),
    ping_answer=json_response(200, []),
    recipients=addresses("Recipients.To|CC|BCC"),
    errors=errors(
        lambda text: {"Error": text},
        ("unavailable", 503, "Service unavailable"),
        ("internal", 500, "Internal error"),
        ("rate_limited", 429, "Too many requests"),
        ("auth", 400, "APIKey Expired"),
        ("suspended", 400, "Your account is blocked"),
        ("quota", 400, "Not enough credits"),
        ("sender", 400, "The domain example.com is not verified"),
        ("too_large", 413, "The request is too large"),
        ("not_found", 404, "Not found"),
    ),
)
