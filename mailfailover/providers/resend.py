"""
Resend, through ``POST /emails``.

https://resend.com/docs/api-reference/emails/send-email (2026-11)
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, Rule
from mailfailover.providers import _resend_account as account
from mailfailover.providers._resend_events import read_events

DAY = 86400.0

# By the "name" of an error. What is not here is judged by its status.
# https://resend.com/docs/api-reference/errors (2026-11)
#
# One name stands for all that a request may have wrong, so its status and words tell more. The
# words are quoted in public client code (2026-11).
ERRORS = plugin.Errors(
    {
        "missing_api_key": errors.AuthenticationFailed,
        "restricted_api_key": errors.AuthenticationFailed,
        "invalid_api_key": errors.AuthenticationFailed,
        "invalid_permission": errors.AuthenticationFailed,
        "suspended_api_key": errors.AccountSuspended,
        "invalid_from_address": errors.SenderRefused,
        "invalid_attachment": errors.UnsupportedFeature,
        "daily_quota_exceeded": errors.QuotaExceeded,
        "monthly_quota_exceeded": errors.QuotaExceeded,
        # The first request with this key is still under way; asking again with it tells more.
        "concurrent_idempotent_requests": errors.OutcomeUnknown,
        # This key came with another mail before, which was probably sent.
        "invalid_idempotent_request": errors.OutcomeUnknown,
    },
    rules=(
        # The domain is not verified, or for tests only.
        Rule(errors.SenderRefused, "validation_error", status=403),
        Rule(
            errors.RecipientRejected, "validation_error", r"Invalid `(to|cc|bcc)` field", status=422
        ),
        Rule(errors.SenderRefused, "validation_error", r"Invalid `from` field", status=422),
        Rule(
            errors.UnsupportedFeature,
            "validation_error",
            r"\b(tags?|attachments?|scheduled_at|templates?|variables?)\b",
            status=422,
        ),
    ),
)

# What a tag's name and value may consist of. Anything else goes as base64url, padded with line
# feeds, which no tag has; so does what could be taken for ours.
# https://resend.com/docs/dashboard/emails/tags (2026-11)
PLAIN_TAG = re.compile(r"(?!tag-|b64-)[A-Za-z0-9_-]{1,256}")
ENCODED = "b64-"
TAG = "tag-{}"

# https://resend.com/docs/dashboard/templates/template-variables (2026-11)
VARIABLES = (str, int, float)

# Type of a file about which nothing is known.
OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resend:
    """
    Sends through Resend.

    The key is made on the page "API Keys" of Resend's console; one with sending access is
    enough. ``build_ping`` lists the domains, which needs full access.

    Provider options are laid over the JSON of each mail: ``{"topic_id": "t-1"}``.

    Resend has one list of tags, each with a name and a value: metadata go there as they are,
    tags as ``tag-1``, ``tag-2``. What has other characters than letters, digits, ``_`` and
    ``-`` goes there as base64url after ``b64-``. Tracking is a setting of the domain. Files
    cannot go with a mail that is to be sent later, and neither of them into a merge in one
    call. A file whose name does not fit its type is refused here, because Resend is said to
    drop such mails without an error. Resend accepts a mail before it looks at its
    suppressions: those show in events only.

    Attributes:
        api_key: A key that may send mail.

        webhook_secret: Verifies webhooks, ``whsec_...``.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "resend"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "a Message-ID made by us, so only the caller's own goes along",
    )

    # https://resend.com/docs/dashboard/emails/idempotency-keys (2026-11)
    idempotency_ttl: ClassVar[float] = DAY

    # To, subject and a body are required. A Message-ID of our own: unconfirmed, so only the
    # caller's goes along. A header is a key of an object.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.MESSAGE_ID
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
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
        max_recipients=50,
        max_merge=100,
        max_bytes=40 * plugin.MB,
        max_delay=30 * DAY,
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        attempts=8,
        span=99_305.0,  # 27 h 35 min 5 s
        page="https://resend.com/docs/webhooks/retries-and-replays (2026-11)",
        endangers="5 days of failures",
    )

    api_key: plugin.Secret = field(repr=False)
    webhook_secret: plugin.Secrets = field(default="", repr=False)
    base_url: str = "https://api.resend.com"

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature:
                If it has files and is to be sent later; a file whose name does not fit its
                type; or data for no template, or other than texts and numbers.
        """
        if message.send_at is not None and message.attachments:
            raise plugin.unsupported("resend sends no files later", "SEND_AT", "ATTACHMENTS")
        return self._post("emails", message, self._mail(message))

    def build_batch(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a merge as a list of mails, filled in here.

        Raises:
            UnsupportedFeature: If it has files, or is to be sent later.
        """
        if message.attachments:
            raise plugin.unsupported("resend takes no files into a merge", "MERGE", "ATTACHMENTS")
        if message.send_at is not None:
            raise plugin.unsupported("resend sends no merge later", "MERGE", "SEND_AT")
        mails = (self._mail(plugin.for_recipient(message, address)) for address in message.to)
        return self._post("emails/batch", message, plugin.WrittenJSON.of_items(mails))

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        return plugin.accepted(response, response.json_object().get("id"))

    def parse_batch(self, response: plugin.Response, message: plugin.Message) -> plugin.Outcomes:
        data = response.json_object().get("data")
        entries = plugin.one_each(response, data, len(message.to))
        return tuple(plugin.accepted(response, entry.get("id")) for entry in entries)

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        answer = response.json_object()
        # One of them was written invalid_api_Key.
        name, text = plugin.as_code(answer.get("name")).lower(), answer.get("message")
        is_own = name and isinstance(text, str)
        error = ERRORS.classify(response, [plugin.Problem(name, str(text))] if is_own else ())
        if isinstance(error, errors.RecipientRejected) and any(map(_is_quoted, message.recipients)):
            # The name may be what it does not like about a recipient.
            kind = errors.UnsupportedFeature
            return plugin.classify_http(response, code=name, kind=kind, detail=str(text))
        return error

    def build_ping(self) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", f"{self.base_url}/domains", self._headers())

    def account_checks(self, asked: plugin.AccountQuestion) -> Iterable[plugin.AccountCheck]:
        return account.checks(self._ask, asked)

    def webhook_setups(self, url: str) -> Iterable[plugin.WebhookSetup]:
        data = {"endpoint": url, "events": list(account.EVENTS)}
        request = plugin.post_json(f"{self.base_url}/webhooks", self._headers(), data)
        return (plugin.WebhookSetup(request, account.read_secret),)

    def _ask(self, path: str) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", f"{self.base_url}/{path}", self._headers())

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        # https://resend.com/docs/webhooks/verify-webhooks-requests (2026-11): through Svix.
        return plugin.verify_standard_webhook(request, self.webhook_secret, prefix="svix")

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request, ENCODED)

    def _mail(self, message: plugin.Message) -> dict[str, Any]:
        fields = {
            "from": str(message.sender),
            "to": [_recipient(address) for address in message.to],
            "cc": [_recipient(address) for address in message.cc],
            "bcc": [_recipient(address) for address in message.bcc],
            "reply_to": [_recipient(address) for address in message.reply_to],
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "headers": dict(message.header_items()),
            "attachments": [_file(attachment) for attachment in message.attachments],
            "tags": _tags(message),
            "scheduled_at": message.send_at.astimezone(UTC).isoformat() if message.send_at else "",
            "template": _template(message),
        }
        body = plugin.filled(fields)
        if message.html:
            body["text"] = message.text  # without an empty one Resend makes a text of its own
        return plugin.merge_options(body, message.options(self.name))

    def _post(self, path: str, message: plugin.Message, body: object) -> plugin.HTTPRequest:
        url, key = f"{self.base_url}/{path}", message.idempotency_key
        return plugin.post_json(url, self._headers(), body, idempotency_key=key)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {plugin.reveal(self.api_key)}"}


def _recipient(address: plugin.Address) -> str:
    """
    *address* as Resend reads it: in quotes a name is refused, as an encoded word it is not.

    It is the other way round for the sender. By the workaround in public client code
    (django-anymail, 2026-11).
    """
    if not _is_quoted(address):
        return str(address)
    from email.header import Header  # rarely needed, costly to import

    return f"{Header(address.name, 'utf-8').encode(linesep='')} <{address.email}>"


def _is_quoted(address: plugin.Address) -> bool:
    return bool(address.name) and str(address).startswith('"')


def _file(attachment: plugin.Attachment) -> dict[str, Any]:
    # A mail is dropped without an error where they differ (django-anymail, 2026-07).
    kind = attachment.content_type.partition(";")[0].strip().lower()
    by_name = plugin.Attachment(attachment.filename, b"").content_type
    if OCTETS not in (kind, by_name) and kind != by_name:
        raise plugin.unsupported(
            "resend takes no file whose name does not fit its type", "ATTACHMENTS"
        )
    fields = {"filename": attachment.filename, "content": attachment.base64()}
    if kind != OCTETS:
        fields["content_type"] = attachment.content_type
    if attachment.content_id:
        fields["content_id"] = attachment.content_id
    return fields


def _tags(message: plugin.Message) -> list[dict[str, str]]:
    pairs = {TAG.format(number): _tag(tag) for number, tag in enumerate(message.tags, 1)}
    pairs |= {_tag(key): _tag(value) for key, value in message.metadata.items()}
    pairs[plugin.MAIL_ID] = message.id
    return [{"name": name, "value": value} for name, value in pairs.items()]


def _tag(text: str) -> str:
    if PLAIN_TAG.fullmatch(text):
        return text
    data = text.encode()
    return ENCODED + urlsafe_b64encode(data + b"\n" * (-len(data) % 3)).decode()


def _template(message: plugin.Message) -> dict[str, Any]:
    plugin.check_template_data(message)
    if not message.template_id:
        return {}
    if any(type(value) not in VARIABLES for value in message.template_data.values()):
        text = "resend fills texts and numbers into a template, and nothing else"
        raise plugin.unsupported(text, "TEMPLATES")
    return {"id": message.template_id, "variables": message.template_data}
