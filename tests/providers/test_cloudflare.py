"""
Cloudflare Email Service: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from email.header import decode_header, make_header
from typing import Any

import pytest

from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
    ConfigurationError,
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
from mailfailover.plugin import (
    Accepted,
    Address,
    Attachment,
    HTTPRequest,
    Message,
    RecipientStatus,
    Response,
)
from mailfailover.providers.cloudflare import Cloudflare
from mailfailover.testing import PLAIN, SAMPLES, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

PROVIDER = Cloudflare(api_token="secret-token", account_id="acc-1")
URL = "https://api.cloudflare.com/client/v4/accounts/acc-1/email/sending"
TWO = PLAIN.replace(cc="bob@example.net")
BOTH = ["ann@example.org", "bob@example.net"]


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def _refusal(status: int, code: object, name: str) -> Response:
    error = {"code": code, "message": f"email.sending.error.{name}"}
    return _answer(status, {"success": False, "errors": [error], "result": None})


def _sent(mail_id: str = "<m1@cf.example>", **lists: Any) -> Response:
    result = {"message_id": mail_id, **lists}
    return _answer(200, {"success": True, "errors": [], "messages": [], "result": result})


ERRORS: list[tuple[Response, type[SendError]]] = [
    (_refusal(400, 10001, "invalid_request_schema"), RequestRefused),
    (_refusal(400, 10200, "email.too_big"), UnsupportedFeature),
    (_refusal(400, "10202", "email.invalid"), RequestRefused),
    (_refusal(400, 10299, "recipient_suppressed"), RecipientSuppressed),
    (_refusal(400, 6003, "Invalid request headers"), AuthenticationFailed),
    (_refusal(401, 10101, "authentication.unauthorized"), AuthenticationFailed),
    (_refusal(401, 10103, "authentication.bad_token_type"), AuthenticationFailed),
    (_refusal(403, 10102, "authentication.forbidden"), AuthenticationFailed),
    (_refusal(403, 10105, "authentication.not_entitled"), AccountSuspended),
    (_refusal(403, 10203, "email.sending_disabled"), SenderRefused),
    (_refusal(403, "10204", "email.sender_not_configured"), SenderRefused),
    (_refusal(404, 10000, "not_found"), RequestRefused),
    (_refusal(429, 10004, "throttled"), RateLimited),
    (_refusal(500, 10002, "internal_server"), ProviderUnavailable),
    (_refusal(503, 10100, "authentication.upstream"), ProviderUnavailable),
    (_answer(503, {"success": False, "errors": []}), OutcomeUnknown),
    (_answer(400, {"success": False, "errors": ["no"]}), RequestRefused),
    # A success that hides a failure.
    (_refusal(200, 10004, "throttled"), RateLimited),
    (_refusal(200, 10001, "invalid_request_schema"), RequestRefused),
    (_sent(suppressed_recipients=BOTH), RecipientSuppressed),
    (_sent(permanent_bounces=BOTH), RecipientRejected),
    (_sent(permanent_bounces=BOTH[:1], suppressed_recipients=BOTH[1:]), RecipientRejected),
    (_sent(permanent_bounces=BOTH[:1]), OutcomeUnknown),
    (_sent(delivered=[], queued=[], permanent_bounces=[]), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = PROVIDER
    accepted = _sent(delivered=BOTH, queued=[], permanent_bounces=[], suppressed_recipients=[])
    accepted_id = "<m1@cf.example>"
    errors = ERRORS
    message = TWO
    partial = (
        (
            _sent(queued=["ANN@example.org"], permanent_bounces=["bob@example.net"]),
            Accepted(
                "<m1@cf.example>",
                {
                    "ann@example.org": RecipientStatus.QUEUED,
                    "bob@example.net": RecipientStatus.REFUSED,
                },
            ),
        ),
        (
            _sent(delivered=["ann@example.org"], suppressed_recipients=["bob@example.net"]),
            Accepted(
                "<m1@cf.example>",
                {
                    "ann@example.org": RecipientStatus.ACCEPTED,
                    "bob@example.net": RecipientStatus.SUPPRESSED,
                },
            ),
        ),
        (
            _sent(delivered=["ann@example.org", "else@example.edu"]),
            Accepted(
                "<m1@cf.example>",
                {
                    "ann@example.org": RecipientStatus.ACCEPTED,
                    "bob@example.net": RecipientStatus.UNKNOWN,
                },
            ),
        ),
    )


def _address(one: dict[str, str]) -> Address:
    return Address(one["address"], one.get("name", ""))


class TestRoundTrip(RoundTrip):
    provider = PROVIDER

    def expected(self, message: Message) -> Message:
        """
        Cloudflare gives each mail a Message-ID of its own.
        """
        headers = {name: v for name, v in message.headers.items() if name.lower() != "message-id"}
        return message.bound(headers=headers)

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        body = read_json(request)
        return {
            "from_email": _address(body["from"]),
            **{kind: [_address(one) for one in body.get(kind, ())] for kind in ("to", "cc", "bcc")},
            "reply_to": [_address(body["reply_to"])] if "reply_to" in body else (),
            **{name: body.get(name, "") for name in ("subject", "text", "html")},
            "headers": {
                name: str(make_header(decode_header(value)))
                for name, value in body.get("headers", {}).items()
            },
            "attachments": [
                Attachment(
                    one["filename"],
                    b64decode(one["content"]),
                    one["type"],
                    one.get("content_id", ""),
                )
                for one in body.get("attachments", ())
            ],
        }


PLAIN_BODY: dict[str, Any] = {
    "from": {"address": "shop@example.com", "name": "The Shop"},
    "to": [{"address": "ann@example.org", "name": "Ann"}],
    "subject": "Your order",
    "text": "It is on its way.\n",
}


def test_plain_mail() -> None:
    """
    A mail is a JSON document.
    """
    request = PROVIDER.build_request(PLAIN)

    assert ("POST", f"{URL}/send", "Bearer secret-token") == (
        request.method,
        request.url,
        request.headers["Authorization"],
    )
    assert PLAIN_BODY == read_json(request)


def test_inline_image() -> None:
    """
    An inline image is an attachment that the HTML can name.
    """
    file = read_json(PROVIDER.build_request(SAMPLES["inline_image"]))["attachments"][0]
    del file["content"]

    assert file == {
        "filename": "logo.png",
        "type": "image/png",
        "disposition": "inline",
        "content_id": "logo",
    }


@each("name", ["In-Reply-To", "List-Id", "X-Order_Id"])
def test_headers_it_takes(name: str) -> None:
    """
    Well-known headers and those of one's own are taken.
    """
    request = PROVIDER.build_request(PLAIN.replace(headers={name: "<1@example.com>"}))

    assert {name: "<1@example.com>"} == read_json(request)["headers"]


@each(
    "headers",
    [
        {"Disposition-Notification-To": "shop@example.com"},
        {"X-Odd.Name": "1"},
        {f"X-{'n' * 99}": "1"},
        {"X-Long": "v" * 2049},
        {"X-Empty": ""},
    ],
    ids=["unknown", "character", "long_name", "long_value", "empty"],
)
def test_headers_it_does_not_take(headers: dict[str, str]) -> None:
    """
    A header that would make Cloudflare refuse the mail is refused before the call.
    """
    with pytest.raises(UnsupportedFeature) as caught:
        PROVIDER.build_request(PLAIN.replace(headers=headers))

    assert ("HEADERS",) == caught.value.features


def test_nobody_is_named() -> None:
    """
    Who bounced at once is named to the chain.
    """
    with pytest.raises(RecipientRejected) as caught:
        PROVIDER.parse_response(_sent(permanent_bounces=BOTH), TWO)

    assert tuple(BOTH) == caught.value.recipients


def test_answer_without_an_id() -> None:
    """
    An answer as it was documented first, without an id, is a success too.
    """
    body = {"success": True, "result": {"delivered": ["ann@example.org"]}}

    assert Accepted("", {"ann@example.org": RecipientStatus.ACCEPTED}) == PROVIDER.parse_response(
        _answer(200, body), PLAIN
    )


def test_options_are_laid_over() -> None:
    """
    Options extend what is there.
    """
    options = {"headers": {"X-Campaign": "spring"}}
    message = PLAIN.replace(provider_options={"cloudflare": options})

    assert read_json(PROVIDER.build_request(message)) == {**PLAIN_BODY, **options}


@each("name", ["from", "to", "cc", "bcc"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"cloudflare": {name: {}}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        PROVIDER.build_request(message)


def test_ping() -> None:
    """
    A ping reads one suppression at most.
    """
    request = PROVIDER.build_ping()

    assert (
        "GET",
        f"{URL}/suppressions?per_page=1",
        {"Authorization": "Bearer secret-token"},
    ) == (request.method, request.url, request.headers)


def test_account_is_an_id() -> None:
    """
    An account that would change the path is refused when it is given.
    """
    with pytest.raises(ConfigurationError, match="account_id of cloudflare is no id"):
        replace(PROVIDER, account_id="acc-1/email")
