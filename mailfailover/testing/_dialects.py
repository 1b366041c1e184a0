"""
How each vendor says yes and no, as data.

Forms and texts follow the vendors' public documentation and clients as of
2026-11; no live vendor was asked.
"""

from __future__ import annotations

import email.utils
import itertools
import re
from typing import TYPE_CHECKING, Any

from ._dialect import Dialect, errors, json_response
from ._http_wire import CannedResponse
from ._request_bodies import find_mail_ids, form_fields, json_fields, message_id_local_part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ._http_wire import RecordedRequest

__all__ = ["DIALECTS"]

_ID = "mailfailover-id"

_numbers = itertools.count(1)


def _unique(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if isinstance(value, str) and value))


def _ids_or_message_id(
    ids: Iterable[Any], headers: Iterable[tuple[str, Any]], request: RecordedRequest
) -> tuple[str, ...]:
    found = _unique(ids)
    if not found:
        found = _unique(
            message_id_local_part(str(value))
            for name, value in headers
            if name.lower() == "message-id"
        )
    return found or find_mail_ids(request)


def _object(value: Any, key: str) -> dict[str, Any]:
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def _objects(value: dict[str, Any], key: str) -> Iterator[dict[str, Any]]:
    entries = value.get(key)
    yield from (
        (entry for entry in entries if isinstance(entry, dict)) if isinstance(entries, list) else ()
    )


def _generic_accept(_: RecordedRequest) -> CannedResponse:
    return json_response(200, {"id": f"generic-{next(_numbers)}"})


def _generic_recipients(request: RecordedRequest) -> tuple[str, ...]:
    to = json_fields(request).get("to") or ()
    entries = [to] if isinstance(to, str) else to
    return _unique(entry.get("email") if isinstance(entry, dict) else entry for entry in entries)


GENERIC = Dialect(
    name="generic",
    mail=re.compile("^(POST|PUT) "),
    accept=_generic_accept,
    recipients=_generic_recipients,
    errors=errors(
        lambda _, text: {"error": text},
        ("unavailable", 503, "Service unavailable"),
        ("internal", 500, "Internal error"),
        ("rate_limited", 429, "Too many requests"),
        ("auth", 401, "Invalid API key"),
        ("payment", 402, "Payment required"),
        ("forbidden", 403, "Account suspended"),
        ("sender", 403, "Sender is not verified"),
        ("quota", 429, "Daily quota exceeded"),
        ("bad_recipient", 400, "Invalid recipient"),
        ("too_large", 413, "Message too large"),
        ("not_found", 404, "Not found"),
    ),
)


def _mailgun_accept(request: RecordedRequest) -> CannedResponse:
    domain = request.path.split("/messages")[0].rpartition("/")[2]
    return json_response(
        200, {"id": f"<{next(_numbers)}.mailgun@{domain}>", "message": "Queued. Thank you."}
    )


def _mailgun_mail_ids(request: RecordedRequest) -> tuple[str, ...]:
    fields = form_fields(request)
    ids = (value for name, value in fields if name == f"v:{_ID}")
    return _ids_or_message_id(
        ids, ((name.removeprefix("h:"), value) for name, value in fields), request
    )


def _mailgun_recipients(request: RecordedRequest) -> tuple[str, ...]:
    lists = [value for name, value in form_fields(request) if name in {"to", "cc", "bcc"}]
    return _unique(address for _, address in email.utils.getaddresses(lists))


# https://documentation.mailgun.com/docs/mailgun/quickstart-guide/responses
MAILGUN = Dialect(
    name="mailgun",
    mail=re.compile(r"^POST .*/v3/[^/]+/messages(\.mime)?$"),
    accept=_mailgun_accept,
    ping=re.compile(r"^GET .*/v[34]/domains/[^/]+$"),
    ping_answer=json_response(200, {"domain": {"name": "example.com", "state": "active"}}),
    mail_ids=_mailgun_mail_ids,
    recipients=_mailgun_recipients,
    errors={
        **errors(
            lambda _, text: {"message": text},
            ("unavailable", 503, "Service Unavailable"),
            ("internal", 500, "Internal Server Error"),
            ("rate_limited", 429, "Too many requests, please try again later."),
            ("auth", 401, "Invalid private key"),
            ("payment", 402, "Payment required"),
            ("forbidden", 403, "Your account is disabled. Please contact support to resolve."),
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
        # The answer of a wrong URL: a success to whoever looks at the status only.
        "wrong_url": CannedResponse(
            200, b"Mailgun Magnificent API", (("Content-Type", "text/plain"),)
        ),
    },
)


def _mandrill_answer(
    status: str, reason: str | None = None
) -> Callable[[RecordedRequest], CannedResponse]:
    def answer(request: RecordedRequest) -> CannedResponse:
        return json_response(
            200,
            [
                {
                    "email": address,
                    "status": status,
                    "_id": f"mandrill-{next(_numbers)}",
                    "reject_reason": reason,
                }
                for address in _mandrill_recipients(request)
            ],
        )

    return answer


def _mandrill_recipients(request: RecordedRequest) -> tuple[str, ...]:
    body = json_fields(request)
    if isinstance(body.get("to"), list):  # send-raw
        return _unique(body["to"])
    return _unique(entry.get("email") for entry in _objects(_object(body, "message"), "to"))


def _mandrill_mail_ids(request: RecordedRequest) -> tuple[str, ...]:
    message = _object(json_fields(request), "message")
    ids = [_object(entry, "values").get(_ID) for entry in _objects(message, "recipient_metadata")]
    return _ids_or_message_id(
        [*ids, _object(message, "metadata").get(_ID)], _object(message, "headers").items(), request
    )


# The names are those of ERROR_MAP in the PyPI package mandrill 1.0.60.
_MANDRILL_NAMES = {
    500: ("GeneralError", -99),
    503: ("ServiceUnavailable", -98),
    401: ("Invalid_Key", -1),
    402: ("PaymentRequired", -97),
    403: ("PoorReputation", -96),
}


def _mandrill_envelope(status: int, text: str) -> Mapping[str, object]:
    name, code = _MANDRILL_NAMES.get(status, ("ValidationError", -2))
    return {"status": "error", "code": code, "name": name, "message": text}


MANDRILL = Dialect(
    name="mandrill",
    mail=re.compile(r"^POST .*/api/1\.0/messages/send(-raw|-template)?(\.json)?$"),
    accept=_mandrill_answer("sent"),
    ping=re.compile(r"^POST .*/api/1\.0/users/ping2(\.json)?$"),
    ping_answer=json_response(200, {"PING": "PONG!"}),
    mail_ids=_mandrill_mail_ids,
    recipients=_mandrill_recipients,
    errors={
        **errors(
            _mandrill_envelope,
            ("unavailable", 503, "The subsystem providing this API call is down for maintenance"),
            ("internal", 500, "An unexpected error occurred processing the request."),
            ("rate_limited", 429, "Too many requests"),
            ("auth", 401, "Invalid API key"),
            ("payment", 402, "The requested feature requires payment."),
            ("forbidden", 403, "The account's reputation is too low to send"),
            ("too_large", 413, "Message too large"),
            ("not_found", 404, "Unknown API method"),
        ),
        # A 200 that hides the refusal in the list.
        "sender": _mandrill_answer("rejected", "unsigned"),
        "quota": _mandrill_answer("rejected", "test-mode-limit"),
        "bad_recipient": _mandrill_answer("invalid"),
        "suppressed": _mandrill_answer("rejected", "hard-bounce"),
    },
)


def _sendgrid_accept(_: RecordedRequest) -> CannedResponse:
    return CannedResponse(202, b"", (("X-Message-Id", f"sendgrid-{next(_numbers)}"),))


def _sendgrid_recipients(request: RecordedRequest) -> tuple[str, ...]:
    return _unique(
        entry.get("email")
        for group in _objects(json_fields(request), "personalizations")
        for key in ("to", "cc", "bcc")
        for entry in _objects(group, key)
    )


def _sendgrid_mail_ids(request: RecordedRequest) -> tuple[str, ...]:
    body = json_fields(request)
    places = [*_objects(body, "personalizations"), body]
    headers = [pair for place in places for pair in _object(place, "headers").items()]
    return _ids_or_message_id(
        [_object(place, "custom_args").get(_ID) for place in places], headers, request
    )


def _sendgrid_envelope(field: str | None = None) -> Callable[[int, str], object]:
    return lambda _, text: {"errors": [{"message": text, "field": field, "help": None}]}


# https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/errors
SENDGRID = Dialect(
    name="sendgrid",
    mail=re.compile(r"^POST .*/v3/mail/send$"),
    accept=_sendgrid_accept,
    ping=re.compile(r"^GET .*/v3/scopes$"),
    ping_answer=json_response(200, {"scopes": ["mail.send"]}),
    mail_ids=_sendgrid_mail_ids,
    recipients=_sendgrid_recipients,
    errors={
        **errors(
            _sendgrid_envelope(),
            ("unavailable", 503, "service unavailable"),
            ("internal", 500, "internal server error"),
            ("rate_limited", 429, "too many requests"),
            ("auth", 401, "The provided authorization grant is invalid, expired, or revoked"),
            ("payment", 402, "payment required"),
            ("forbidden", 403, "access forbidden"),
            ("quota", 401, "Maximum credits exceeded"),
            ("too_large", 413, "The size of the message exceeds the limit"),
            ("not_found", 404, "not found"),
        ),
        "sender": json_response(
            403,
            _sendgrid_envelope("from")(
                403,
                "The from address does not match a verified Sender Identity."
                " Mail cannot be sent until this error is resolved.",
            ),
        ),
        "bad_recipient": json_response(
            400,
            _sendgrid_envelope("personalizations.0.to.0.email")(
                400, "Does not contain a valid address."
            ),
        ),
    },
)

DIALECTS: Mapping[str, Dialect] = {
    dialect.name: dialect for dialect in (GENERIC, MAILGUN, MANDRILL, SENDGRID)
}
