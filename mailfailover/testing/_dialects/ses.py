"""
How Amazon SES answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import GATEWAY_PAGES, Dialect, fresh, json_response
from mailfailover.testing._request_bodies import addresses

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]


def _accept(_: RecordedRequest) -> CannedResponse:
    return json_response(200, {"MessageId": fresh("0102018f-")})


def _error(status: int, kind: str, text: str) -> CannedResponse:
    value = f"{kind}:http://internal.amazon.com/coral/com.amazonaws.sesv2/"
    return json_response(status, {"message": text}, ("x-amzn-ErrorType", value))


_UNVERIFIED = (
    "Email address is not verified. The following identities failed the check in region "
    "EU-WEST-1: shop@example.com"
)

DIALECT = Dialect(
    name="ses",
    mail=re.compile(r"^POST .*/v2/email/outbound-emails$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/v2/email/account$"),
    ping_answer=json_response(200, {"SendingEnabled": True, "ProductionAccessEnabled": True}),
    recipients=addresses("Destination.ToAddresses|CcAddresses|BccAddresses"),
    errors={
        **GATEWAY_PAGES,
        "unavailable": _error(503, "ServiceUnavailableException", "Service Unavailable"),
        "internal": _error(500, "InternalServerErrorException", "Internal error"),
        "rate_limited": _error(429, "TooManyRequestsException", "Too many requests"),
        "auth": _error(
            403, "UnrecognizedClientException", "The security token in the request is invalid."
        ),
        "suspended": _error(400, "AccountSuspendedException", "The account is suspended"),
        "quota": _error(429, "TooManyRequestsException", "Daily message quota exceeded."),
        "sender": _error(400, "MessageRejected", _UNVERIFIED),
        "bad_recipient": _error(400, "BadRequestException", "Illegal address"),
        "too_large": _error(413, "RequestEntityTooLarge", "The request is too large"),
        "not_found": _error(404, "NotFoundException", "There is no such operation"),
    },
)
