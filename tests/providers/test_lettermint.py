"""
Lettermint: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64decode
from dataclasses import replace
from datetime import datetime
from email.header import decode_header, make_header
from typing import Any

import pytest

from mailfailover.errors import (
    AuthenticationFailed,
    InvalidMessage,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
    RecipientRejected,
    RecipientSuppressed,
    RequestRefused,
    SenderRefused,
    SendError,
    UnsupportedFeature,
)
from mailfailover.plugin import Accepted, Address, Attachment, HTTPRequest, Message, Response
from mailfailover.providers.lettermint import Lettermint
from mailfailover.testing import PLAIN, SAMPLES, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

PROVIDER = Lettermint(api_token="secret-token", webhook_secret="secret-hook")


def _answer(status: int, body: object) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def _invalid(name: str, text: str) -> Response:
    return _answer(422, {"message": text, "errors": {name: [text]}})


def _refusal(status: int, code: str, text: str = "No.") -> Response:
    return _answer(status, {"error": {"code": code, "message": text}})


def _sent(mail_id: str, status: str = "pending") -> dict[str, str]:
    return {"message_id": mail_id, "status": status}


BAD_EMAIL = "The field must be a valid email address."
USED_KEY = "This idempotency key has already been used on a request with a different payload."

ERRORS: list[tuple[Response, type[SendError]]] = [
    (_invalid("to.0", BAD_EMAIL), RecipientRejected),
    (_invalid("bcc.1", BAD_EMAIL), RecipientRejected),
    (_invalid("to", "There are too many."), UnsupportedFeature),
    (_invalid("text", "It must have 3 characters."), UnsupportedFeature),
    (_invalid("attachments.0.filename", "It has a blocked type."), UnsupportedFeature),
    (_invalid("from", "The domain is not verified."), SenderRefused),
    (_invalid("route", "There is no such route."), RequestRefused),
    (_answer(422, {"message": USED_KEY}), OutcomeUnknown),
    (_answer(422, {"message": "No.", "errors": ["to.0"]}), RequestRefused),
    (_answer(422, {"message": "No.", "errors": {"to.0": BAD_EMAIL}}), RequestRefused),
    (_refusal(409, "invalid_idempotent_request"), OutcomeUnknown),
    (_refusal(409, "concurrent_idempotent_requests"), OutcomeUnknown),
    (_refusal(401, "UNAUTHORIZED"), AuthenticationFailed),
    (_refusal(403, "FORBIDDEN"), AuthenticationFailed),
    (_refusal(404, "NOT FOUND"), RequestRefused),
    (_answer(401, {"error": "unauthenticated"}), AuthenticationFailed),
    (_answer(429, {"message": "Too Many Attempts."}), RateLimited),
    (_answer(500, {"message": "Server Error"}), ProviderUnavailable),
    (_answer(503, {"error": "maintenance"}), ProviderUnavailable),
    (_answer(503, {"error": 3}), OutcomeUnknown),
    # A success that hides a failure.
    (_answer(202, _sent("m1", "suppressed")), RecipientSuppressed),
    (_answer(202, {"status": "pending"}), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = PROVIDER
    accepted = _answer(202, _sent("m1"))
    accepted_id = "m1"
    errors = ERRORS
    batch = (
        (
            _answer(202, [_sent("m1"), _sent("m2", "suppressed"), _sent("m3", "queued")]),
            (Accepted("m1"), RecipientSuppressed, Accepted("m3")),
        ),
        (
            _answer(202, [_sent("m1"), None, _sent("")]),
            (Accepted("m1"), OutcomeUnknown, OutcomeUnknown),
        ),
    )


def _plain(tag: str) -> str:
    if not tag.startswith("b64-"):
        return tag
    return urlsafe_b64decode(tag.removeprefix("b64-")).decode().rstrip("\n")


def _decoded(mail: dict[str, Any]) -> dict[str, Any]:
    headers = dict(mail["headers"])
    assert "true" == headers.pop("X-LM-Preserve-Message-ID")
    if not headers["Message-ID"].endswith("own@example.com>"):
        del headers["Message-ID"]  # ours
    metadata = dict(mail["metadata"])
    del metadata["mailfailover-id"]
    people = ("to", "cc", "bcc", "reply_to")
    settings = mail.get("settings", {})
    return {
        "from_email": Address.parse(mail["from"]),
        **{kind: [Address.parse(one) for one in mail.get(kind, ())] for kind in people},
        **{name: mail.get(name, "") for name in ("subject", "text", "html")},
        "headers": {name: str(make_header(decode_header(v))) for name, v in headers.items()},
        "attachments": [
            Attachment(
                one["filename"],
                b64decode(one["content"]),
                one["content_type"],
                one.get("content_id", ""),
            )
            for one in mail.get("attachments", ())
        ],
        "tags": _plain(mail["tag"]) if "tag" in mail else (),
        "metadata": metadata,
        "track_opens": settings.get("track_opens"),
        "track_clicks": settings.get("track_clicks"),
        "send_at": datetime.fromisoformat(mail["scheduled_at"]) if "scheduled_at" in mail else None,
    }


class TestRoundTrip(RoundTrip):
    provider = PROVIDER

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        return _decoded(read_json(request))

    def decode_batch(self, request: HTTPRequest) -> list[dict[str, Any]]:
        return [_decoded(mail) for mail in read_json(request)]


PLAIN_BODY: dict[str, Any] = {
    "from": "The Shop <shop@example.com>",
    "to": ["Ann <ann@example.org>"],
    "subject": "Your order",
    "text": "It is on its way.\n",
    "headers": {"Message-ID": "<plain@example.com>", "X-LM-Preserve-Message-ID": "true"},
    "metadata": {"mailfailover-id": "plain"},
}


def test_plain_mail() -> None:
    """
    A mail is a JSON document.
    """
    request = PROVIDER.build_request(PLAIN)

    assert ("POST", "https://api.lettermint.co/v1/send", "secret-token") == (
        request.method,
        request.url,
        request.headers["x-lettermint-token"],
    )
    assert PLAIN_BODY == read_json(request)


def test_route() -> None:
    """
    A mail goes by the route of the configuration.
    """
    body = read_json(replace(PROVIDER, route="broadcast").build_request(PLAIN))

    assert {**PLAIN_BODY, "route": "broadcast"} == body


@each(
    ("tag", "written"),
    [("first order_1-a", "first order_1-a"), ("für", "b64-ZsO8cgoK"), ("b64-x", "b64-YjY0LXgK")],
)
def test_tag_in_an_alphabet(tag: str, written: str) -> None:
    """
    A tag with other characters is encoded, and so is one that looks like ours.
    """
    assert written == read_json(PROVIDER.build_request(PLAIN.replace(tags=tag)))["tag"]


def test_idempotency_key_of_a_merge() -> None:
    """
    The key of a merge goes along as that of a mail does.
    """
    merge = SAMPLES["merge"].bound(idempotency_key="key-1")

    assert "key-1" == PROVIDER.build_batch(merge).headers["Idempotency-Key"]


def test_merge() -> None:
    """
    A merge is a list of mails, each filled in for its recipient, whose ids differ.
    """
    request = PROVIDER.build_batch(SAMPLES["merge_html"])
    mails = read_json(request)

    assert "https://api.lettermint.co/v1/send/batch" == request.url
    assert [
        (["Ann <ann@example.org>"], "Order 1", "<p>Dear Ann</p>"),
        (["Bob <bob@example.net>"], "Order 2", "<p>Dear Bob &amp; Sons</p>"),
        (["Cat <cat@example.edu>"], "Order 3", "<p>Dear Cät</p>"),
    ] == [(mail["to"], mail["subject"], mail["html"]) for mail in mails]
    assert 3 == len({mail["headers"]["Message-ID"] for mail in mails})


@each(
    ("place", "message", "named"),
    [
        ("to.0", PLAIN, ("ann@example.org",)),
        ("cc.1", SAMPLES["cc"], ("cat@example.edu",)),
        ("2.to.0", SAMPLES["merge"], ("cat@example.edu",)),
        ("to.7", PLAIN, ()),
    ],
)
def test_recipient_is_named(place: str, message: Message, named: tuple[str, ...]) -> None:
    """
    The address at fault is told to the chain.
    """
    assert named == PROVIDER.classify_error(_invalid(place, BAD_EMAIL), message).recipients


@each("body", [{"data": []}, [_sent("m1")], None])
def test_answer_to_another_merge_is_unknown(body: object) -> None:
    """
    A list of another length tells nothing of anybody.
    """
    with pytest.raises(OutcomeUnknown, match="unreadable answer"):
        PROVIDER.parse_batch(_answer(202, body), SAMPLES["merge"])


def test_fault_is_told() -> None:
    """
    The field at fault stands in the error's text.
    """
    error = PROVIDER.classify_error(_invalid("to.0", BAD_EMAIL), PLAIN)

    assert f"HTTP 422: to.0: {BAD_EMAIL}" == str(error)


def test_options_are_laid_over() -> None:
    """
    Options extend what is there.
    """
    options = {"settings": {"tls": "required"}}
    message = PLAIN.replace(provider_options={"lettermint": options})

    assert {**PLAIN_BODY, **options} == read_json(PROVIDER.build_request(message))


@each("name", ["from", "to", "cc", "bcc"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"lettermint": {name: ""}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        PROVIDER.build_request(message)


def test_ping() -> None:
    """
    A ping is a call of the vendor's own for that.
    """
    request = PROVIDER.build_ping()

    assert ("GET", "https://api.lettermint.co/v1/ping", "secret-token") == (
        request.method,
        request.url,
        request.headers["x-lettermint-token"],
    )


def test_headers_go_as_they_are() -> None:
    """
    Lettermint encodes what is not ASCII itself.
    """
    body = read_json(PROVIDER.build_request(PLAIN.replace(headers={"X-Name": "Änne"})))

    assert "Änne" == body["headers"]["X-Name"]
