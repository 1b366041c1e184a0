"""
Brevo (formerly Sendinblue), through ``POST /v3/smtp/email``.

https://developers.brevo.com/reference/send-transac-email (2026-11)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, ClassVar
from urllib.parse import quote, unquote

from mailfailover import errors
from mailfailover.errors import SendError
from mailfailover.plugin import (
    MB,
    Accepted,
    Address,
    Attachment,
    Capabilities,
    DeliveryEvent,
    EventType,
    Feature,
    Fetch,
    HTTPRequest,
    Message,
    RejectReason,
    Response,
    Secrets,
    WebhookRequest,
    WrittenJSON,
    as_text,
    classify_http,
    for_recipient,
    json_body,
    make_event,
    merge_options,
    parse_retry_after,
    read_json,
    reveal,
    verify_basic_auth,
)

HOUR = 3600.0

# By code and words; the first that matches counts. What is not here is judged by its status.
# Codes: PyPI brevo-python 5.1.0 (2026-11), and for a key that was used before
# https://developers.brevo.com/docs/heterogenous-versions-batch-emails (2026-11). Words: public
# issues (2026-11), unconfirmed.
ERRORS: tuple[tuple[str, str, type[SendError]], ...] = (
    # A key seen before: that mail was taken, by all we know, but nobody says so.
    ("duplicate_parameter", r"", errors.OutcomeUnknown),
    ("duplicate_request", r"", errors.OutcomeUnknown),
    ("not_enough_credits", r"", errors.QuotaExceeded),
    ("account_under_validation", r"", errors.AccountSuspended),
    ("permission_denied", r"not (yet )?activated", errors.AccountSuspended),
    ("permission_denied", r"", errors.AuthenticationFailed),
    ("unauthorized", r"", errors.AuthenticationFailed),
    ("invalid_parameter", r"email is not valid in (to|cc|bcc)\b", errors.RecipientRejected),
    ("invalid_parameter", r"email is not valid in sender\b", errors.SenderRefused),
    ("invalid_parameter", r"the sender you used .* is not valid", errors.SenderRefused),
    ("invalid_parameter", r"file (format|type|extension)", errors.UnsupportedFeature),
    ("document_not_found", r"template", errors.UnsupportedFeature),
)
CODE = re.compile(r"\w+")

# Metadata have no place but this header, which comes back in webhooks.
METADATA = "X-Mailin-custom"
MAIL_ID = "mailfailover-id"
KEY = "idempotencyKey"

# https://developers.brevo.com/docs/transactional-webhooks (2026-11); events have no id.
EVENTS: Mapping[str, tuple[EventType, RejectReason | None]] = {
    "request": (EventType.QUEUED, None),
    "delivered": (EventType.DELIVERED, None),
    "deferred": (EventType.DEFERRED, RejectReason.OTHER),
    "soft_bounce": (EventType.BOUNCED, RejectReason.OTHER),
    "hard_bounce": (EventType.BOUNCED, RejectReason.BOUNCED),
    "invalid_email": (EventType.REJECTED, RejectReason.INVALID),
    "blocked": (EventType.REJECTED, RejectReason.BLOCKED),
    "error": (EventType.FAILED, RejectReason.OTHER),
    "opened": (EventType.OPENED, None),
    "unique_opened": (EventType.OPENED, None),
    "proxy_open": (EventType.OPENED, None),
    "unique_proxy_open": (EventType.OPENED, None),
    "click": (EventType.CLICKED, None),
    "spam": (EventType.COMPLAINED, None),
    "complaint": (EventType.COMPLAINED, None),
    "unsubscribed": (EventType.UNSUBSCRIBED, None),
    "unsubscribe": (EventType.UNSUBSCRIBED, None),
}

# Type of a file about which nothing is known.
OCTETS = "application/octet-stream"

# Options that would change who gets the mail and who sends it.
RESERVED = {"sender", "to", "cc", "bcc", "messageVersions"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Brevo:
    """
    Sends through Brevo.

    The key is made under "SMTP & API" in Brevo's settings, as an API key, not an SMTP key.

    Provider options are laid over the JSON of the call: ``{"batchId": "...", "headers":
    {"sender.ip": "1.2.3.4"}}``.

    Templates are named by their number; a subject of the mail takes the place of theirs.
    Metadata travel in the header ``X-Mailin-custom``, as JSON, percent-encoded where it is not
    ASCII. Brevo tells the type of a file by its name: a file whose type is another is refused
    here, and so are headers that are not ASCII, which Brevo would send as raw bytes. It has no
    inline images, no tracking for one mail, and makes the Message-ID itself.

    Attributes:
        api_key: An API key.

        webhook_username: Expected of webhooks, by HTTP basic authentication.

        webhook_password: The same.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "brevo"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)

    # One page says 15 minutes, another 30: the shorter is safe.
    # https://developers.brevo.com/changelog/email-api-now-supports-idempotency (2026-11)
    idempotency_ttl: ClassVar[float] = 15 * 60.0

    # Subject, a body and To are required, and a header is a key of an object.
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.TAGS
        | Feature.METADATA
        | Feature.SEND_AT
        | Feature.TEMPLATES
        | Feature.MERGE
        | Feature.MERGE_METADATA
        | Feature.MERGE_HEADERS
        | Feature.MERGE_UNEVEN_HEADERS,
        max_recipients=99,
        max_merge=1000,
        max_bytes=20 * MB,
        max_delay=72 * HOUR,
    )

    api_key: str | Callable[[], str] = field(repr=False)
    webhook_username: Secrets = field(default="", repr=False)
    webhook_password: Secrets = field(default="", repr=False)
    base_url: str = "https://api.brevo.com"

    def build_request(self, message: Message) -> HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature:
                If a header is not ASCII, or a file's name does not fit its type.
        """
        people = {
            "to": [_address(address) for address in message.to],
            "cc": [_address(address) for address in message.cc],
            "bcc": [_address(address) for address in message.bcc],
        }
        return self._request(message, people | _content(message), _headers(message))

    def build_batch(self, message: Message) -> HTTPRequest:
        """
        Write a merge with a version of the mail for each recipient, filled in here.

        Raises:
            UnsupportedFeature: As ``build_request``.
        """
        mails = (for_recipient(message, address) for address in message.to)
        versions = WrittenJSON.of_items(
            _filled(_content(mail) | {"to": [_address(mail.to[0])], "headers": _headers(mail)})
            for mail in mails
        )
        # What stands beside the versions is for those that lack it: none does.
        return self._request(message, _content(message) | {"messageVersions": versions}, {})

    def parse_response(self, response: Response, message: Message) -> Accepted:
        mail_id = response.json_object().get("messageId")
        if isinstance(mail_id, str) and mail_id:
            return Accepted(mail_id)
        raise _unreadable(response)

    def parse_batch(self, response: Response, message: Message) -> tuple[Accepted | SendError, ...]:
        ids = response.json_object().get("messageIds")
        if not isinstance(ids, list) or len(ids) != len(message.to):
            raise _unreadable(response)
        if not all(isinstance(one, str) for one in ids):
            raise _unreadable(response)
        return tuple(Accepted(one) for one in ids)

    def classify_error(self, response: Response, message: Message) -> SendError:
        answer = response.json_object()
        code, text = answer.get("code"), answer.get("message")
        if not isinstance(code, str) or not CODE.fullmatch(code):
            error = classify_http(response)
        else:
            text = text if isinstance(text, str) else ""
            kind = next(
                (kind for key, words, kind in ERRORS if _fits(key, words, code, text)), None
            )
            error = classify_http(response, own_envelope=True, code=code, kind=kind, detail=text)
        if isinstance(error, errors.RateLimited) and error.retry_after is None:
            # Seconds that are left: https://developers.brevo.com/docs/limit-headers (2026-11)
            error.retry_after = parse_retry_after(response.headers.get("x-sib-ratelimit-reset"))
        return error

    def build_ping(self) -> HTTPRequest:
        return HTTPRequest("GET", f"{self.base_url}/v3/account", self._headers())

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        verify_basic_auth(request, self.webhook_username, self.webhook_password)
        return ""

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return tuple(map(_event, request.json_objects()))

    def _request(
        self, message: Message, content: dict[str, Any], headers: dict[str, str]
    ) -> HTTPRequest:
        key = {KEY: message.idempotency_key} if message.idempotency_key else {}
        body = _filled(content | _common(message) | {"headers": headers | key})
        body = merge_options(body, message.options(self.name), reserved=RESERVED)
        http_headers = self._headers() | {"Content-Type": "application/json"}
        return HTTPRequest("POST", f"{self.base_url}/v3/smtp/email", http_headers, json_body(body))

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "api-key": reveal(self.api_key)}


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value}


def _address(address: Address) -> dict[str, str]:
    if address.name:
        return {"email": address.email, "name": _name(address.name)}
    return {"email": address.email}


def _name(name: str) -> str:
    """
    *name*, in encoded words where Brevo would leave it off: not ASCII, with a comma or such.
    """
    # In public issues (2026-11); other names it encodes rightly.
    if name.isascii() or name.replace(" ", "").isalnum():
        return name
    from email.header import Header  # rarely needed, costly to import

    return Header(name, "utf-8").encode(linesep="")


def _common(message: Message) -> dict[str, Any]:
    """
    What is the same for all recipients.
    """
    when = message.send_at and message.send_at.astimezone(UTC)
    return {
        "sender": _address(message.sender),
        "replyTo": _address(message.reply_to[0]) if message.reply_to else None,
        "attachment": [_file(attachment) for attachment in message.attachments],
        "tags": message.tags,
        "scheduledAt": when and f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z",
        "templateId": _template_id(str(message.template_id)),
    }


def _template_id(template: str) -> int | str:
    # One that is no number is for Brevo to refuse: it names the field.
    return int(template) if template.isascii() and template.isdecimal() else template


def _content(message: Message) -> dict[str, Any]:
    return {
        "subject": message.subject,
        "textContent": message.text,
        "htmlContent": message.html,
        "params": message.template_data,
    }


def _headers(message: Message) -> dict[str, str]:
    headers = {}
    for name, value in message.header_items():
        if not value.isascii():
            raise _unsupported("takes no header that is not ASCII", "HEADERS")
        if name.lower() != "message-id":
            headers[name] = value
    metadata = json.dumps({**message.metadata, MAIL_ID: message.id}, ensure_ascii=False)
    return headers | {METADATA: metadata if metadata.isascii() else quote(metadata, safe="")}


def _file(attachment: Attachment) -> dict[str, Any]:
    kind = attachment.content_type.partition(";")[0].strip().lower()
    if kind not in (OCTETS, Attachment(attachment.filename, b"").content_type):
        raise _unsupported("takes no file whose name does not fit its type", "ATTACHMENTS")
    return {"name": attachment.filename, "content": attachment.base64()}


def _unsupported(what: str, feature: str) -> SendError:
    return errors.UnsupportedFeature(f"brevo {what}", features=(feature,))


def _unreadable(response: Response) -> SendError:
    return classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")


def _fits(key: str, words: str, code: str, text: str) -> bool:
    return key == code and re.search(words, text, re.IGNORECASE) is not None


def _event(data: Mapping[str, Any]) -> DeliveryEvent:
    kind, reason = EVENTS.get(as_text(data.get("event")), (EventType.UNKNOWN, None))
    written = as_text(data.get(METADATA))
    milliseconds = data.get("ts_epoch")
    return make_event(
        data,
        type=kind,
        provider_message_id=data.get("message-id"),
        recipient=data.get("email"),
        # The other times are in the zone of the account.
        timestamp=milliseconds / 1000 if isinstance(milliseconds, int) else data.get("ts_event"),
        reject_reason=reason,
        mta_response=data.get("reason"),
        tags=data.get("tags") or data.get("tag"),
        metadata=read_json((written if written[:1] == "{" else unquote(written)).encode()),
        click_url=data.get("link"),
        user_agent=data.get("user_agent"),
    )
