"""
Postal: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest

from mailfailover import ProviderChain
from mailfailover._chain.ping import ping
from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
    ConfigurationError,
    InvalidMessage,
    OutcomeUnknown,
    RequestRefused,
    SenderRefused,
    SendError,
)
from mailfailover.plugin import Accepted, HTTPRequest, RecipientStatus, Response
from mailfailover.providers.postal import Postal
from mailfailover.testing import PLAIN, RICH, FakeTransport, ProviderContract
from tests.providers.bodies import as_mime, read_blind, read_json, read_mime
from tests.providers.round_trip import RoundTrip
from tests.samples import each

POSTAL = Postal(api_key="secret-key", base_url="https://postal.example.com")


def _answer(status: str, data: object, code: int = 200) -> Response:
    body = {"status": status, "time": 0.02, "flags": {}, "data": data}
    return Response(code, {}, json.dumps(body).encode())


def _refusal(code: str, **more: str) -> Response:
    return _answer("error", {**more, "code": code})


def _taken(*emails: str) -> Response:
    messages = {email: {"id": 7 + n, "token": "abc"} for n, email in enumerate(emails)}
    return _answer("success", {"message_id": "plain@example.com", "messages": messages})


SENT = _taken("ann@example.org")
ERRORS: list[tuple[Response, type[SendError]]] = [
    (_refusal("AccessDenied", message="Must be authenticated"), AuthenticationFailed),
    (_refusal("InvalidServerAPIKey", token="secret-key"), AuthenticationFailed),
    (_refusal("ServerSuspended"), AccountSuspended),
    (_refusal("UnauthenticatedFromAddress"), SenderRefused),
    (_refusal("NeverDocumented"), RequestRefused),
    (_answer("parameter-error", {"message": "`data` parameter is required"}), RequestRefused),
    (_answer("error", []), RequestRefused),
    (_answer("success", {"message_id": None, "messages": {}}), OutcomeUnknown),
    (Response(500, {}, b"<html></html>"), OutcomeUnknown),
    (_answer("error", {"code": "NeverDocumented"}, 503), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = POSTAL
    accepted = SENT
    accepted_id = "7"
    errors = ERRORS
    partial = (
        (SENT, Accepted("7", {}, {"ann@example.org": "7"})),
        (
            _taken("bob@example.net"),
            Accepted("7", {"ann@example.org": RecipientStatus.UNKNOWN}, {"bob@example.net": "7"}),
        ),
    )


class TestRoundTrip(RoundTrip):
    provider = POSTAL

    expected = staticmethod(as_mime)

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        body = read_json(request)
        fields = read_blind(read_mime(b64decode(body["data"])), tuple(body["rcpt_to"]))
        assert body["mail_from"] == fields["from_email"].email
        return fields | {"tags": fields["headers"].pop("X-Postal-Tag", ())}


def test_plain_mail() -> None:
    """
    A mail is its envelope and its MIME text, the key a header.
    """
    request = POSTAL.build_request(PLAIN)
    body = read_json(request)
    data = b64decode(body.pop("data"))

    assert ("POST", "https://postal.example.com/api/v1/send/raw", "secret-key") == (
        request.method,
        request.url,
        request.headers["X-Server-API-Key"],
    )
    assert body == {"mail_from": "shop@example.com", "rcpt_to": ["ann@example.org"]}
    assert data.startswith(b"From: The Shop <shop@example.com>\r\nTo: Ann <ann@example.org>\r\n")


def test_everybody_is_in_the_envelope() -> None:
    """
    To, cc and bcc get the mail, and it shows no bcc.
    """
    body = read_json(POSTAL.build_request(RICH))

    assert body["rcpt_to"] == [
        "ann@example.org",
        "bob@example.net",
        "cat@example.edu",
        "dan@example.org",
    ]
    assert b"dan@example.org" not in b64decode(body["data"])


def test_each_recipient_has_an_id() -> None:
    """
    The server keeps a mail for each recipient, under an id of its own.
    """
    accepted = POSTAL.parse_response(_taken("ann@example.org", "bob@example.net"), RICH)

    assert {"ann@example.org": "7", "bob@example.net": "8"} == accepted.message_ids


def test_options() -> None:
    """
    A mail can be marked as a bounce.
    """
    message = PLAIN.replace(provider_options={"postal": {"bounce": True}})

    assert read_json(POSTAL.build_request(message))["bounce"] is True


@each("name", ["data", "mail_from", "rcpt_to"])
def test_options_stay_in_their_bounds(name: str) -> None:
    """
    Options cannot change who gets the mail, who sends it and what it is.
    """
    message = PLAIN.replace(provider_options={"postal": {name: "eve@example.com"}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}"):
        POSTAL.build_request(message)


def test_server_is_required() -> None:
    """
    There is no server but one's own, so a DSN names it.
    """
    assert POSTAL == ProviderChain("postal://secret-key@postal.example.com").links[0].provider

    with pytest.raises(ConfigurationError, match="postal"):
        ProviderChain("postal://secret-key@default")


@each(
    ("response", "kind"),
    [
        (_refusal("MessageNotFound"), type(None)),
        (_refusal("InvalidServerAPIKey"), AuthenticationFailed),
        (Response(200, {}, b"<html></html>"), OutcomeUnknown),
    ],
)
def test_ping_looks_into_the_answer(response: Response, kind: type) -> None:
    """
    A server that does not find message 0 knows the key; any other answer is no proof of it.
    """
    transport = FakeTransport(response)
    chain = ProviderChain(POSTAL, transport=transport)

    answer = ping(chain.links[0], chain.transport, 1.0)

    assert (kind is type(None), kind) == (answer.ok, type(answer.error))
    (request,) = transport.requests
    assert isinstance(request, HTTPRequest)
    assert {"id": "0"} == read_json(request)
