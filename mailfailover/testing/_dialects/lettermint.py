"""
How Lettermint answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import addresses, json_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]


def _answer(status: str) -> Callable[[RecordedRequest], CannedResponse]:
    def answer(request: RecordedRequest) -> CannedResponse:
        mails = json_value(request)
        if isinstance(mails, list):
            return json_response(202, [_mail(status) for _ in mails])
        return json_response(202, _mail(status))

    return answer


def _mail(status: str) -> dict[str, str]:
    return {"message_id": fresh("lettermint-"), "status": status}


def _invalid(field: str, text: str) -> object:
    return {"message": text, "errors": {field: [text]}}


DIALECT = Dialect(
    name="lettermint",
    mail=re.compile(r"^POST .*/v1/send(/batch)?$"),
    accept=_answer("pending"),
    ping=re.compile(r"^GET .*/v1/ping$"),
    ping_answer=json_response(200, {"message": "pong"}),
    recipients=addresses("to|cc|bcc"),
    errors={
        **errors(
            lambda text: {"message": text},
            ("unavailable", 503, "Service Unavailable"),
            ("internal", 500, "Server Error"),
            ("rate_limited", 429, "Too Many Attempts."),
            ("auth", 401, "Unauthenticated."),
            ("too_large", 413, "The POST data is too large."),
            ("not_found", 404, "Not found."),
        ),
        **errors(
            _invalid,
            ("sender", 422, "from", "The domain is not verified."),
            ("bad_recipient", 422, "to.0", "The field must be a valid email address."),
        ),
        "suppressed": _answer("suppressed"),
    },
)
