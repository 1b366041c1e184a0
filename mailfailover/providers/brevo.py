"""
Brevo (formerly Sendinblue), through ``POST /v3/smtp/email``.

https://developers.brevo.com/reference/send-transac-email (2026-11)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import quote, unquote

from mailfailover import errors, plugin
from mailfailover.plugin import EventType, Feature, RejectReason, Rule
from mailfailover.providers import _brevo_account as account

HOUR = 3600.0

# By code and words; the first that matches counts. What is not here is judged by its status.
# Codes: PyPI brevo-python 5.1.0 (2026-11), and for a key that was used before
# https://developers.brevo.com/docs/heterogenous-versions-batch-emails (2026-11). Words: public
# issues (2026-11), unconfirmed.
ERRORS = plugin.Errors(
    {
        # A key seen before: that mail was taken, by all we know, but nobody says so.
        "duplicate_parameter": errors.OutcomeUnknown,
        "duplicate_request": errors.OutcomeUnknown,
        "not_enough_credits": errors.QuotaExceeded,
        "account_under_validation": errors.AccountSuspended,
        "permission_denied": errors.AuthenticationFailed,
        "unauthorized": errors.AuthenticationFailed,
    },
    rules=(
        Rule(errors.AccountSuspended, "permission_denied", r"not (yet )?activated"),
        Rule(errors.RecipientRejected, "invalid_parameter", r"email is not valid in (to|cc|bcc)\b"),
        Rule(errors.SenderRefused, "invalid_parameter", r"email is not valid in sender\b"),
        Rule(errors.SenderRefused, "invalid_parameter", r"the sender you used .* is not valid"),
        Rule(errors.UnsupportedFeature, "invalid_parameter", r"file (format|type|extension)"),
        Rule(errors.UnsupportedFeature, "document_not_found", r"template"),
    ),
)

# Metadata have no place but this header, which comes back in webhooks.
METADATA = "X-Mailin-custom"
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

# The versions of a merge say who gets the mail.
RESERVED = {"messageVersions"}

FILE = plugin.FileFields("name", "content")


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
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = ("the words of its errors",)

    # One page says 15 minutes, another 30: the shorter is safe.
    # https://developers.brevo.com/changelog/email-api-now-supports-idempotency (2026-11)
    idempotency_ttl: ClassVar[float] = 15 * 60.0

    # Subject, a body and To are required, and a header is a key of an object.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.TAGS
        | Feature.METADATA
        | Feature.SEND_AT
        | Feature.TEMPLATES
        | Feature.TEMPLATE_FROM
        | Feature.TEMPLATE_SUBJECT
        | Feature.MERGE
        | Feature.MERGE_METADATA
        | Feature.MERGE_HEADERS
        | Feature.MERGE_UNEVEN_HEADERS,
        max_recipients=99,
        max_merge=1000,
        max_bytes=20 * plugin.MB,
        max_delay=72 * HOUR,
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        attempts=5,
        span=10 * 60 + 11 * HOUR,
        page="https://developers.brevo.com/docs/retry-mechanism (2026-11)",
        given_up="any 4xx or 5xx but 429",
        statuses=MappingProxyType({400: 429, 403: 429, 500: 429, 503: 429}),
    )

    api_key: plugin.Secret = field(repr=False)
    webhook_username: plugin.Secrets = field(default="", repr=False)
    webhook_password: plugin.Secrets = field(default="", repr=False)
    base_url: str = "https://api.brevo.com"

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature:
                If a header is not ASCII, or a file's name does not fit its type.
        """
        people = {
            "to": [_address(one) for one in message.to],
            "cc": [_address(one) for one in message.cc],
            "bcc": [_address(one) for one in message.bcc],
        }
        return self._request(message, people | _content(message), _headers(message))

    def build_batch(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a merge with a version of the mail for each recipient, filled in here.

        Raises:
            UnsupportedFeature: As ``build_request``.
        """
        mails = (plugin.for_recipient(message, address) for address in message.to)
        versions = plugin.WrittenJSON.of_items(
            plugin.filled(
                _content(mail) | {"to": [_address(mail.to[0])], "headers": _headers(mail)}
            )
            for mail in mails
        )
        # What stands beside the versions is for those that lack it: none does.
        return self._request(message, _content(message) | {"messageVersions": versions}, {})

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        return plugin.accepted(response, response.json_object().get("messageId"))

    def parse_batch(self, response: plugin.Response, message: plugin.Message) -> plugin.Outcomes:
        ids = response.json_object().get("messageIds")
        if not isinstance(ids, list) or len(ids) != len(message.to):
            raise plugin.unreadable(response)
        return tuple(plugin.accepted(response, one) for one in ids)

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        answer = response.json_object()
        code, text = plugin.as_code(answer.get("code")), plugin.as_words(answer.get("message"))
        error = ERRORS.classify(response, [plugin.Problem(code, text)] if code else ())
        if isinstance(error, errors.RateLimited) and error.retry_after is None:
            # Seconds that are left: https://developers.brevo.com/docs/limit-headers (2026-11)
            left = response.headers.get("x-sib-ratelimit-reset")
            error.retry_after = plugin.parse_retry_after(left)
        return error

    def build_ping(self) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", f"{self.base_url}/v3/account", self._headers())

    def account_checks(self, asked: plugin.AccountQuestion) -> Iterable[plugin.AccountCheck]:
        return account.checks(self._ask, asked)

    def webhook_setups(self, url: str) -> Iterable[plugin.WebhookSetup]:
        credentials = plugin.webhook_credentials(
            "brevo", self.webhook_username, self.webhook_password
        )
        data = {
            "url": plugin.with_credentials(url, credentials),
            "type": "transactional",
            "events": list(account.EVENTS),
        }
        request = plugin.post_json(f"{self.base_url}/v3/webhooks", self._headers(), data)
        return (plugin.WebhookSetup(request),)

    def _ask(self, path: str) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", f"{self.base_url}/v3/{path}", self._headers())

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        plugin.verify_basic_auth(request, self.webhook_username, self.webhook_password)
        return ""

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return tuple(map(_event, request.json_objects()))

    def _request(
        self, message: plugin.Message, content: dict[str, Any], headers: dict[str, str]
    ) -> plugin.HTTPRequest:
        key = {KEY: message.idempotency_key} if message.idempotency_key else {}
        body = plugin.filled(content | _common(message) | {"headers": headers | key})
        body = plugin.merge_options(body, message.options(self.name), reserved=RESERVED)
        return plugin.post_json(f"{self.base_url}/v3/smtp/email", self._headers(), body)

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "api-key": plugin.reveal(self.api_key)}


def _address(address: plugin.Address) -> dict[str, str]:
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


def _common(message: plugin.Message) -> dict[str, Any]:
    """
    What is the same for all recipients.
    """
    when = message.send_at and message.send_at.astimezone(UTC)
    return {
        "sender": _address(message.sender),
        "replyTo": next(map(_address, message.reply_to), None),
        "attachment": FILE.all(message),
        "tags": message.tags,
        "scheduledAt": when and f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z",
        "templateId": plugin.template_number(message),
    }


def _content(message: plugin.Message) -> dict[str, Any]:
    return {
        "subject": message.subject,
        "textContent": message.text,
        "htmlContent": message.html,
        "params": message.template_data,
    }


def _headers(message: plugin.Message) -> dict[str, str]:
    # What is not ASCII goes out as raw bytes, and an encoded word is decoded to them before
    # (django-anymail, 2026-07).
    headers = plugin.own_headers(message)
    if not "".join(headers.values()).isascii():
        raise plugin.unsupported("brevo takes no header that is not ASCII", "HEADERS")
    metadata = json.dumps(plugin.own_metadata(message), ensure_ascii=False)
    return headers | {METADATA: metadata if metadata.isascii() else quote(metadata, safe="")}


# Milliseconds that a clock may show; a larger number does not fit a float.
LATEST = 10**15


def _event(data: Mapping[str, Any]) -> plugin.DeliveryEvent:
    kind, reason = EVENTS.get(plugin.as_text(data.get("event")), (EventType.UNKNOWN, None))
    written = plugin.as_text(data.get(METADATA))
    milliseconds = data.get("ts_epoch")
    if not isinstance(milliseconds, int) or abs(milliseconds) > LATEST:
        milliseconds = None
    return plugin.make_event(
        data,
        type=kind,
        provider_message_id=data.get("message-id"),
        recipient=data.get("email"),
        # The other times are in the zone of the account.
        timestamp=data.get("ts_event") if milliseconds is None else milliseconds / 1000,
        reject_reason=reason,
        mta_response=data.get("reason"),
        tags=data.get("tags") or data.get("tag"),
        metadata=plugin.read_json((written if written[:1] == "{" else unquote(written)).encode()),
        click_url=data.get("link"),
        user_agent=data.get("user_agent"),
    )
