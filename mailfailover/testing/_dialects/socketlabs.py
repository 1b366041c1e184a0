"""
How SocketLabs answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import (
    addresses,
    ids_at,
    json_value,
    unique,
    values_at,
)

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]

_named = addresses("messages.to|cc|bcc.emailAddress")


def _accept(_: RecordedRequest) -> CannedResponse:
    return json_response(200, _envelope("Success", fresh("receipt-")))


def _recipients(request: RecordedRequest) -> tuple[str, ...]:
    fields = values_at(json_value(request), "messages.mergeData.perMessage")
    merged = unique(
        one.get("value")
        for one in fields
        if isinstance(one, dict) and one.get("field") == "DeliveryAddress"
    )
    return merged or _named(request)


def _refusal(request: RecordedRequest) -> str:
    return "" if any(values_at(json_value(request), "messages")) else "nothing"


def _envelope(code: str, receipt: str = "", *results: object) -> object:
    return {"ErrorCode": code, "TransactionReceipt": receipt, "MessageResults": results}


# Errors of a single mail come with status 200.
DIALECT = Dialect(
    name="socketlabs",
    mail=re.compile(r"^POST .*/api/v1/email$"),
    accept=_accept,
    mail_ids=ids_at("messages.messageId"),
    recipients=_recipients,
    refusal=_refusal,
    errors={
        **errors(
            _envelope,
            ("unavailable", 503, "InternalError"),
            ("internal", 500, "InternalError"),
            ("rate_limited", 429, "TooManyRequests"),
            ("auth", 401, "InvalidAuthentication"),
            ("suspended", 401, "AccountDisabled"),
            ("quota", 200, "OverQuota"),
            ("bad_recipient", 200, "NoValidRecipients"),
            ("nothing", 200, "NoMessages"),
            ("too_large", 413, "MessageTooLarge"),
            ("not_found", 404, "NotFound"),
        ),
        "sender": json_response(
            200,
            _envelope(
                "Warning", "", {"Index": 0, "ErrorCode": "InvalidFrom", "AddressResults": None}
            ),
        ),
    },
)
