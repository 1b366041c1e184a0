"""
ZeptoMail: what goes on the wire, and what its answers mean.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, Any

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
from mailfailover.plugin import Address, Attachment, HTTPRequest, Message, Response
from mailfailover.providers.zeptomail import ZeptoMail
from mailfailover.testing import PLAIN, SAMPLES, ProviderContract
from tests.providers.bodies import read_json
from tests.providers.round_trip import RoundTrip
from tests.samples import each

if TYPE_CHECKING:
    from collections.abc import Iterable

PROVIDER = ZeptoMail(api_token="secret-token", webhook_secret="secret-hook")


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def _refusal(status: int, code: str, *details: Any) -> Response:
    error = {"code": code, "message": "Access Denied", "details": details}
    return _answer(status, {"error": error, "request_id": "r1"})


def _detail(code: str, target: str = "") -> dict[str, str]:
    return {"code": code, "message": "it says why"} | ({"target": target} if target else {})


SENT = _answer(
    201,
    {
        "data": [{"code": "EM_104", "additional_info": [], "message": "Email request received"}],
        "message": "OK",
        "request_id": "2d6f.1",
        "object": "email",
    },
)

ERRORS: list[tuple[Response, type[SendError]]] = [
    (_refusal(400, "TM_3201", _detail("GE_102", "subject")), RequestRefused),
    (_refusal(400, "TM_3301", _detail("SM_101")), RequestRefused),
    (_refusal(400, "TM_3301", _detail("SM_120", "attachments")), UnsupportedFeature),
    (_refusal(400, "TM_3501", _detail("MTR_101")), UnsupportedFeature),
    (_refusal(400, "TM_3501", _detail("LE_101")), QuotaExceeded),
    (_refusal(403, "TM_3601", _detail("SERR_156")), AuthenticationFailed),
    (_refusal(403, "TM_3601", _detail("SM_133")), AccountSuspended),
    (_refusal(403, "TM_3601", _detail("SMI_115")), QuotaExceeded),
    (_refusal(403, "TM_3601", _detail("AE_101")), AccountSuspended),
    (_refusal(401, "TM_4001", _detail("SM_111", "from")), SenderRefused),
    (_refusal(401, "TM_4001", _detail("SM_113", "from")), SenderRefused),
    (_refusal(400, "TM_4001", _detail("SM_113", "to")), RecipientRejected),
    (_refusal(400, "TM_4001", _detail("SM_113", "bcc")), RecipientRejected),
    (_refusal(400, "TM_4001", _detail("SM_113", "bounce_address")), UnsupportedFeature),
    (_refusal(400, "TM_4001", _detail("SM_113")), UnsupportedFeature),
    (_refusal(401, "TM_4001", _detail("SM_128")), AccountSuspended),
    (_refusal(401, "TM_4001", _detail("SERR_157")), AuthenticationFailed),
    (_refusal(400, "TM_5001", _detail("LE_102")), QuotaExceeded),
    (_refusal(400, "TM_8001", _detail("SM_127")), UnsupportedFeature),
    (_refusal(400, "TM_8001", _detail("SM_129")), UnsupportedFeature),
    (_refusal(400, "SM_111"), SenderRefused),
    (_refusal(400, "TM_9999", None), RequestRefused),
    (_refusal(429, "TM_9999"), RateLimited),
    (_refusal(500, "TM_9999"), ProviderUnavailable),
    (_answer(500, {"error": {"code": 3, "details": 3}}), OutcomeUnknown),
    (_answer(500, {"error": "no"}), OutcomeUnknown),
    # A success that hides a failure.
    (_refusal(200, "TM_3301", _detail("SM_101")), RequestRefused),
    (_refusal(200, "TM_4001", _detail("SM_111", "from")), SenderRefused),
    (_answer(201, {"message": "OK", "request_id": "r1"}), OutcomeUnknown),
]


class TestContract(ProviderContract):
    provider = PROVIDER
    accepted = SENT
    accepted_id = "2d6f.1"
    errors = ERRORS


def _address(one: dict[str, str]) -> Address:
    return Address(one["address"], one.get("name", ""))


class TestRoundTrip(RoundTrip):
    provider = PROVIDER

    def expected(self, message: Message) -> Message:
        """
        ZeptoMail gives each mail a Message-ID of its own; its images come after the files.
        """
        headers = {name: v for name, v in message.headers.items() if name.lower() != "message-id"}
        return message.bound(headers=headers)

    def decode(self, request: HTTPRequest) -> dict[str, Any]:
        body = read_json(request)
        return {
            "from_email": _address(body["from"]),
            **{
                kind: [_address(one["email_address"]) for one in body.get(kind, ())]
                for kind in ("to", "cc", "bcc")
            },
            "reply_to": [_address(one) for one in body.get("reply_to", ())],
            "subject": body.get("subject", ""),
            "text": body.get("textbody", ""),
            "html": body.get("htmlbody", ""),
            "headers": {
                name: str(make_header(decode_header(value)))
                for name, value in body.get("mime_headers", {}).items()
            },
            "attachments": [
                Attachment(
                    one.get("name", "logo.png"),
                    b64decode(one["content"]),
                    one["mime_type"],
                    one.get("cid", ""),
                )
                for one in (*body.get("attachments", ()), *body.get("inline_images", ()))
            ],
            "track_opens": body.get("track_opens"),
            "track_clicks": body.get("track_clicks"),
            "envelope_from": body.get("bounce_address", ""),
            "template_id": body.get("template_key", ""),
            "template_data": body.get("merge_info", {}),
        }


PLAIN_BODY: dict[str, Any] = {
    "from": {"address": "shop@example.com", "name": "The Shop"},
    "to": [{"email_address": {"address": "ann@example.org", "name": "Ann"}}],
    "subject": "Your order",
    "textbody": "It is on its way.\n",
    "client_reference": "plain",
}


def test_plain_mail() -> None:
    """
    A mail is a JSON document.
    """
    request = PROVIDER.build_request(PLAIN)

    assert ("POST", "https://api.zeptomail.com/v1.1/email", "Zoho-enczapikey secret-token") == (
        request.method,
        request.url,
        request.headers["Authorization"],
    )
    assert PLAIN_BODY == read_json(request)


def test_template() -> None:
    """
    A template has an address of its own.
    """
    request = replace(PROVIDER, region="in", base_url="").build_request(SAMPLES["template"])

    assert "https://api.zeptomail.in/v1.1/email/template" == request.url
    assert read_json(request) == {
        "from": {"address": "shop@example.com", "name": "The Shop"},
        "to": [{"email_address": {"address": "ann@example.org", "name": "Ann"}}],
        "template_key": "welcome",
        "merge_info": {"name": "Änne"},
        "client_reference": "template",
    }


LOGO = Attachment("logo.png", b"logo", content_id="logo")


@each(
    ("message", "features"),
    [
        (SAMPLES["template"].replace(subject="Hello"), ("TEMPLATE_OVERRIDE",)),
        (SAMPLES["template"].replace(attachments=[LOGO]), ("INLINE_IMAGES",)),
        (PLAIN.replace(template_data={"name": "Ann"}), ("TEMPLATES",)),
    ],
)
def test_what_it_cannot_say(message: Message, features: Iterable[str]) -> None:
    """
    What cannot go together is refused before the call, by name.
    """
    with pytest.raises(UnsupportedFeature) as caught:
        PROVIDER.build_request(message)

    assert features == caught.value.features


def test_fault_is_told() -> None:
    """
    The field at fault stands in the error's text.
    """
    error = PROVIDER.classify_error(_refusal(401, "TM_4001", _detail("SM_111", "from")), PLAIN)

    assert "HTTP 401 SM_111: from: it says why" == str(error)


def test_options_are_laid_over() -> None:
    """
    Options extend what is there.
    """
    options = {"client_reference": "order-1"}
    message = PLAIN.replace(provider_options={"zeptomail": options})

    assert {**PLAIN_BODY, **options} == read_json(PROVIDER.build_request(message))


@each("name", ["from", "to", "cc", "bcc", "bounce_address"])
def test_options_change_nobody(name: str) -> None:
    """
    Options cannot change who gets the mail or who sends it.
    """
    message = PLAIN.replace(provider_options={"zeptomail": {name: ""}})

    with pytest.raises(InvalidMessage, match=f"cannot set {name}: use the message's own field"):
        PROVIDER.build_request(message)


def test_ping_names_nobody() -> None:
    """
    A ping is a mail with nothing in it, which whoever knows the token refuses.
    """
    request = PROVIDER.build_ping()
    PROVIDER.parse_ping(_refusal(400, "TM_3201", _detail("GE_102", "from")))

    assert ("https://api.zeptomail.com/v1.1/email", b"{}") == (request.url, request.body)


def test_ping_with_a_wrong_token() -> None:
    """
    A ping that is refused for its token fails.
    """
    with pytest.raises(AuthenticationFailed):
        PROVIDER.parse_ping(_refusal(401, "TM_4001", _detail("SERR_157")))


def test_region_is_known() -> None:
    """
    A region that nobody knows is refused when it is given.
    """
    with pytest.raises(ConfigurationError, match="region of zeptomail is 'moon'"):
        ZeptoMail(api_token="secret-token", region="moon")
