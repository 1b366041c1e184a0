"""
How Sweego answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import addresses

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]

_recipients = addresses("recipients|cc|bcc.email")


def _accept(request: RecordedRequest) -> CannedResponse:
    answer = {
        "channel": "email",
        "provider": "sweego",
        "transaction_id": fresh("transaction-"),
        "swg_uids": {address: fresh("01-") for address in _recipients(request)},
    }
    return json_response(200, answer)


def _invalid(*place: object) -> object:
    text = "value is not a valid email address"
    return {"detail": [{"loc": ["body", *place], "msg": text, "type": "value_error"}]}


DIALECT = Dialect(
    name="sweego",
    mail=re.compile(r"^POST .*/send$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/logs/[^/]+/status$"),
    ping_answer=json_response(404, {"msg": "No such mail"}),
    recipients=_recipients,
    errors={
        **errors(
            lambda text: {"msg": text},
            ("unavailable", 503, "Service unavailable"),
            ("internal", 500, "Unable to send message"),
            ("rate_limited", 429, "Too many requests"),
            ("auth", 401, "Unauthorized"),
            ("too_large", 413, "Request too large"),
            ("not_found", 404, "Not found"),
        ),
        **errors(
            _invalid,
            ("sender", 422, "from", "email"),
            ("bad_recipient", 422, "recipients", 0, "email"),
        ),
    },
)
