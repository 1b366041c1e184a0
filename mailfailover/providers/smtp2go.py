"""
SMTP2GO, through ``POST /v3/email/send``.

https://developers.smtp2go.com/reference/send-standard-email, and the vendor's OpenAPI
description, 3.0.4 (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, ClassVar

from mailfailover import errors
from mailfailover.errors import SendError
from mailfailover.plugin import (
    MB,
    Accepted,
    Address,
    Attachment,
    Capabilities,
    DeliveryEvent,
    Feature,
    Fetch,
    HTTPRequest,
    Message,
    Response,
    Secrets,
    WebhookRequest,
    classify_http,
    encode_header,
    json_body,
    merge_options,
    parse_retry_after,
    reveal,
    verify_basic_auth,
)
from mailfailover.providers._smtp2go_events import read_events

# https://developers.smtp2go.com/reference/introduction (2026-11)
HOSTS = {
    "global": "https://api.smtp2go.com",
    "us": "https://us-api.smtp2go.com",
    "eu": "https://eu-api.smtp2go.com",
    "au": "https://au-api.smtp2go.com",
}

DAY = 86400.0

# By the end of "error_code", after "E_ApiResponseCodes."; the rest is judged by its status. It
# has no full list: those marked are quoted in public client code and unconfirmed.
# https://developers.smtp2go.com/docs/response-codes (2026-11)
ERRORS: Mapping[str, type[SendError]] = {
    "API_KEY_INVALID": errors.AuthenticationFailed,  # unconfirmed
    "ENDPOINT_PERMISSION_DENIED": errors.AuthenticationFailed,  # comes with a 400
    "REQ_LIMIT_EXCEEDED": errors.RateLimited,
    "SENDER_NOT_VERIFIED": errors.SenderRefused,  # unconfirmed
}
PREFIX = "E_ApiResponseCodes."
CODE = re.compile(r"\w+")

# "NON_VALIDATING_IN_PAYLOAD" names the field at fault and what it expected.
INVALID: tuple[tuple[str, str, type[SendError]], ...] = (
    (r"(to|cc|bcc)\b", r"expecting a valid RFC-822 formatted email", errors.RecipientRejected),
    (r"sender\b", r"", errors.SenderRefused),
    (
        r"(attachments|custom_headers|inlines|schedule|template_\w+)\b",
        r"",
        errors.UnsupportedFeature,
    ),
)

# 402 is no unpaid bill here: "the parameters were valid but the request failed".
FAILED = 402

# What went wrong with a call that was right: words in a 200, as the vendor's own plugin for
# WordPress reads them (2026-11).
FAILURES: tuple[tuple[str, type[SendError]], ...] = (
    (r"unable to verify sender address", errors.SenderRefused),
)

# Options that would change who gets the mail and who sends it; headers could do so too.
RESERVED = {"api_key", "sender", "to", "cc", "bcc", "custom_headers"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SMTP2GO:
    """
    Sends through SMTP2GO.

    The key is made under Sending, API Keys, with the permission ``/email/send``.

    Provider options are laid over the JSON of the call: ``{"fastaccept": True}``. Without this
    one SMTP2GO answers when it has looked at the mail, and tells of a sender that is not
    verified.

    A template brings its own subject: a mail that has one too is refused. Headers that are not
    ASCII are encoded here. Tracking is a setting of the key. It has no tags and no metadata,
    but webhooks tell the Message-ID, which has our id.

    Attributes:
        api_key: A key that may send mail.

        region: Where the call goes, ``"global"``, ``"us"``, ``"eu"`` or ``"au"``.

        webhook_username: Expected of webhooks, by HTTP basic authentication.

        webhook_password: The same.

        base_url: Scheme and host, for a proxy; that of *region* where empty.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "smtp2go"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)

    # To, a subject and a body are required. 100 each of to, cc and bcc. An envelope sender: no
    # such parameter. Repeated headers, mails without subject, the size: unconfirmed. How many
    # mails a batch may have, and what it says of one that fails, is not documented: no merges.
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.SEND_AT
        | Feature.TEMPLATES,
        max_recipients=100,
        max_bytes=50 * MB,
        max_delay=3 * DAY,
    )

    api_key: str | Callable[[], str] = field(repr=False)
    region: str = "global"
    webhook_username: Secrets = field(default="", repr=False)
    webhook_password: Secrets = field(default="", repr=False)
    base_url: str = ""

    def __post_init__(self) -> None:
        if self.region not in HOSTS:
            raise errors.ConfigurationError(
                f"region of smtp2go is {self.region!r}: use 'global', 'us', 'eu' or 'au'"
            )
        object.__setattr__(self, "base_url", self.base_url or HOSTS[self.region])

    def build_request(self, message: Message) -> HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature:
                If it has both a template and a subject, or the data of a template without one.
        """
        images = [one for one in message.attachments if one.content_id]
        files = [one for one in message.attachments if not one.content_id]
        fields = {
            "sender": str(message.sender),
            "to": [str(address) for address in message.to],
            "cc": [str(address) for address in message.cc],
            "bcc": [str(address) for address in message.bcc],
            "text_body": message.text,
            "html_body": message.html,
            "custom_headers": [{"header": name, "value": v} for name, v in _headers(message)],
            "attachments": [_file(one, one.filename) for one in files],
            # The HTML names an image by its file name.
            "inlines": [_file(one, one.content_id) for one in images],
            "schedule": _time(message),
        }
        body = {key: value for key, value in fields.items() if value}
        # It is required with a template too, and ignored there.
        body |= {"subject": message.subject} | _template(message)
        body = merge_options(body, message.options(self.name), reserved=RESERVED)
        return self._post("email/send", body)

    def parse_response(self, response: Response, message: Message) -> Accepted:
        answer = response.json_object()
        data = answer.get("data")
        data = data if isinstance(data, dict) else {}
        mail_id = data.get("email_id") or data.get("schedule_id")
        failures = data.get("failures")
        # All recipients together count as one.
        if isinstance(failures, list) and failures and not data.get("succeeded"):
            raise _failure(response, "; ".join(one for one in failures if isinstance(one, str)))
        if isinstance(mail_id, str):
            return Accepted(mail_id)
        raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")

    def classify_error(self, response: Response, message: Message) -> SendError:
        code, text, found = _said(response.json_object())
        kind = ERRORS.get(code)
        for place, words, meaning in INVALID:
            if any(re.match(place, where) and re.search(words, why) for where, why in found):
                kind, text = meaning, found[0][1]
                break
        if kind is None and response.status_code == FAILED:
            kind = errors.RequestRefused
        own = bool(code or text)
        error = classify_http(response, own_envelope=own, code=code, kind=kind, detail=text)
        if isinstance(error, errors.RateLimited) and error.retry_after is None:
            # Seconds that are left: https://developers.smtp2go.com/docs/rate-limiting (2026-11)
            error.retry_after = parse_retry_after(response.headers.get("x-ratelimit-reset"))
        return error

    def build_ping(self) -> HTTPRequest:
        """
        Ask what the key may do, which each key may ask. Every call is a POST here.
        """
        return self._post("api_keys/permissions", {})

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        verify_basic_auth(request, self.webhook_username, self.webhook_password)
        return ""

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return read_events(request)

    def _post(self, path: str, body: dict[str, Any]) -> HTTPRequest:
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "X-Smtp2go-Api-Key": reveal(self.api_key),
        }
        return HTTPRequest("POST", f"{self.base_url}/v3/{path}", headers, json_body(body))


def _headers(message: Message) -> Iterator[tuple[str, str]]:
    yield "Message-ID", message.message_id
    for name, value in message.header_items():
        if name.lower() != "message-id":
            yield name, value if value.isascii() else encode_header(value)
    if message.reply_to:
        yield "Reply-To", ", ".join(map(_mailbox, message.reply_to))


def _mailbox(address: Address) -> str:
    if address.name.isascii():
        return str(address)
    return f"{encode_header(address.name)} <{address.email}>"


def _file(attachment: Attachment, filename: str) -> dict[str, Any]:
    return {
        "filename": filename,
        "mimetype": attachment.content_type,
        "fileblob": attachment.base64(),
    }


def _time(message: Message) -> str:
    if message.send_at is None:
        return ""
    return f"{message.send_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} +0000"


def _template(message: Message) -> dict[str, Any]:
    if not message.template_id:
        if message.template_data:
            raise _unsupported("fills in the data of a template only in a template", "TEMPLATES")
        return {}
    if message.subject:
        raise _unsupported("takes the subject of a template from there", "TEMPLATE_OVERRIDE")
    return {"template_id": message.template_id, "template_data": message.template_data}


def _unsupported(what: str, feature: str) -> SendError:
    return errors.UnsupportedFeature(f"smtp2go {what}", features=(feature,))


def _said(answer: Mapping[str, Any]) -> tuple[str, str, list[tuple[str, str]]]:
    """
    The code, the words, and the fields at fault, each with what is wrong about it.

    They stand below "data" by the vendor's description, at the top by its examples.
    """
    data = answer.get("data")
    said = data if isinstance(data, dict) and "error_code" in data else answer
    code, text = (
        value if isinstance(value, str) else "" for value in map(said.get, ("error_code", "error"))
    )
    code = code.removeprefix(PREFIX)
    details = said.get("field_validation_errors")
    found = [
        (str(one.get("fieldname")), str(one.get("message")))
        for one in (details if isinstance(details, list) else [details])
        if isinstance(one, dict)
    ]
    return code if CODE.fullmatch(code) else "", text, found


def _failure(response: Response, text: str) -> SendError:
    """
    Make the error of a success that hides one: nothing was sent.
    """
    kind = next((kind for words, kind in FAILURES if re.search(words, text, re.IGNORECASE)), None)
    return classify_http(response, kind=kind or errors.RequestRefused, detail=text)
