"""
SendGrid (Twilio), through ``POST /v3/mail/send``.

https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
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
    WrittenJSON,
    all_variables,
    classify_http,
    encode_header,
    fill,
    json_body,
    merge_options,
    reveal,
    rewrite,
    sha256_hex,
    verify_public_key,
    verify_time,
    without_texts,
)
from mailfailover.providers._sendgrid_events import read_events

# https://www.twilio.com/docs/sendgrid/api-reference/mail-send (2026-11)
HOSTS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}

HOUR = 3600.0

# SendGrid has no codes: the status, the field at fault and its words together tell; the first
# that matches counts.
# https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors (2026-07),
# https://support.sendgrid.com/hc/en-us/articles/18322114821403 (2026-11),
# https://www.twilio.com/docs/api/errors/60222 (2026-11)
ERRORS: tuple[tuple[int, str, str, type[SendError]], ...] = (
    (401, r"", r"Maximum credits exceeded", errors.QuotaExceeded),  # dressed as a wrong key
    (403, r"", r"verified Sender Identity", errors.SenderRefused),
    (403, r"", r"too many bad requests", errors.AccountSuspended),  # for a while
    (451, r"", r"", errors.AuthenticationFailed),  # a key of the other region
    (400, r"\.(to|cc|bcc)\.\d+\.email$", r"valid address", errors.RecipientRejected),
    (400, r"^from\b", r"valid address", errors.SenderRefused),
    # Over a limit that other vendors do not have.
    (
        400,
        r"\b(attachments|categories|custom_args|send_at|substitutions)\b",
        r"",
        errors.UnsupportedFeature,
    ),
)
PLACE = re.compile(r"[\w.]+")
RECIPIENT = re.compile(r"personalizations\.(\d+)\.(to|cc|bcc)\.(\d+)\.email")

MAIL_ID = "mailfailover-id"

# Options that would change who gets the mail and who sends it.
RESERVED = {"from", "personalizations"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGrid:
    """
    Sends through SendGrid.

    Provider options are laid over the JSON of the call: ``{"ip_pool_name": "main", "asm":
    {"group_id": 7}}``.

    Templates are dynamic ones (``d-...``); where a template has a subject, that one is used.
    An address named twice among to, cc and bcc gets the mail once, as the first of them,
    because the vendor refuses it twice.

    SendGrid accepts a mail before it looks at its suppressions: those show in events only.

    Attributes:
        api_key: A key that may send mail.

        region: Where the key belongs, ``"global"`` or ``"eu"``.

        webhook_public_key: Verifies webhooks; two while it changes. Needs the extra webhooks.

        base_url: Scheme and host, for a proxy; that of *region* where empty.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "sendgrid"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)

    # Subject and text are required, a header is a key of an object, and there is no parameter
    # for the envelope sender.
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TAGS
        | Feature.METADATA
        | Feature.TRACKING
        | Feature.SEND_AT
        | Feature.TEMPLATES
        | Feature.MERGE
        | Feature.MERGE_METADATA
        | Feature.MERGE_HEADERS
        | Feature.MERGE_UNEVEN_HEADERS,
        max_tags=10,
        max_recipients=1000,
        max_merge=1000,
        max_bytes=30 * MB,  # 20 are recommended
        max_delay=72 * HOUR,
    )

    api_key: str | Callable[[], str] = field(repr=False)
    region: str = "global"
    webhook_public_key: Secrets = ""
    base_url: str = ""

    def __post_init__(self) -> None:
        if self.region not in HOSTS:
            raise errors.ConfigurationError(
                f"region of sendgrid is {self.region!r}: use 'global' or 'eu'"
            )
        object.__setattr__(self, "base_url", self.base_url or HOSTS[self.region])

    def build_request(self, message: Message) -> HTTPRequest:
        content = {"subject": message.subject, "content": _content(message.text, message.html)}
        recipients = {
            kind: [_address(address) for address in addresses]
            for kind, addresses in _once(message).items()
        }
        return self._request(message, content, [_filled({**recipients, **_envelope(message)})])

    def build_batch(self, message: Message) -> HTTPRequest:
        """
        Write a merge with one personalization for each recipient.
        """

        def tag(name: str) -> str:
            # Replaced wherever it stands, as plain text: so it must not stand there by chance.
            return f"-{MAIL_ID}-{message.id}-{name}-"

        def envelopes() -> Iterator[dict[str, Any]]:
            shared: Message | None = None
            common: dict[str, Any] = {}
            for address, mail, data in zip(message.to, mails, sets, strict=True):
                if mail is not shared:
                    shared, common = mail, _envelope(mail)
                yield _filled(
                    {
                        "to": [_address(address)],
                        "subject": fill(message.subject, message.merge_data.get(address.email, {})),
                        "substitutions": {tag(name): value for name, value in data.items()},
                        **common,
                    }
                )

        content = _content(rewrite(message.text, tag), rewrite(message.html, tag, html=True))
        mails, sets = without_texts(message), all_variables(message.bound(subject=""))
        return self._request(message, {"content": content}, WrittenJSON.of_items(envelopes()))

    def parse_response(self, response: Response, message: Message) -> Accepted:
        # The body is empty; without the header the answer is not from SendGrid.
        if mail_id := response.headers.get("x-message-id"):
            return Accepted(mail_id)
        raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")

    def parse_batch(self, response: Response, message: Message) -> tuple[Accepted | SendError, ...]:
        return (self.parse_response(response, message),) * len(message.to)

    def classify_error(self, response: Response, message: Message) -> SendError:
        found = response.json_object().get("errors")
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            return classify_http(response)
        said = [(_place(one.get("field")), str(one.get("message") or "")) for one in found]
        for status, place, words, kind in ERRORS:
            for where, text in said if status == response.status_code else ():
                if re.search(place, where) and re.search(words, text, re.IGNORECASE):
                    error = classify_http(response, code=where, kind=kind, detail=text)
                    error.recipients = _named(where, message)
                    return error
        where, text = said[0] if said else ("", "")
        return classify_http(response, own_envelope=True, code=where, detail=text)

    def build_ping(self) -> HTTPRequest:
        return HTTPRequest("GET", self._url("scopes"), self._headers())

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        # "Getting Started with the Event Webhook Security Features" of the vendor's manual,
        # https://www.twilio.com/docs/sendgrid/for-developers/tracking-events (2026-11)
        timestamp = request.header("x-twilio-email-event-webhook-timestamp")
        signature = request.header("x-twilio-email-event-webhook-signature")
        signed = timestamp.encode("utf-8", "surrogatepass") + request.body
        verify_public_key(signature, self.webhook_public_key, signed)
        verify_time(timestamp, request)
        return sha256_hex(request.body)  # each event has an id; signatures differ every time

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return read_events(request)

    def _request(
        self, message: Message, content: dict[str, Any], envelopes: list[Any] | WrittenJSON
    ) -> HTTPRequest:
        body = {
            "personalizations": envelopes,
            **_filled(content),
            **_filled(_common(message)),
        }
        body = merge_options(body, message.options(self.name), reserved=RESERVED)
        headers = self._headers() | {"Content-Type": "application/json"}
        return HTTPRequest("POST", self._url("mail/send"), headers, json_body(body))

    def _url(self, path: str) -> str:
        return f"{self.base_url}/v3/{path}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {reveal(self.api_key)}"}


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value}


def _common(message: Message) -> dict[str, Any]:
    """
    What is the same for all recipients.
    """
    tracking = {"open_tracking": message.track_opens, "click_tracking": message.track_clicks}
    reply_to = [_address(address) for address in message.reply_to]
    return {
        "from": _address(message.sender),
        "reply_to": reply_to[0] if len(reply_to) == 1 else None,
        "reply_to_list": reply_to if len(reply_to) > 1 else None,
        "attachments": [_file(attachment) for attachment in message.attachments],
        "template_id": message.template_id,
        "categories": list(dict.fromkeys(message.tags)),  # the same twice is refused
        "send_at": int(message.send_at.timestamp()) if message.send_at else None,
        "tracking_settings": {
            name: {"enable": enable} for name, enable in tracking.items() if enable is not None
        },
    }


def _content(text: str, html: str) -> list[dict[str, str]]:
    # In this order, or it is refused.
    parts = (("text/plain", text), ("text/html", html))
    return [{"type": kind, "value": value} for kind, value in parts if value]


def _address(address: Address) -> dict[str, str]:
    if address.name:
        return {"email": address.email, "name": address.name}
    return {"email": address.email}


def _once(message: Message) -> dict[str, list[Address]]:
    """
    The recipients, each address once, in whatever case: the vendor refuses the same twice.
    """
    seen: set[str] = set()
    kept: dict[str, list[Address]] = {"to": [], "cc": [], "bcc": []}
    for kind, addresses in ("to", message.to), ("cc", message.cc), ("bcc", message.bcc):
        for address in addresses:
            email = address.email.lower()
            if email not in seen:
                seen.add(email)
                kept[kind].append(address)
    return kept


def _envelope(message: Message) -> dict[str, Any]:
    """
    What a personalization says beyond its recipients.
    """
    headers = {"Message-ID": message.message_id}
    for name, value in message.header_items():
        if name.lower() != "message-id":
            headers[name] = value if value.isascii() else encode_header(value)
    return {
        "headers": headers,
        "custom_args": {**message.metadata, MAIL_ID: message.id},
        "dynamic_template_data": message.template_data,
    }


def _file(attachment: Attachment) -> dict[str, Any]:
    fields = {
        "content": attachment.base64(),
        "filename": attachment.filename,
        # "The attachment type cannot contain ';'" (in public issues, 2026-11).
        "type": attachment.content_type.partition(";")[0].strip(),
        "disposition": "attachment",
    }
    if attachment.content_id:
        fields |= {"disposition": "inline", "content_id": attachment.content_id}
    return fields


def _place(found: object) -> str:
    return found if isinstance(found, str) and PLACE.fullmatch(found) else ""


def _named(where: str, message: Message) -> tuple[str, ...]:
    """
    The address at a place such as ``personalizations.0.to.2.email`` of our request.
    """
    if not (found := RECIPIENT.fullmatch(where)):
        return ()
    envelopes = (
        [{"to": [address]} for address in message.to] if message.is_merge else [_once(message)]
    )
    number, kind, position = int(found[1]), found[2], int(found[3])
    try:
        return (envelopes[number][kind][position].email,)
    except (IndexError, KeyError):
        return ()
