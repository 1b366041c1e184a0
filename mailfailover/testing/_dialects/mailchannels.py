"""
How MailChannels answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import addresses, json_value, values_at

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]


def _accept(request: RecordedRequest) -> CannedResponse:
    mails = values_at(json_value(request), "personalizations")
    results = [
        {"index": index, "message_id": f"<{fresh()}@mailchannels.net>", "status": "sent"}
        for index, _ in enumerate(mails)
    ]
    return json_response(202, {"request_id": fresh("request-"), "results": results})


DIALECT = Dialect(
    name="mailchannels",
    mail=re.compile(r"^POST .*/tx/v1/send(-async)?$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/tx/v1/usage$"),
    ping_answer=json_response(200, {"total_usage": 0}),
    recipients=addresses("personalizations.to|cc|bcc.email"),
    errors=errors(
        lambda text: {"errors": [text]},
        ("unavailable", 503, "service unavailable"),
        ("internal", 500, "internal error"),
        ("rate_limited", 429, "too many requests"),
        ("auth", 403, "access denied"),
        ("sender", 403, "See https://bit.ly/domain-lockdown"),
        ("too_large", 413, "request too large"),
        ("not_found", 404, "not found"),
    ),
)
