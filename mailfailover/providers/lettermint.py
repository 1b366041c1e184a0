"""
Lettermint, through ``POST /v1/send``.

https://docs.lettermint.co/api-reference/sending/send/send-an-email, and the vendor's own Python
client (2026-11)
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, ClassVar

from mailfailover import errors
from mailfailover.errors import SendError
from mailfailover.plugin import (
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
    encode_header,
    for_recipient,
    json_body,
    merge_options,
    reveal,
    sha256_hex,
    verify_hmac,
    verify_time,
)
from mailfailover.providers._lettermint_events import read_events

DAY = 86400.0

# A key that came with another mail before, which was probably sent; or one whose first request
# is still under way. Once it was a 422 with these words.
# https://docs.lettermint.co/platform/emails/idempotency (2026-11)
CONFLICT = 409
USED_KEY = "idempotency key has already been used"

# By the field at fault and what is wrong with it; the first that matches counts. In a batch a
# field begins with the number of its mail. The words are those of Laravel, on which Lettermint
# is built; in this API they are unconfirmed.
INVALID: tuple[tuple[str, str, type[SendError]], ...] = (
    (r"(\d+\.)?(to|cc|bcc)\.\d+", r"valid email address", errors.RecipientRejected),
    (r"(\d+\.)?from", r"", errors.SenderRefused),
    # Over a limit that other vendors do not have.
    (
        r"(\d+\.)?(to|cc|bcc|subject|text|html|headers|metadata|tag|attachments|scheduled_at)\b.*",
        r"",
        errors.UnsupportedFeature,
    ),
)
RECIPIENT = re.compile(r"(?:(\d+)\.)?(to|cc|bcc)\.(\d+)")
CODE = re.compile(r"\w+")

# Lettermint keeps such a mail to itself.
SUPPRESSED = "suppressed"

# What a tag may consist of. Anything else goes as base64url, padded with line feeds, which no
# tag has; so does what could be taken for ours.
PLAIN_TAG = re.compile(r"(?!b64-)[A-Za-z0-9_ -]+")
ENCODED = "b64-"

# Keeps a Message-ID from being replaced: by a comment in the vendor's client (2026-11).
KEEP_ID = "X-LM-Preserve-Message-ID"

MAIL_ID = "mailfailover-id"

# Of webhooks: the time and signatures, "t=1,v1=2", and the time once more.
SIGNATURE, DELIVERY = "x-lettermint-signature", "x-lettermint-delivery"
MAX_FIELDS = 10

# Options that would change who gets the mail and who sends it.
RESERVED = {"from", "to", "cc", "bcc"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lettermint:
    """
    Sends through Lettermint.

    The token stands in the settings of a project, as its Sending API token.

    Provider options are laid over the JSON of each mail: ``{"settings": {"tls": "enforced"}}``.

    A tag that has other characters than letters, digits, spaces, ``_`` and ``-`` goes there as
    base64url after ``b64-``. Headers that are not ASCII are encoded here. It has no stored
    templates.

    Attributes:
        api_token: The token of a project.

        route: The slug of a route; the project's default one where empty.

        webhook_secret: Verifies webhooks. Two while it changes.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "lettermint"
    userinfo: ClassVar[tuple[str, ...]] = ("api_token",)

    # https://docs.lettermint.co/platform/emails/idempotency (2026-11)
    idempotency_ttl: ClassVar[float] = DAY

    # To, a subject and a body are required; a header is a key of an object. An envelope sender:
    # no such parameter. How many recipients and bytes a mail may have, and how far ahead it may
    # be sent: unconfirmed.
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
        | Feature.MERGE
        | Feature.MERGE_METADATA
        | Feature.MERGE_HEADERS
        | Feature.MERGE_UNEVEN_HEADERS,
        max_tags=1,
        max_merge=500,
    )

    api_token: str | Callable[[], str] = field(repr=False)
    route: str = ""
    webhook_secret: Secrets = field(default="", repr=False)
    base_url: str = "https://api.lettermint.co"

    def build_request(self, message: Message) -> HTTPRequest:
        return self._post("send", message, self._mail(message))

    def build_batch(self, message: Message) -> HTTPRequest:
        """
        Write a merge as a list of mails, filled in here.
        """
        mails = [self._mail(for_recipient(message, address)) for address in message.to]
        return self._post("send/batch", message, mails)

    def parse_response(self, response: Response, message: Message) -> Accepted:
        found = _outcome(response, response.json())
        if isinstance(found, SendError):
            raise found
        return found

    def parse_batch(self, response: Response, message: Message) -> tuple[Accepted | SendError, ...]:
        entries = response.json()
        if not isinstance(entries, list) or len(entries) != len(message.to):
            raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")
        return tuple(_outcome(response, entry) for entry in entries)

    def classify_error(self, response: Response, message: Message) -> SendError:
        answer = response.json_object()
        code, text = _said(answer)
        own = bool(code or text)
        kind, place, why = _invalid(answer)
        if (own and response.status_code == CONFLICT) or USED_KEY in text:
            kind = errors.OutcomeUnknown
        error = classify_http(response, own_envelope=own, code=code, kind=kind, detail=why or text)
        if kind is errors.RecipientRejected:
            error.recipients = _named(place, message)
        return error

    def build_ping(self) -> HTTPRequest:
        return HTTPRequest("GET", f"{self.base_url}/v1/ping", self._headers())

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        # By the vendor's own client, lettermint-python (2026-11).
        fields = [one.partition("=") for one in request.header(SIGNATURE).split(",")[:MAX_FIELDS]]
        given = [value for name, _, value in fields if name == "v1"]
        timestamp = request.header(DELIVERY)
        signed = f"{timestamp}.".encode("utf-8", "surrogatepass") + request.body
        verify_hmac(given, self.webhook_secret, signed)
        verify_time(timestamp, request)
        return sha256_hex(request.body)  # it has an id; signatures differ every time

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return read_events(request, ENCODED)

    def _mail(self, message: Message) -> dict[str, Any]:
        fields = {
            "route": self.route,
            "from": str(message.sender),
            "to": [str(address) for address in message.to],
            "cc": [str(address) for address in message.cc],
            "bcc": [str(address) for address in message.bcc],
            "reply_to": [str(address) for address in message.reply_to],
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "headers": dict(_headers(message)),
            "metadata": {**message.metadata, MAIL_ID: message.id},
            "tag": next(map(_tag, message.tags), ""),
            "settings": _settings(message),
            "scheduled_at": message.send_at.astimezone(UTC).isoformat() if message.send_at else "",
            "attachments": [_file(attachment) for attachment in message.attachments],
        }
        body = {key: value for key, value in fields.items() if value}
        return merge_options(body, message.options(self.name), reserved=RESERVED)

    def _post(self, path: str, message: Message, body: object) -> HTTPRequest:
        headers = self._headers() | {"Content-Type": "application/json"}
        if message.idempotency_key:
            headers["Idempotency-Key"] = message.idempotency_key
        return HTTPRequest("POST", f"{self.base_url}/v1/{path}", headers, json_body(body))

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "x-lettermint-token": reveal(self.api_token)}


def _headers(message: Message) -> Iterator[tuple[str, str]]:
    yield "Message-ID", message.message_id
    yield KEEP_ID, "true"
    for name, value in message.header_items():
        if name.lower() != "message-id":
            yield name, value if value.isascii() else encode_header(value)


def _tag(tag: str) -> str:
    if PLAIN_TAG.fullmatch(tag):
        return tag
    data = tag.encode()
    return ENCODED + urlsafe_b64encode(data + b"\n" * (-len(data) % 3)).decode()


def _settings(message: Message) -> dict[str, bool]:
    switches = {"track_opens": message.track_opens, "track_clicks": message.track_clicks}
    return {name: on for name, on in switches.items() if on is not None}


def _file(attachment: Attachment) -> dict[str, Any]:
    fields = {
        "filename": attachment.filename,
        "content": attachment.base64(),
        "content_type": attachment.content_type,
    }
    return fields | ({"content_id": attachment.content_id} if attachment.content_id else {})


def _outcome(response: Response, entry: object) -> Accepted | SendError:
    """
    Read what Lettermint says of one mail.
    """
    answer = entry if isinstance(entry, dict) else {}
    mail_id, status = answer.get("message_id"), answer.get("status")
    if status == SUPPRESSED:
        return classify_http(response, kind=errors.RecipientSuppressed, detail=SUPPRESSED)
    if isinstance(mail_id, str) and mail_id:
        return Accepted(mail_id)
    return classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")


def _said(answer: Mapping[str, Any]) -> tuple[str, str]:
    """
    The code and the words, "" for what is not there.
    """
    error = answer.get("error")
    error = error if isinstance(error, dict) else {"code": error}
    code, text = error.get("code"), error.get("message", answer.get("message"))
    return (
        code if isinstance(code, str) and CODE.fullmatch(code) else "",
        text if isinstance(text, str) else "",
    )


def _invalid(answer: Mapping[str, Any]) -> tuple[type[SendError] | None, str, str]:
    """
    What the first known of the fields at fault means, which it is, and what is wrong with it.
    """
    fields = answer.get("errors")
    found = [
        (place, text)
        for place, texts in (fields.items() if isinstance(fields, dict) else ())
        for text in (texts if isinstance(texts, list) else ())
        if isinstance(text, str)
    ]
    for places, words, kind in INVALID:
        for place, text in found:
            if re.fullmatch(places, place) and re.search(words, text):
                return kind, place, f"{place}: {text}"
    return None, "", "; ".join(text for _, text in found)


def _named(place: str, message: Message) -> tuple[str, ...]:
    """
    The address at a place such as ``3.to.0`` of our request.
    """
    return tuple(
        one.email
        for number, kind, position in RECIPIENT.findall(place)
        for one in (message.to if number else getattr(message, kind))[int(number or position) :][:1]
    )
