"""
MailPace, through ``POST /api/v1/send``.

https://docs.mailpace.com/reference/send (2026-11)
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors
from mailfailover.errors import SendError
from mailfailover.plugin import (
    MB,
    Accepted,
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
    json_body,
    merge_options,
    reveal,
    reveal_all,
    sha256_hex,
    verify_public_key,
)
from mailfailover.providers._mailpace_events import read_events

DAY = 86400.0

# MailPace has no codes, only words: about the call, or about a field of it. The first that
# match count; the rest is judged by its status.
# https://docs.mailpace.com/reference/responses (2026-11)
ERRORS: tuple[tuple[str, type[SendError]], ...] = (
    (r"Invalid API Token", errors.AuthenticationFailed),  # comes with a 400
    (r"from address not parseable", errors.SenderRefused),
    (r"DKIM DNS not verified", errors.SenderRefused),
    (r"does not match domain in From address", errors.SenderRefused),
    (r"does not have an active plan", errors.AccountSuspended),
    (r"organization is unable to send", errors.AccountSuspended),
)
FIELDS: tuple[tuple[str, str, type[SendError]], ...] = (
    (r"to|cc|bcc", r"^is invalid", errors.RecipientRejected),  # cc and bcc by analogy
    (r"to|cc|bcc", r"contains a blocked address", errors.RecipientSuppressed),
    (r"to|cc|bcc", r"exceeds maximum volume", errors.UnsupportedFeature),
    (r"attachments\b.*", r"", errors.UnsupportedFeature),
)

# What it says of a call that names nobody, once it knows the token.
NOBODY = "undefined field"

# The only headers it takes, each as a field.
HEADERS = {
    "in-reply-to": "inreplyto",
    "references": "references",
    "list-unsubscribe": "list_unsubscribe",
}

# What stands before an Ed25519 key that is told without saying that it is one.
# https://www.rfc-editor.org/rfc/rfc8410#section-10.1 (2026-11)
ED25519 = bytes.fromhex("302a300506032b6570032100")
ED25519_SIZE = 32

# Options that would change who gets the mail and who sends it.
RESERVED = {"from", "to", "cc", "bcc"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPace:
    """
    Sends through MailPace.

    The token is made at a domain, under API Tokens, and sends for that domain only.

    Provider options are laid over the JSON of the call: ``{"tags": ["welcome"]}``.

    It takes the headers In-Reply-To, References and List-Unsubscribe only: a mail with any
    other is refused here, and so is one whose unsubscribe is an https URL, which needs a
    second header. It takes files of certain types, and gives each mail a Message-ID of its
    own. It has no metadata, no templates and no tracking, and does not send later.

    One blocked recipient makes MailPace refuse the mail for all.

    Attributes:
        server_token: The token of a domain, not that of the organization.

        webhook_public_key: Verifies webhooks; it stands in the domain's section Webhooks. Two
            while it changes. Needs the extra webhooks.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "mailpace"
    userinfo: ClassVar[tuple[str, ...]] = ("server_token",)

    # https://docs.mailpace.com/guide/idempotency (2026-11)
    idempotency_ttl: ClassVar[float] = DAY

    # To and a body are required. 50 addresses in To; how many beside is not said. Several in
    # Reply-To, and their names: seen to work by a user of the vendor's own gem
    # (github.com/mailpace/mailpace-rails, pull request 35). 30 MB by the manual's source, 50
    # by an older page.
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TAGS
        | Feature.EMPTY_SUBJECT,
        max_recipients=50,
        max_bytes=30 * MB,
    )

    server_token: str | Callable[[], str] = field(repr=False)
    webhook_public_key: Secrets = ""
    base_url: str = "https://app.mailpace.com"

    def build_request(self, message: Message) -> HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature: If it has a header that MailPace does not take.
        """
        fields = {
            "from": str(message.sender),
            "to": ", ".join(map(str, message.to)),
            "cc": ", ".join(map(str, message.cc)),
            "bcc": ", ".join(map(str, message.bcc)),
            "replyto": ", ".join(map(str, message.reply_to)),
            "subject": message.subject,
            "textbody": message.text,
            "htmlbody": message.html,
            **dict(_headers(message)),
            "attachments": [_file(attachment) for attachment in message.attachments],
            "tags": list(message.tags),
        }
        body = {key: value for key, value in fields.items() if value}
        body = merge_options(body, message.options(self.name), reserved=RESERVED)
        return self._post(body, message.idempotency_key)

    def parse_response(self, response: Response, message: Message) -> Accepted:
        mail_id = response.json_object().get("id")
        if isinstance(mail_id, int) and not isinstance(mail_id, bool) and mail_id > 0:
            return Accepted(str(mail_id))
        raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")

    def classify_error(self, response: Response, message: Message) -> SendError:
        return _error(response)

    def build_ping(self) -> HTTPRequest:
        """
        Send nothing to nobody: a token of a domain may do nothing else than send.
        """
        return self._post({})

    def parse_ping(self, response: Response) -> None:
        if ("to", NOBODY) not in _problems(response.json_object()):
            raise _error(response)

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        # https://docs.mailpace.com/guide/webhooks (2026-11): no time, and no id of the event.
        keys = tuple(map(_whole_key, reveal_all(self.webhook_public_key)))
        verify_public_key(request.header("X-MailPace-Signature"), keys, request.body)
        return sha256_hex(request.body)

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return read_events(request)

    def _post(self, body: dict[str, Any], key: str = "") -> HTTPRequest:
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "MailPace-Server-Token": reveal(self.server_token),
        }
        if key:
            headers["Idempotency-Key"] = key
        return HTTPRequest("POST", f"{self.base_url}/api/v1/send", headers, json_body(body))


def _whole_key(key: str) -> str:
    """
    The key as others write it, with the word that it is one of Ed25519.
    """
    try:
        data = b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return key
    return b64encode(ED25519 + data).decode() if len(data) == ED25519_SIZE else key


def _headers(message: Message) -> Iterator[tuple[str, str]]:
    for name, value in message.header_items():
        if name.lower() == "message-id":
            continue
        if name.lower() not in HEADERS:
            raise errors.UnsupportedFeature(
                f"mailpace does not take the header {name!r}", features=("HEADERS",)
            )
        yield HEADERS[name.lower()], value


def _file(attachment: Attachment) -> dict[str, Any]:
    fields = {
        "name": attachment.filename,
        "content": attachment.base64(),
        "content_type": attachment.content_type,
    }
    if attachment.content_id:
        fields["cid"] = f"<{attachment.content_id}>"
    return fields


def _problems(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """
    Yield each field at fault, with what is said of it.
    """
    found = answer.get("errors")
    for name, texts in found.items() if isinstance(found, dict) else ():
        if isinstance(texts, list):
            yield from ((name, text) for text in texts if isinstance(text, str))


def _error(response: Response) -> SendError:
    answer = response.json_object()
    text, problems = answer.get("error"), list(_problems(answer))
    text = text if isinstance(text, str) else ""
    detail = text or "; ".join(f"{name} {why}" for name, why in problems)
    return classify_http(
        response, own_envelope=bool(detail), kind=_kind(text, problems), detail=detail
    )


def _kind(text: str, problems: list[tuple[str, str]]) -> type[SendError] | None:
    """
    The first known meaning of what is said of the call, or else of its fields.
    """
    for words, kind in ERRORS:
        if re.search(words, text, re.IGNORECASE):
            return kind
    for place, words, kind in FIELDS:
        if any(re.fullmatch(place, name) and re.search(words, why) for name, why in problems):
            return kind
    return None
