"""
How ZeptoMail answers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._request_bodies import addresses, ids_at

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import CannedResponse, RecordedRequest

__all__ = ["DIALECT"]

_recipients = addresses("to|cc|bcc.email_address.address")


def _accept(_: RecordedRequest) -> CannedResponse:
    data = [{"code": "EM_104", "additional_info": [], "message": "Email request received"}]
    answer = {"data": data, "message": "OK", "request_id": fresh("2d6f."), "object": "email"}
    return json_response(201, answer)


def _refusal(request: RecordedRequest) -> str:
    return "" if _recipients(request) else "nobody"


def _error(code: str, *detail: str) -> object:
    names = ("code", "message", "target")
    details = [dict(zip(names, detail, strict=False))] if detail else []
    error = {"code": code, "message": "Access Denied", "details": details}
    return {"error": error, "request_id": "2d6f.1"}


DIALECT = Dialect(
    name="zeptomail",
    mail=re.compile(r"^POST .*/v1\.1/email(/template)?$"),
    accept=_accept,
    mail_ids=ids_at("client_reference"),
    recipients=_recipients,
    refusal=_refusal,
    errors=errors(
        _error,
        ("unavailable", 503, "TM_9999"),
        ("internal", 500, "TM_9999"),
        ("rate_limited", 429, "TM_9999"),
        ("auth", 403, "TM_3601", "SERR_156", "Invalid API Token found"),
        ("suspended", 403, "TM_3601", "SM_133", "The account is blocked"),
        ("quota", 400, "TM_3501", "LE_101", "Credits expired"),
        ("sender", 401, "TM_4001", "SM_111", "Sender domain is not verified", "from"),
        ("bad_recipient", 400, "TM_4001", "SM_113", "Invalid email address", "to"),
        ("nobody", 400, "TM_3201", "GE_102", "Mandatory field is missing", "to"),
        ("too_large", 413, "TM_3301"),
        ("not_found", 404, "TM_3201"),
    ),
)
