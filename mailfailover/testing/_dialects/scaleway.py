"""
How Scaleway Transactional Email answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import addresses

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]

_recipients = addresses("to|cc|bcc.email")


def _accept(request: RecordedRequest) -> CannedResponse:
    emails = [
        {"id": fresh("scaleway-"), "mail_rcpt": address, "status": "new"}
        for address in _recipients(request)
    ]
    return json_response(200, {"emails": emails})


def _invalid(field: str, reason: str) -> object:
    detail = {"argument_name": field, "reason": reason, "help_message": ""}
    return {"type": "invalid_arguments", "message": "invalid argument(s)", "details": [detail]}


DIALECT = Dialect(
    name="scaleway",
    mail=re.compile(r"^POST .*/transactional-email/v1alpha1/regions/[^/]+/emails$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/transactional-email/v1alpha1/regions/[^/]+/domains$"),
    ping_answer=json_response(200, {"total_count": 0, "domains": []}),
    recipients=_recipients,
    errors={
        **errors(
            lambda kind, text: {"type": kind, "message": text},
            ("unavailable", 503, "temporarily_unavailable", "service unavailable"),
            ("internal", 500, "internal", "internal error"),
            ("rate_limited", 429, "too_many_requests", "too many requests"),
            ("auth", 401, "denied_authentication", "denied authentication"),
            ("suspended", 403, "locked", "the project is locked"),
            ("quota", 403, "quotas_exceeded", "quota(s) exceeded"),
            ("too_large", 413, "too_large", "request too large"),
            ("not_found", 404, "unknown_resource", "resource is not found"),
        ),
        **errors(
            _invalid,
            ("sender", 400, "from.email", "constraint"),
            ("bad_recipient", 400, "to.0.email", "format"),
        ),
    },
)
