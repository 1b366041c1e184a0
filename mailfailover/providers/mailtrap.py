"""
Mailtrap, through ``POST /api/send``.

https://docs.mailtrap.io/developers/email-sending, and the vendor's OpenAPI file, transactional
2.0.0 (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import EventType, Feature, RejectReason
from mailfailover.providers import _mailtrap_account as account

# Mailtrap has no codes, only words; the first that matches counts. Those about From and To are
# the OpenAPI file's; the wording of those marked is unconfirmed by the vendor, as quoted in
# public issues (2026-11).
ERRORS = plugin.Errors(
    words={
        r"'from'.* invalid": errors.SenderRefused,
        r"'(to|cc|bcc)'.* invalid": errors.RecipientRejected,  # by analogy
        r"'(attachments|category|custom_variables|headers|template_.*)'": errors.UnsupportedFeature,
        r"Sending from domain .*not allowed": errors.SenderRefused,  # unconfirmed
        r"Demo domains? can only be used": errors.SenderRefused,  # unconfirmed
        r"Too many emails per second": errors.RateLimited,  # unconfirmed
        r"email limit is reached|upgrade your plan": errors.QuotaExceeded,  # unconfirmed
    }
)

# Sending has hosts of its own, which know no other call than to send.
SENDING = re.compile(r"https://(send|bulk)\.api\.mailtrap\.io")
ACCOUNT = "https://mailtrap.io"

# https://docs.mailtrap.io/email-api-smtp/advanced/webhooks (2026-11)
EVENTS: Mapping[str, tuple[EventType, RejectReason | None]] = {
    "delivery": (EventType.DELIVERED, None),
    "open": (EventType.OPENED, None),
    "click": (EventType.CLICKED, None),
    "unsubscribe": (EventType.UNSUBSCRIBED, None),
    "spam": (EventType.COMPLAINED, None),
    "soft bounce": (EventType.DEFERRED, RejectReason.OTHER),
    "bounce": (EventType.BOUNCED, RejectReason.BOUNCED),
    "suspension": (EventType.DEFERRED, RejectReason.OTHER),  # unconfirmed
    "reject": (EventType.REJECTED, RejectReason.OTHER),
}

# "bounce_category", as the vendor's examples name it; a list of them is nowhere (2026-11).
BOUNCES = {
    "bad_mailbox": RejectReason.INVALID,
    "bad_domain": RejectReason.INVALID,
    "spam": RejectReason.SPAM,
    "policy": RejectReason.BLOCKED,
    "blocked": RejectReason.BLOCKED,
}

# What a merge consists of.
RESERVED = {"base", "requests"}

ADDRESS = plugin.AddressFields()
FILE = plugin.FileFields(
    "filename",
    "content",
    "type",
    "content_id",
    always={"disposition": "attachment"},
    inline={"disposition": "inline"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailtrap:
    """
    Sends through Mailtrap.

    The token is made under Settings, API Tokens, with access to the sending domain.

    Provider options are laid over the JSON of a mail: ``{"custom_variables": {"shop": "1"}}``.
    In a merge they are laid over each recipient's.

    A template has a subject and a category of its own: the mail's subject is not sent then,
    and a tag is refused. Mailtrap gives each mail a Message-ID of its own.

    The stream of promotional mail is ``base_url="https://bulk.api.mailtrap.io"``.

    Attributes:
        api_token: A token of the account.

        webhook_secret: Verifies webhooks.

        base_url: Scheme and host, of another stream or for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "mailtrap"
    userinfo: ClassVar[tuple[str, ...]] = ("api_token",)
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "the words of errors that its OpenAPI file does not list",
        "the order of its message ids",
        "how large one mail may be",
    )

    # One object is the Reply-To, an object the headers. Envelope sender, tracking, a time to
    # send at: no such parameter. Subject and text are required, and one of to, cc and bcc.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TAGS
        | Feature.METADATA
        | Feature.TEMPLATES
        | Feature.TEMPLATE_FROM
        | Feature.MERGE
        | Feature.MERGE_METADATA
        | Feature.MERGE_HEADERS
        | Feature.MERGE_UNEVEN_HEADERS
        | Feature.WITHOUT_TO,
        max_tags=1,
        max_recipients=1000,
        max_merge=500,
        max_bytes=50 * plugin.MB,  # of one call; of one mail: unconfirmed
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        statuses=plugin.ONLY_5XX
    )

    api_token: plugin.Secret = field(repr=False)
    webhook_secret: plugin.Secrets = field(default="", repr=False)
    base_url: str = "https://send.api.mailtrap.io"

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write one mail.

        Raises:
            UnsupportedFeature: If a tag goes with a template.
        """
        return self._request("send", self._mail(message, _common(message) | _own(message)))

    def build_batch(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a merge as one mail for each recipient, filled in here, with common attachments.

        Raises:
            UnsupportedFeature: If a tag goes with a template.
        """
        mails = (plugin.for_recipient(message, address) for address in message.to)
        requests = plugin.WrittenJSON.of_items(self._mail(mail, _own(mail)) for mail in mails)
        return self._request("batch", {"base": _common(message), "requests": requests})

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        answer = response.json_object()
        if answer.get("success") is False:
            raise _refusal(response, answer)
        ids = _message_ids(answer)
        if answer.get("success") is not True or not ids:
            raise plugin.unreadable(response)
        # One for each of to, cc and bcc, in this order: so read by django-anymail, unconfirmed.
        emails = [address.email for address in message.recipients]
        named = dict(zip(emails, ids, strict=True)) if len(emails) == len(ids) else {}
        return plugin.Accepted(ids[0], message_ids=named)

    def parse_batch(self, response: plugin.Response, message: plugin.Message) -> plugin.Outcomes:
        answer = response.json_object()
        items = answer.get("responses")
        if answer.get("success") is False and not items:
            raise _refusal(response, answer)
        entries = plugin.one_each(response, items, len(message.to))
        return tuple(_outcome(response, one) for one in entries)

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        return ERRORS.classify(response, _problems(response.json_object()))

    def build_ping(self) -> plugin.HTTPRequest:
        url = SENDING.sub(ACCOUNT, self.base_url)
        return plugin.HTTPRequest("GET", f"{url}/api/accounts", self._headers())

    def account_checks(self, asked: plugin.AccountQuestion) -> Iterable[plugin.AccountCheck]:
        return account.checks(self._ask, asked)

    def webhook_setups(self, url: str) -> Iterable[plugin.WebhookSetup]:
        webhook = {
            "url": url,
            "webhook_type": "email_sending",
            "payload_format": "json",
            "sending_stream": "transactional",
            "event_types": list(account.EVENTS),
        }
        place = f"{SENDING.sub(ACCOUNT, self.base_url)}/api/webhooks"
        request = plugin.post_json(place, self._headers(), {"webhook": webhook})
        return (plugin.WebhookSetup(request, account.read_secret),)

    def _ask(self, path: str) -> plugin.HTTPRequest:
        url = f"{SENDING.sub(ACCOUNT, self.base_url)}/api/{path}"
        return plugin.HTTPRequest("GET", url, self._headers())

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        # https://docs.mailtrap.io/email-api-smtp/advanced/webhooks (2026-11)
        signature = request.header("mailtrap-signature")
        plugin.verify_hmac(signature, self.webhook_secret, request.body)
        return signature  # of the body alone: the same in each repetition

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return tuple(map(_event, _batch(request)))

    def _mail(self, message: plugin.Message, fields: dict[str, Any]) -> dict[str, Any]:
        return plugin.merge_options(fields, message.options(self.name), reserved=RESERVED)

    def _request(self, method: str, body: dict[str, Any]) -> plugin.HTTPRequest:
        headers = self._headers() | {"Content-Type": "application/json"}
        return plugin.HTTPRequest(
            "POST", f"{self.base_url}/api/{method}", headers, plugin.json_body(body)
        )

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {plugin.reveal(self.api_token)}"}


def _common(message: plugin.Message) -> dict[str, Any]:
    """
    What is the same for all recipients of a merge.
    """
    if message.template_id and message.tags:
        text = "mailtrap takes the category from the template: leave the tag off"
        raise plugin.unsupported(text, "TAGS")
    return plugin.filled(
        {
            "from": ADDRESS.one(message.sender),
            "reply_to": ADDRESS.first(message.reply_to),
            "attachments": FILE.all(message),
            "category": next(iter(message.tags), None),
            "template_uuid": message.template_id,
        }
    )


def _own(message: plugin.Message) -> dict[str, Any]:
    """
    What each recipient of a merge has for himself.
    """
    return plugin.filled(
        {
            "to": ADDRESS.all(message.to),
            "cc": ADDRESS.all(message.cc),
            "bcc": ADDRESS.all(message.bcc),
            "subject": "" if message.template_id else message.subject,
            "text": message.text,
            "html": message.html,
            "headers": plugin.own_headers(message, encoded=True),
            "custom_variables": plugin.own_metadata(message),
            "template_variables": message.template_data,
        }
    )


def _message_ids(answer: Mapping[str, Any]) -> list[str]:
    ids = answer.get("message_ids")
    if not isinstance(ids, list) or not all(isinstance(one, str) and one for one in ids):
        return []
    return ids


def _problems(answer: Mapping[str, Any]) -> list[plugin.Problem]:
    found = answer.get("errors")
    texts = [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
    # Without words it is still Mailtrap that says so.
    unsaid = [plugin.Problem()] if answer.get("success") is False else []
    return [plugin.Problem(text=text) for text in texts] or unsaid


def _refusal(response: plugin.Response, answer: Mapping[str, Any]) -> errors.SendError:
    """
    Make the error of a success that hides one: nothing was sent.
    """
    return ERRORS.classify(response, _problems(answer), otherwise=errors.RequestRefused)


def _outcome(
    response: plugin.Response, answer: Mapping[str, Any]
) -> plugin.Accepted | errors.SendError:
    """
    Read what became of one recipient of a merge.
    """
    if answer.get("success") is False:
        return _refusal(response, answer)
    if answer.get("success") is True and (ids := _message_ids(answer)):
        return plugin.Accepted(ids[0])
    return plugin.unreadable(response)


def _batch(request: plugin.WebhookRequest) -> list[dict[str, Any]]:
    found = request.json_object().get("events")
    if not isinstance(found, list):
        raise errors.InvalidWebhook("mailtrap: the webhook has no list of events")
    return [one for one in found if isinstance(one, dict)]


def _event(data: Mapping[str, Any]) -> plugin.DeliveryEvent:
    kind, reason = EVENTS.get(plugin.as_text(data.get("event")), (EventType.UNKNOWN, None))
    if kind is EventType.BOUNCED:
        reason = BOUNCES.get(plugin.as_text(data.get("bounce_category")), reason)
    return plugin.make_event(
        data,
        type=kind,
        event_id=data.get("event_id"),
        provider_message_id=data.get("message_id"),
        recipient=data.get("email"),
        timestamp=data.get("timestamp"),
        reject_reason=reason,
        mta_response=data.get("response"),
        description=data.get("reason") or data.get("bounce_category"),
        tags=data.get("category"),
        metadata=data.get("custom_variables"),
        click_url=data.get("url"),
        user_agent=data.get("user_agent"),
    )
