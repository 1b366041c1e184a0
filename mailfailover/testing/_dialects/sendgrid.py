"""
How SendGrid answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._http_wire import CannedResponse
from mailfailover.testing._request_bodies import OUR_ID, addresses, ids_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover.testing._http_wire import RecordedRequest

__all__ = ["DIALECT"]


def _accept(_: RecordedRequest) -> CannedResponse:
    return CannedResponse(202, b"", (("X-Message-Id", fresh("sendgrid-")),))


def _envelope(field: str | None = None) -> Callable[[str], object]:
    return lambda text: {"errors": [{"message": text, "field": field, "help": None}]}


# https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/errors
DIALECT = Dialect(
    name="sendgrid",
    mail=re.compile(r"^POST .*/v3/mail/send$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/v3/scopes$"),
    ping_answer=json_response(200, {"scopes": ["mail.send"]}),
    mail_ids=ids_at(f"personalizations.custom_args.{OUR_ID}", f"custom_args.{OUR_ID}"),
    recipients=addresses("personalizations.to|cc|bcc.email"),
    errors={
        **errors(
            _envelope(),
            ("unavailable", 503, "service unavailable"),
            ("internal", 500, "internal server error"),
            ("rate_limited", 429, "too many requests"),
            ("auth", 401, "The provided authorization grant is invalid, expired, or revoked"),
            ("payment", 402, "payment required"),
            ("forbidden", 403, "access forbidden"),
            ("suspended", 402, "payment required"),
            ("quota", 401, "Maximum credits exceeded"),
            ("too_large", 413, "The size of the message exceeds the limit"),
            ("not_found", 404, "not found"),
        ),
        "sender": json_response(
            403,
            _envelope("from")(
                "The from address does not match a verified Sender Identity."
                " Mail cannot be sent until this error is resolved.",
            ),
        ),
        "bad_recipient": json_response(
            400,
            _envelope("personalizations.0.to.0.email")("Does not contain a valid address."),
        ),
    },
)
