"""
Elastic Email, through ``POST /v4/emails/transactional``.

https://github.com/ElasticEmail/elasticemail-skills, the vendor's own reference of its API, and
the models of its clients (2026-11)
"""

from __future__ import annotations

import json
import re
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
    encode_header,
    json_body,
    merge_options,
    reveal,
)
from mailfailover.providers._elasticemail_events import read_events, verify

# An error has words only, and nearly all have status 400, those of keys too. "APIKey Expired" is
# documented; the other words are unconfirmed.
ERRORS: tuple[tuple[str, type[SendError]], ...] = (
    (r"\bAPI ?Key\b|\baccess (level|denied)\b", errors.AuthenticationFailed),
    (r"\baccount\b.*\b(blocked|disabled|suspended)\b", errors.AccountSuspended),
    (r"\bcredits?\b|\bdaily limit\b", errors.QuotaExceeded),
    (r"\b(from|sender|domain)\b.*\b(verified|verification)\b", errors.SenderRefused),
    (r"\btemplate\b|\battachments?\b", errors.UnsupportedFeature),
)

# Fields are written {name}, and {name:else} has another text for where there is none. So that
# a {name} of the mail's own stays as it is, it is filled in with itself; that the vendor does
# not look into what it filled in is unconfirmed.
FIELD = re.compile(r"\{(\w+)\}")

MAIL_ID = "mailfailover-id"
MAX_CHANNEL = 191

# Options that would change who gets the mail and who sends it, as headers could too.
RESERVED = {"Recipients", "Content.From", "Content.EnvelopeFrom", "Content.Headers"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ElasticEmail:
    """
    Sends through Elastic Email.

    The key is made under Settings, Manage API Keys, with the access level ``SendHttp``.

    Provider options are laid over the JSON of the call: ``{"Options": {"PoolName": "main"}}``.

    Metadata travel as the ``Postback``, as JSON. A tag is the name of a channel. A time to send
    at is a delay there, in minutes, and none of its features here; so are merges, as it does not
    say whether values are escaped in an HTML. Headers that are not ASCII are encoded here. It
    gives each mail a Message-ID of its own.

    ``build_ping`` lists templates, which needs the access level ``ViewTemplates`` too.

    Attributes:
        api_key: A key that may send mail.

        webhook_secret:
            Verifies webhooks, which are not signed: write it into the address that you give to
            Elastic Email, ``https://example.com/hooks?secret=...``. Two while it changes.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "elasticemail"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)
    webhook_method: ClassVar[str] = "GET"

    # To is required; one object is the headers. Images in an HTML, several Reply-To: no such
    # parameters. Mails without subject or body: unconfirmed.
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.TAGS
        | Feature.METADATA
        | Feature.TRACKING
        | Feature.TEMPLATES
        | Feature.ENVELOPE_FROM,
        max_tags=1,
        max_recipients=50,
        max_bytes=20 * MB,
    )

    api_key: str | Callable[[], str] = field(repr=False)
    webhook_secret: Secrets = field(default="", repr=False)
    base_url: str = "https://api.elasticemail.com"

    def build_request(self, message: Message) -> HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature:
                If a tag has more than 191 characters, or for the data of a template without one.
        """
        recipients = {
            "To": [str(address) for address in message.to],
            "CC": [str(address) for address in message.cc],
            "BCC": [str(address) for address in message.bcc],
        }
        content = {
            "From": str(message.sender),
            "ReplyTo": next(map(str, message.reply_to), ""),
            "EnvelopeFrom": message.envelope_from,
            "Subject": message.subject,
            "Body": list(_parts(message)),
            "Headers": _headers(message),
            "Attachments": [_file(one) for one in message.attachments],
            "Postback": json.dumps({**message.metadata, MAIL_ID: message.id}, ensure_ascii=False),
            "TemplateName": message.template_id,
            "Merge": _fields(message),
        }
        body = _filled(
            {
                "Recipients": _filled(recipients),
                "Content": _filled(content),
                "Options": _options(message),
            }
        )
        body = merge_options(body, message.options(self.name), reserved=RESERVED)
        headers = self._headers() | {"Content-Type": "application/json"}
        url = f"{self.base_url}/v4/emails/transactional"
        return HTTPRequest("POST", url, headers, json_body(body))

    def parse_response(self, response: Response, message: Message) -> Accepted:
        mail_id = response.json_object().get("TransactionID")
        if isinstance(mail_id, str) and mail_id:
            return Accepted(mail_id)
        raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")

    def classify_error(self, response: Response, message: Message) -> SendError:
        text = response.json_object().get("Error")
        if not isinstance(text, str):
            return classify_http(response)
        kind = None
        if response.status_code == 400:  # noqa: PLR2004 -- the others say what they mean
            found = (kind for words, kind in ERRORS if re.search(words, text, re.IGNORECASE))
            kind = next(found, None)
        return classify_http(response, own_envelope=True, kind=kind, detail=text)

    def build_ping(self) -> HTTPRequest:
        url = f"{self.base_url}/v4/templates?scopeType=Personal&limit=1"
        return HTTPRequest("GET", url, self._headers())

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        return verify(request, self.webhook_secret)

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return read_events(request)

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "X-ElasticEmail-ApiKey": reveal(self.api_key)}


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value}


def _parts(message: Message) -> Iterator[dict[str, str]]:
    for kind, text in ("PlainText", message.text), ("HTML", message.html):
        if text:
            yield {"ContentType": kind, "Content": text, "Charset": "utf-8"}


def _headers(message: Message) -> dict[str, str]:
    return {
        name: value if value.isascii() else encode_header(value)
        for name, value in message.header_items()
        if name.lower() != "message-id"
    }


def _file(attachment: Attachment) -> dict[str, Any]:
    return {
        "BinaryContent": attachment.base64(),
        "Name": attachment.filename,
        "ContentType": attachment.content_type,
    }


def _fields(message: Message) -> dict[str, str]:
    texts = (message.subject, message.text, message.html)
    own = {name: f"{{{name}}}" for text in texts for name in FIELD.findall(text)}
    if message.template_id:
        return own | {
            name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in message.template_data.items()
        }
    if message.template_data:
        raise _unsupported("fills in the data of a template only in a template", "TEMPLATES")
    return own


def _options(message: Message) -> dict[str, Any]:
    channel = next(iter(message.tags), "")
    if len(channel) > MAX_CHANNEL:
        raise _unsupported("takes no tag of more than 191 characters", "TAGS")
    options = {
        "ChannelName": channel or None,
        "TrackOpens": message.track_opens,
        "TrackClicks": message.track_clicks,
    }
    return {name: value for name, value in options.items() if value is not None}


def _unsupported(what: str, feature: str) -> SendError:
    return errors.UnsupportedFeature(f"elasticemail {what}", features=(feature,))
