"""
SocketLabs: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import replace
from email.header import decode_header, make_header
from typing import Any

import pytest

from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
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
from mailfailover.providers.socketlabs import SocketLabs
from mailfailover.testing import PLAIN, SAMPLES, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

PROVIDER = SocketLabs(api_key="secret-key", server_id="12345", webhook_secret="secret-hook")
NEW_KEY = "abcdefghijklmnopqrst.abcdefghijklmnopqrstabcdefghijklmnopqrst"


def _answer(status: int, code: Any, results: Any = None) -> Response:
    body = {"ErrorCode": code, "TransactionReceipt": "r1", "MessageResults": results}
    return Response(status, {}, json.dumps(body).encode())


def _warning(code: Any, *refused: Any) -> Response:
    addresses = [
        {"EmailAddress": email, "Accepted": False, "ErrorCode": "InvalidAddress"}
        if isinstance(email, str)
        else email
        for email in refused
    ]
    result = {"Index": 0, "ErrorCode": code, "AddressResults": addresses or None}
    return _answer(200, "Warning", [result])


ERRORS: list[tuple[Response, type[SendError]]] = [
    (_answer(401, "InvalidAuthentication"), AuthenticationFailed),
    (_answer(401, "AccountDisabled"), AccountSuspended),
    (_answer(408, "Timeout"), OutcomeUnknown),
    (_answer(429, "SomethingElse"), RateLimited),
    (_answer(500, "InternalError"), ProviderUnavailable),
    (_answer(500, "UnknownError"), OutcomeUnknown),
    (_answer(500, "not a code"), OutcomeUnknown),
    (_answer(400, "InvalidData"), RequestRefused),
    (_answer(400, "SomethingElse"), RequestRefused),
    # A success that hides a failure.
    (_answer(200, "InvalidAuthentication"), AuthenticationFailed),
    (_answer(200, "AccountDisabled"), AccountSuspended),
    (_answer(200, "OverQuota"), QuotaExceeded),
    (_answer(200, "InternalError"), ProviderUnavailable),
    (_answer(200, "TooManyMessages"), UnsupportedFeature),
    (_answer(200, "NoValidRecipients"), RecipientRejected),
    (_answer(200, "SomethingElse"), OutcomeUnknown),
    (_answer(200, 3), OutcomeUnknown),
    (_answer(200, "Success", [{"ErrorCode": "SomethingElse"}]), OutcomeUnknown),
    (_warning("InvalidFrom"), SenderRefused),
    (_warning("NoValidRecipients"), RecipientRejected),
    (_warning("MessageTooLarge"), UnsupportedFeature),
    (_warning("EmptySubject"), UnsupportedFeature),
    (_warning("InvalidAddress", "ann@example.org", "bob@example.net"), RecipientRejected),
    (_warning("InvalidAddress", 3), OutcomeUnknown),
    (_warning("InvalidAddress"), OutcomeUnknown),
    (Response(200, {}, b'{"ErrorCode": "Success"}'), OutcomeUnknown),
]

BOTH = PLAIN.replace(cc=("bob@example.net",))


class TestContract(ProviderContract):
    provider = PROVIDER
    accepted = _answer(200, "Success", [])
    accepted_id = "r1"
    errors = ERRORS
    message = BOTH
    merge = SAMPLES["merge_html"]
    partial = (
        (
            _warning("InvalidAddress", "Bob@example.net", {"EmailAddress": "x", "Accepted": True}),
            Accepted("r1", {"bob@example.net": RecipientStatus.INVALID}),
        ),
        (
            _warning("InvalidAddress", "bob@example.net", {"Accepted": False}),
            Accepted(
                "r1",
                {
                    "ann@example.org": RecipientStatus.UNKNOWN,
                    "bob@example.net": RecipientStatus.INVALID,
                },
            ),
        ),
    )
    batch = (
        (_answer(200, "Success"), (Accepted("r1"),) * 3),
        (
            _warning("InvalidAddress", "bob@example.net"),
            (Accepted("r1"), RecipientRejected, Accepted("r1")),
        ),
        (
            _warning("InvalidAddress", "else@example.net"),
            tuple(
                Accepted("r1", {address.email: RecipientStatus.UNKNOWN})
                for address in SAMPLES["merge"].to
            ),
        ),
    )


def _address(one: dict[str, str]) -> Address:
    return Address(one["emailAddress"], one.get("friendlyName", ""))


def _decoded(mail: dict[str, Any]) -> dict[str, Any]:
    return {
        "from_email": _address(mail["from"]),
        **{kind: [_address(one) for one in mail.get(kind, ())] for kind in ("to", "cc", "bcc")},
        "reply_to": [_address(mail["replyTo"])] if "replyTo" in mail else [],
        "subject": mail["subject"],
        "text": mail.get("textBody", ""),
        "html": mail.get("htmlBody", ""),
        "headers": {
            one["name"]: str(make_header(decode_header(one["value"])))
            for one in mail.get("customHeaders", ())
        },
        "attachments": [
            Attachment(
                one["name"],
                b64decode(one["content"]),
                one["contentType"],
                one.get("contentId", ""),
            )
            for one in mail.get("attachments", ())
        ],
        "tags": mail.get("tags", ()),
        "metadata": {one["key"]: one["value"] for one in mail.get("metadata", ())},
    }


def _filled(value: Any, data: dict[str, str]) -> Any:
    if isinstance(value, str):
        return re.sub(r"%%(\w+)%%", lambda found: data[found[1]], value)
    if isinstance(value, list):
        return [_filled(one, data) for one in value]
    if isinstance(value, dict):
        return {name: _filled(one, data) for name, one in value.items()}
    return value


class TestRoundTrip(RoundTrip):
    provider = PROVIDER

    def expected(self, message: Message) -> Message:
        """
        SocketLabs gives each mail a Message-ID of its own.
        """
        headers = {name: v for name, v in message.headers.items() if name.lower() != "message-id"}
        return message.bound(headers=headers)

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        (mail,) = read_json(request)["messages"]
        assert "mergeData" not in mail

        return _decoded(mail)

    def decode_batch(self, request: HTTPRequest) -> list[dict[str, Any]]:
        (mail,) = read_json(request)["messages"]
        rows = mail.pop("mergeData")["perMessage"]
        return [
            _decoded(_filled(mail, {one["field"]: one["value"] for one in row})) for row in rows
        ]


PLAIN_MAIL: dict[str, Any] = {
    "from": {"emailAddress": "shop@example.com", "friendlyName": "The Shop"},
    "to": [{"emailAddress": "ann@example.org", "friendlyName": "Ann"}],
    "subject": "Your order",
    "textBody": "It is on its way.\n",
    "messageId": "plain",
}


def test_plain_mail() -> None:
    """
    A mail is a JSON document, with a key of the older form in it.
    """
    request = PROVIDER.build_request(PLAIN)

    assert ("POST", "https://inject.socketlabs.com/api/v1/email") == (request.method, request.url)
    assert {"serverId": "12345", "apiKey": "secret-key", "messages": [PLAIN_MAIL]} == read_json(
        request
    )


def test_new_key_goes_into_a_header() -> None:
    """
    A key of the newer form is no part of the document.
    """
    request = replace(PROVIDER, api_key=lambda: NEW_KEY).build_request(PLAIN)

    assert f"Bearer {NEW_KEY}" == request.headers["Authorization"]
    assert {"serverId": "12345", "messages": [PLAIN_MAIL]} == read_json(request)


MERGE = SAMPLES["merge"].replace(
    html="<p>{{name}}</p>",
    headers={"X-Order": "{{order}}"},
    unsubscribe=("https://example.com/{{order}}",),
)


def test_merge() -> None:
    """
    A merge is one mail whose fields have numbers for names.
    """
    (mail,) = read_json(PROVIDER.build_batch(MERGE))["messages"]

    assert [{"emailAddress": "%%DeliveryAddress%%", "friendlyName": "%%RecipientName%%"}] == (
        mail["to"]
    )
    assert (
        "Order %%Field1%%",
        "Dear %%Field0%%, order %%Field1%% is on its way.\n",
        "<p>%%Field2%%</p>",
    ) == (mail["subject"], mail["textBody"], mail["htmlBody"])
    assert {"name": "X-Order", "value": "%%Field3%%"} == mail["customHeaders"][0]
    assert {one["field"]: one["value"] for one in mail["mergeData"]["perMessage"][1]} == {
        "DeliveryAddress": "bob@example.net",
        "RecipientName": "Bob",
        "Field0": "Bob & Sons",
        "Field1": "2",
        "Field2": "Bob &amp; Sons",
        "Field3": "2",
        "Field4": "<https://example.com/2>",
        "Field5": "List-Unsubscribe=One-Click",
    }


@each(
    "fields",
    [
        {"text": "Dear {{name}}, 100%% off"},
        {"html": "<p>%{{name}}</p>"},
        {"subject": "{{name}}%"},
        {"merge_data": {"ann@example.org": {"name": "%%Field1%%"}}},
        {"to": Address("ann@example.org", "100%%")},
        {"from_email": Address("shop@example.com", "100%%")},
        {"reply_to": Address("shop@example.com", "100%%")},
        {"tags": "100%%"},
        {"metadata": {"order": "100%%"}},
    ],
)
def test_what_marks_a_field_is_refused(fields: dict[str, Any]) -> None:
    """
    In a merge two percent signs would be filled in.
    """
    message = PLAIN.replace(
        **{"text": "Dear {{name}}", "merge_data": {"ann@example.org": {"name": "Ann"}}, **fields}
    )

    with pytest.raises(UnsupportedFeature) as caught:
        PROVIDER.build_batch(message)

    assert ("MERGE",) == caught.value.features


def test_percent_signs_elsewhere() -> None:
    """
    Without a merge they are words like others.
    """
    (mail,) = read_json(PROVIDER.build_request(PLAIN.replace(text="%%Field1%%")))["messages"]

    assert "%%Field1%%" == mail["textBody"]


def test_options_are_laid_over() -> None:
    """
    Options extend the mail.
    """
    message = PLAIN.replace(provider_options={"socketlabs": {"mailingId": "news"}})

    assert [{**PLAIN_MAIL, "mailingId": "news"}] == read_json(PROVIDER.build_request(message))[
        "messages"
    ]


@each("name", ["from", "to", "cc", "bcc", "mergeData"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"socketlabs": {name: ""}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        PROVIDER.build_request(message)


def test_ping() -> None:
    """
    Whoever knows the key is told that there is nothing to send.
    """
    request = PROVIDER.build_ping()

    assert {"serverId": "12345", "apiKey": "secret-key", "messages": []} == read_json(request)
    PROVIDER.parse_ping(_answer(200, "NoMessages"))
    PROVIDER.parse_ping(_answer(400, "NoMessages"))
    with pytest.raises(AuthenticationFailed):
        PROVIDER.parse_ping(_answer(200, "InvalidAuthentication"))
