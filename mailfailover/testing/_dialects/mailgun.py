"""
How Mailgun answers.
"""

from __future__ import annotations

import email.utils
import re
from typing import TYPE_CHECKING

from mailfailover.testing._dialect import Dialect, errors, fresh, json_response
from mailfailover.testing._http_wire import CannedResponse
from mailfailover.testing._request_bodies import (
    OUR_ID,
    find_mail_ids,
    form_fields,
    message_id_local_part,
    unique,
)

if TYPE_CHECKING:
    from mailfailover.testing._http_wire import RecordedRequest

__all__ = ["DIALECT"]


def _accept(request: RecordedRequest) -> CannedResponse:
    domain = request.path.split("/messages")[0].rpartition("/")[2]
    return json_response(
        200, {"id": f"<{fresh()}.mailgun@{domain}>", "message": "Queued. Thank you."}
    )


def _mail_ids(request: RecordedRequest) -> tuple[str, ...]:
    fields = dict(form_fields(request))
    message_id = message_id_local_part(fields.get("h:Message-Id", ""))
    return unique((fields.get(f"v:{OUR_ID}") or message_id,)) or find_mail_ids(request)


def _recipients(request: RecordedRequest) -> tuple[str, ...]:
    lists = [value for name, value in form_fields(request) if name in {"to", "cc", "bcc"}]
    return unique(address for _, address in email.utils.getaddresses(lists))


# https://documentation.mailgun.com/docs/mailgun/quickstart-guide/responses
DIALECT = Dialect(
    name="mailgun",
    mail=re.compile(r"^POST .*/v3/[^/]+/messages(\.mime)?$"),
    accept=_accept,
    ping=re.compile(r"^GET .*/v[34]/domains/[^/]+$"),
    ping_answer=json_response(200, {"domain": {"name": "example.com", "state": "active"}}),
    mail_ids=_mail_ids,
    recipients=_recipients,
    errors={
        **errors(
            lambda text: {"message": text},
            ("unavailable", 503, "Service Unavailable"),
            ("internal", 500, "Internal Server Error"),
            ("rate_limited", 429, "Too many requests, please try again later."),
            ("auth", 401, "Invalid private key"),
            ("payment", 402, "Payment required"),
            ("forbidden", 403, "Your account is disabled. Please contact support to resolve."),
            ("suspended", 403, "Your account is disabled. Please contact support to resolve."),
            (
                "sender",
                403,
                "The domain is unverified and requires DNS configuration.",
            ),
            ("quota", 403, "Domain example.com is not allowed to send: recipient limit exceeded"),
            (
                "bad_recipient",
                400,
                "to parameter is not a valid address. please check documentation",
            ),
            ("too_large", 413, "Message size exceeds the limit"),
            ("not_found", 404, "Domain not found: example.com"),
        ),
        # The answer of a wrong URL, which by its status alone looks like a success.
        "wrong_url": CannedResponse(
            200, b"Mailgun Magnificent API", (("Content-Type", "text/plain"),)
        ),
    },
)
