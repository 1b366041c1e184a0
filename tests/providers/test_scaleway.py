"""
Scaleway Transactional Email: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from email.header import decode_header, make_header
from email.utils import getaddresses
from typing import Any

import pytest

from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
    ConfigurationError,
    InvalidMessage,
    OutcomeUnknown,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RecipientRejected,
    RequestRefused,
    SenderRefused,
    SendError,
    UnsupportedFeature,
)
from mailfailover.plugin import (
    Accepted,
    Address,
    Attachment,
    HTTPRequest,
    Message,
    RecipientStatus,
    Response,
)
from mailfailover.providers.scaleway import Scaleway
from mailfailover.testing import PLAIN, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

PROVIDER = Scaleway(secret_key="secret-key", project_id="6170692e")
URL = "https://api.scaleway.com/transactional-email/v1alpha1/regions/fr-par"


def _refusal(status: int, code: str, **fields: Any) -> Response:
    body = {"type": code, "message": "it says why", **fields}
    return Response(status, {}, json.dumps(body).encode())


def _invalid(name: str, reason: str) -> Response:
    detail = {"argument_name": name, "reason": reason, "help_message": "it helps"}
    return _refusal(400, "invalid_arguments", details=[detail])


def _sent(*mails: tuple[str, str, str]) -> Response:
    keys = ("mail_rcpt", "status", "id")
    body = {"emails": [dict(zip(keys, one, strict=True)) for one in mails]}
    return Response(200, {}, json.dumps(body).encode())


SENT = _sent(("ann@example.org", "new", "e1"))

ERRORS: list[tuple[Response, type[SendError]]] = [
    (_invalid("to.0.email", "format"), RecipientRejected),
    (_invalid("bcc", "format"), RecipientRejected),
    (_invalid("to", "constraint"), UnsupportedFeature),
    (_invalid("subject", "constraint"), UnsupportedFeature),
    (_invalid("attachments.0.type", "unknown"), UnsupportedFeature),
    (_invalid("additional_headers", "constraint"), UnsupportedFeature),
    (_invalid("from.email", "constraint"), SenderRefused),
    (_invalid("project_id", "required"), RequestRefused),
    (_refusal(400, "invalid_arguments", details=[None]), RequestRefused),
    (_refusal(400, "invalid_arguments", details="none"), RequestRefused),
    (_refusal(401, "denied_authentication", method="api_key"), AuthenticationFailed),
    (_refusal(403, "permissions_denied"), AuthenticationFailed),
    (_refusal(403, "quotas_exceeded"), QuotaExceeded),
    (_refusal(403, "locked"), AccountSuspended),
    (_refusal(404, "not_found"), RequestRefused),
    (_refusal(409, "transient_state"), ProviderUnavailable),
    (_refusal(412, "precondition_failed"), RequestRefused),
    (_refusal(413, "too_large"), UnsupportedFeature),
    (_refusal(429, "too_many_requests"), RateLimited),
    (_refusal(500, "internal"), ProviderUnavailable),
    (Response(503, {}, b'{"message": "service unavailable"}'), ProviderUnavailable),
    (Response(503, {}, b'{"message": null}'), OutcomeUnknown),
    (_refusal(504, "gateway_timeout"), OutcomeUnknown),
    (_sent(("ann@example.org", "failed", "e1")), RequestRefused),
    (_sent(), OutcomeUnknown),
    (Response(200, {}, b'{"emails": [{"id": "e1"}]}'), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = PROVIDER
    accepted = SENT
    accepted_id = "e1"
    errors = ERRORS
    message = PLAIN.replace(cc="bob@example.net")
    partial = (
        (
            _sent(("Ann@example.org", "sent", "e1"), ("bob@example.net", "canceled", "e2")),
            Accepted(
                "e1",
                {
                    "ann@example.org": RecipientStatus.ACCEPTED,
                    "bob@example.net": RecipientStatus.REFUSED,
                },
                {"ann@example.org": "e1", "bob@example.net": "e2"},
            ),
        ),
        (
            _sent(("ann@example.org", "sending", "e1"), ("else@example.net", "unknown", "e2")),
            Accepted(
                "e1",
                {
                    "ann@example.org": RecipientStatus.QUEUED,
                    "else@example.net": RecipientStatus.ACCEPTED,
                },
                {"ann@example.org": "e1", "else@example.net": "e2"},
            ),
        ),
    )


class TestRoundTrip(RoundTrip):
    provider = PROVIDER

    def expected(self, message: Message) -> Message:
        """
        Scaleway gives each mail a Message-ID of its own.
        """
        headers = {name: v for name, v in message.headers.items() if name.lower() != "message-id"}
        return message.bound(headers=headers)

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        body = read_json(request)
        headers = {one["key"]: one["value"] for one in body.get("additional_headers", ())}
        headers.pop("X-Mailfailover-Id")
        reply_to = getaddresses([headers.pop("Reply-To", "")])
        return {
            "from_email": Address(**body["from"]),
            **{
                kind: [Address(**one) for one in body.get(kind, ())] for kind in ("to", "cc", "bcc")
            },
            "reply_to": [Address(email, _text(name)) for name, email in reply_to if email],
            **{name: body.get(name, "") for name in ("subject", "text", "html")},
            "headers": {name: _text(value) for name, value in headers.items()},
            "attachments": [
                Attachment(one["name"], b64decode(one["content"]), one["type"])
                for one in body.get("attachments", ())
            ],
        }


def _text(value: str) -> str:
    return str(make_header(decode_header(value)))


PLAIN_BODY: dict[str, Any] = {
    "project_id": "6170692e",
    "from": {"email": "shop@example.com", "name": "The Shop"},
    "to": [{"email": "ann@example.org", "name": "Ann"}],
    "subject": "Your order",
    "text": "It is on its way.\n",
    "additional_headers": [{"key": "X-Mailfailover-Id", "value": "plain"}],
}


def test_plain_mail() -> None:
    """
    A mail is a JSON document.
    """
    request = PROVIDER.build_request(PLAIN)

    assert ("POST", f"{URL}/emails", "secret-key") == (
        request.method,
        request.url,
        request.headers["X-Auth-Token"],
    )
    assert PLAIN_BODY == read_json(request)


def test_every_header_is_ascii() -> None:
    """
    Headers, Reply-To among them, are encoded here.
    """
    message = PLAIN.replace(
        reply_to=("help@example.com", Address("cat@example.edu", "Cät")), headers={"X-Order": "für"}
    )

    assert read_json(PROVIDER.build_request(message)) == {
        **PLAIN_BODY,
        "additional_headers": [
            {"key": "X-Mailfailover-Id", "value": "plain"},
            {"key": "X-Order", "value": "=?utf-8?q?f=C3=BCr?="},
            {
                "key": "Reply-To",
                "value": "help@example.com, =?utf-8?q?C=C3=A4t?= <cat@example.edu>",
            },
        ],
    }


def test_options_are_laid_over() -> None:
    """
    Options extend what is there.
    """
    options = {"send_before": "2026-12-24T18:00:00Z"}
    message = PLAIN.replace(provider_options={"scaleway": options})

    assert read_json(PROVIDER.build_request(message)) == {**PLAIN_BODY, **options}


@each("name", ["from", "to", "cc", "bcc", "project_id"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"scaleway": {name: {}}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        PROVIDER.build_request(message)


def test_ping() -> None:
    """
    A ping reads the domains of the region.
    """
    request = replace(PROVIDER, region="nl-ams").build_ping()

    assert (
        "GET",
        f"{URL.replace('fr-par', 'nl-ams')}/domains",
        {"X-Auth-Token": "secret-key"},
    ) == (
        request.method,
        request.url,
        request.headers,
    )


def test_region_is_a_name() -> None:
    """
    A region that would change the path is refused when it is given.
    """
    with pytest.raises(ConfigurationError, match="region of scaleway is no name"):
        replace(PROVIDER, region="fr-par/emails")


def test_fault_is_told() -> None:
    """
    The argument at fault stands in the error's text.
    """
    error = PROVIDER.classify_error(_invalid("to.0.email", "format"), PLAIN)

    assert str(error) == "HTTP 400 invalid_arguments: to.0.email: format it helps"
