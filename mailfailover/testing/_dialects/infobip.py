"""
How Infobip answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import addresses

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]

_PENDING, _REJECTED = 1, 5

# Of JSON, and of MIME.
_recipients = addresses("messages.destinations.to|cc|bcc.destination", "destinations")


def _answer(group: int, name: str) -> Callable[[RecordedRequest], CannedResponse]:
    def answer(request: RecordedRequest) -> CannedResponse:
        status = {"groupId": group, "name": name, "description": name}
        messages = [
            {"messageId": fresh("infobip-"), "destination": address, "status": status}
            for address in _recipients(request)
        ]
        return json_response(200, {"bulkId": fresh("bulk-"), "messages": messages})

    return answer


def _envelope(code: str, text: str, *violation: str) -> object:
    found = [{"property": violation[0], "violation": violation[1]}] if violation else []
    return {"errorCode": code, "description": text, "violations": found}


_TO = "messages[0].destinations[0].to[0].destination"

DIALECT = Dialect(
    name="infobip",
    mail=re.compile(r"^POST .*/email/4/(messages|mime)$"),
    accept=_answer(_PENDING, "PENDING_ACCEPTED"),
    ping=re.compile(r"^GET .*/email/1/domains$"),
    ping_answer=json_response(200, {"results": []}),
    recipients=_recipients,
    errors={
        **errors(
            _envelope,
            ("unavailable", 503, "E503", "Service unavailable"),
            ("internal", 500, "E500", "Internal error"),
            ("rate_limited", 429, "E429", "Too many requests"),
            ("auth", 401, "E401", "Invalid login details"),
            ("sender", 400, "E400", "Bad request", "messages[0].sender", "is no sender of yours"),
            ("bad_recipient", 400, "E400", "Bad request", _TO, "must be a well-formed email"),
            ("too_large", 413, "E413", "Request entity too large"),
            ("not_found", 404, "E404", "Not found"),
        ),
        "quota": _answer(_REJECTED, "REJECTED_NOT_ENOUGH_CREDITS"),
    },
)
