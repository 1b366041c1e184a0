"""
How Mandrill answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import OUR_ID, addresses, ids_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]

_recipients = addresses("to", "message.to.email")  # of send-raw, and of the others


def _answer(status: str, reason: str | None = None) -> Callable[[RecordedRequest], CannedResponse]:
    def answer(request: RecordedRequest) -> CannedResponse:
        return json_response(
            200,
            [
                {
                    "email": address,
                    "status": status,
                    "_id": fresh("mandrill-"),
                    "reject_reason": reason,
                }
                for address in _recipients(request)
            ],
        )

    return answer


def _envelope(name: str, code: int, text: str) -> object:
    return {"status": "error", "code": code, "name": name, "message": text}


# The names are those of ERROR_MAP in the PyPI package mandrill 1.0.60.
DIALECT = Dialect(
    name="mandrill",
    mail=re.compile(r"^POST .*/api/1\.0/messages/send(-raw|-template)?(\.json)?$"),
    accept=_answer("sent"),
    ping=re.compile(r"^POST .*/api/1\.0/users/ping2(\.json)?$"),
    ping_answer=json_response(200, {"PING": "PONG!"}),
    mail_ids=ids_at(f"message.recipient_metadata.values.{OUR_ID}", f"message.metadata.{OUR_ID}"),
    recipients=_recipients,
    errors={
        **errors(
            _envelope,
            (
                "unavailable",
                503,
                "ServiceUnavailable",
                -98,
                "The subsystem providing this API call is down for maintenance",
            ),
            (
                "internal",
                500,
                "GeneralError",
                -99,
                "An unexpected error occurred processing the request.",
            ),
            ("rate_limited", 429, "ValidationError", -2, "Too many requests"),
            ("auth", 401, "Invalid_Key", -1, "Invalid API key"),
            ("payment", 402, "PaymentRequired", -97, "The requested feature requires payment."),
            (
                "forbidden",
                403,
                "PoorReputation",
                -96,
                "The account's reputation is too low to send",
            ),
            ("suspended", 402, "PaymentRequired", -97, "The account is suspended."),
            ("too_large", 413, "ValidationError", -2, "Message too large"),
            ("not_found", 404, "ValidationError", -2, "Unknown API method"),
        ),
        # A 200 that hides the refusal in the list.
        "sender": _answer("rejected", "unsigned"),
        "quota": _answer("rejected", "test-mode-limit"),
        "bad_recipient": _answer("invalid"),
        "suppressed": _answer("rejected", "hard-bounce"),
    },
)
