"""
Mailomat, through ``POST /message``.

The vendor's manual, https://api.mailomat.swiss/docs, could not be read. All that is here is by
the bridge in Symfony that was made after it (github.com/symfony/symfony, pull request 57456),
its tests, and other public client code (2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors
from mailfailover.errors import SendError
from mailfailover.plugin import (
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
    json_body,
    merge_options,
    reveal,
    verify_hmac,
    verify_time,
)
from mailfailover.providers._mailomat_events import EVENT, read_events

# A 422 names the places in the JSON that are at fault; its words are in the language of the
# account. What is not here is judged by its status. Unconfirmed beyond the form.
RECIPIENT = re.compile(r"(to|cc|bcc)\[(\d{1,4})\]\.email")
PLACES: tuple[tuple[re.Pattern[str], type[SendError]], ...] = (
    (RECIPIENT, errors.RecipientRejected),
    (re.compile(r"from(\.email)?"), errors.SenderRefused),
    (re.compile(r"attachments\b.*"), errors.UnsupportedFeature),
)
INVALID = 422

# It repeats a webhook for eight hours, and whether it then signs anew is not said
# (github.com/symfony/symfony, pull request 65699).
SIGNED_WITHIN = 9 * 3600.0

# Options that would change who gets the mail and who sends it.
RESERVED = {"from", "to", "cc", "bcc"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailomat:
    """
    Sends through Mailomat.

    Provider options are laid over the JSON of the call.

    It has texts and files, but no headers, no inline images, no tags, no metadata, no templates
    and no tracking of one mail, and does not send later. It gives each mail a Message-ID of its
    own.

    The signature of its webhooks covers what kind of event they tell, but not of whom: let them
    come to an address that only Mailomat knows.

    Attributes:
        api_key: A key of the API.

        webhook_secret: Verifies webhooks. Two while it changes.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "mailomat"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)

    # To, subject and a body are required. The name of an inline image's field differs among the
    # clients. How large a mail may be, and how many it may name: unconfirmed.
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML | Feature.REPLY_TO | Feature.MULTIPLE_REPLY_TO | Feature.ATTACHMENTS
    )

    api_key: str | Callable[[], str] = field(repr=False)
    webhook_secret: Secrets = field(default="", repr=False)
    base_url: str = "https://api.mailomat.swiss"

    def build_request(self, message: Message) -> HTTPRequest:
        fields = {
            "from": _address(message.sender),
            "to": [_address(address) for address in message.to],
            "cc": [_address(address) for address in message.cc],
            "bcc": [_address(address) for address in message.bcc],
            "replyTo": [_address(address) for address in message.reply_to],
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "attachments": [_file(attachment) for attachment in message.attachments],
        }
        body = {key: value for key, value in fields.items() if value}
        body = merge_options(body, message.options(self.name), reserved=RESERVED)
        headers = self._headers() | {"Content-Type": "application/json"}
        return HTTPRequest("POST", f"{self.base_url}/message", headers, json_body(body))

    def parse_response(self, response: Response, message: Message) -> Accepted:
        mail_id = response.json_object().get("messageUuid")
        if isinstance(mail_id, str) and mail_id:
            return Accepted(mail_id)
        raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")

    def classify_error(self, response: Response, message: Message) -> SendError:
        answer = response.json_object()
        problems = dict(_problems(answer.get("violations")))
        texts = [answer.get(name) for name in ("detail", "message", "title")]
        text = "; ".join(problems.values()) or next((t for t in texts if isinstance(t, str)), "")
        kinds = (kind for place, kind in PLACES if any(map(place.fullmatch, problems)))
        kind = next(kinds, None) if response.status_code == INVALID else None
        error = classify_http(response, own_envelope=bool(text), kind=kind, detail=text)
        if kind is errors.RecipientRejected:
            error.recipients = tuple(_named(problems, message))
        return error

    def build_ping(self) -> HTTPRequest:
        url = f"{self.base_url}/events?itemsPerPage=1"
        return HTTPRequest("GET", url, self._headers())

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        names = ("X-MOM-Webhook-Id", EVENT, "X-MOM-Webhook-Timestamp", "X-MOM-Webhook-Signature")
        number, kind, timestamp, given = map(request.header, names)
        signed = f"{number}.{kind}.{timestamp}".encode("utf-8", "surrogatepass")
        digest, _, signature = given.partition("=")
        verify_hmac(signature if digest == "sha256" else "", self.webhook_secret, signed)
        verify_time(timestamp, request, window=SIGNED_WITHIN)
        return number

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return read_events(request)

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "Authorization": f"Bearer {reveal(self.api_key)}"}


def _address(address: Address) -> dict[str, Any]:
    if address.name:
        return {"email": address.email, "name": address.name}
    return {"email": address.email}


def _file(attachment: Attachment) -> dict[str, Any]:
    return {
        "filename": attachment.filename,
        "contentBase64": attachment.base64(),
        "contentType": attachment.content_type,
    }


def _problems(violations: object) -> Iterator[tuple[str, str]]:
    """
    Yield each place at fault, with what is said of it.
    """
    for one in violations if isinstance(violations, list) else ():
        found = one if isinstance(one, dict) else {}
        place, text = found.get("propertyPath"), found.get("message")
        if isinstance(place, str) and isinstance(text, str):
            yield place, text


def _named(places: Iterable[str], message: Message) -> Iterator[str]:
    for place in places:
        if found := RECIPIENT.fullmatch(place):
            yield from (one.email for one in getattr(message, found[1])[int(found[2]) :][:1])
