"""
How Cloudflare Email Service answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import addresses

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]

_recipients = addresses("to|cc|bcc.address", "recipients")


def _accept(request: RecordedRequest) -> CannedResponse:
    result = {
        "message_id": f"<{fresh()}@cloudflare-email.net>",
        "delivered": [],
        "queued": _recipients(request),
        "permanent_bounces": [],
        "suppressed_recipients": [],
    }
    return json_response(200, _envelope(success=True, result=result))


def _envelope(*problems: dict[str, object], success: bool, result: object = None) -> object:
    return {"success": success, "errors": problems, "messages": [], "result": result}


def _error(code: int, text: str) -> object:
    return _envelope({"code": code, "message": f"email.sending.error.{text}"}, success=False)


DIALECT = Dialect(
    name="cloudflare",
    mail=re.compile(r"^POST .*/client/v4/accounts/[^/]+/email/sending/send(_raw)?$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/client/v4/accounts/[^/]+/email/sending/suppressions$"),
    ping_answer=json_response(200, _envelope(success=True, result=[])),
    recipients=_recipients,
    errors=errors(
        _error,
        ("unavailable", 503, 10002, "internal_server"),
        ("internal", 500, 10002, "internal_server"),
        ("rate_limited", 429, 10004, "throttled"),
        ("auth", 401, 10101, "authentication.unauthorized"),
        ("suspended", 403, 10105, "authentication.not_entitled"),
        ("sender", 403, 10203, "email.sending_disabled"),
        ("suppressed", 400, 10299, "recipient_suppressed"),
        ("too_large", 400, 10200, "email.too_big"),
        ("not_found", 404, 7003, "not_found"),
    ),
)
