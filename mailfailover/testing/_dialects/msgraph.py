"""
How Microsoft Graph answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, json_response
from mailfailover.testing._http_wire import CannedResponse
from mailfailover.testing._request_bodies import from_base64, mail_ids_in, mime_recipients

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import RecordedRequest

__all__ = ["DIALECT"]


def _accept(_: RecordedRequest) -> CannedResponse:
    return CannedResponse(202, b"", ())


def _recipients(request: RecordedRequest) -> tuple[str, ...]:
    return mime_recipients(from_base64(request.body))


def _mail_ids(request: RecordedRequest) -> tuple[str, ...]:
    return mail_ids_in(from_base64(request.body))


DIALECT = Dialect(
    name="msgraph",
    mail=re.compile(r"^POST .*/v1\.0/(me|users/[^/]+)/sendMail$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/v1\.0/me$"),
    ping_answer=json_response(200, {"id": "0b7a1c2d"}),
    recipients=_recipients,
    mail_ids=_mail_ids,
    errors=errors(
        lambda code, text: {"error": {"code": code, "message": text, "innerError": {}}},
        ("unavailable", 503, "ServiceUnavailable", "The service is unavailable."),
        ("internal", 500, "ErrorInternalServerError", "An internal server error occurred."),
        ("rate_limited", 429, "ApplicationThrottled", "Application is over its limit."),
        ("auth", 401, "InvalidAuthenticationToken", "Access token has expired."),
        ("suspended", 403, "ErrorAccountSuspend", "Account is suspended."),
        ("quota", 400, "ErrorExceededMessageLimit", "The message limit is exceeded."),
        ("sender", 403, "ErrorAccessDenied", "Access is denied."),
        ("bad_recipient", 400, "ErrorInvalidRecipients", "At least one recipient is not valid."),
        ("too_large", 413, "RequestEntityTooLarge", "The request is too large."),
        ("not_found", 404, "UnknownUrl", "There is no such address."),
    ),
)
