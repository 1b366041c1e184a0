"""
MailPace, through ``POST /api/v1/send``.

https://docs.mailpace.com/reference/send (2026-11)
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, Rule
from mailfailover.providers._mailpace_events import read_events

DAY = 86400.0

# MailPace has no codes, only words: about the call, or about a field of it. The first that
# match count; the rest is judged by its status.
# https://docs.mailpace.com/reference/responses (2026-11)
ERRORS = plugin.Errors(
    rules=(
        Rule(errors.AuthenticationFailed, words=r"Invalid API Token"),  # comes with a 400
        Rule(errors.SenderRefused, words=r"from address not parseable"),
        Rule(errors.SenderRefused, words=r"DKIM DNS not verified"),
        Rule(errors.SenderRefused, words=r"does not match domain in From address"),
        Rule(errors.AccountSuspended, words=r"does not have an active plan"),
        Rule(errors.AccountSuspended, words=r"organization is unable to send"),
        # Of a field; cc and bcc by analogy.
        Rule(errors.RecipientRejected, words=r"^is invalid", place=r"^(to|cc|bcc)$"),
        Rule(
            errors.RecipientSuppressed, words=r"contains a blocked address", place=r"^(to|cc|bcc)$"
        ),
        Rule(errors.UnsupportedFeature, words=r"exceeds maximum volume", place=r"^(to|cc|bcc)$"),
        Rule(errors.UnsupportedFeature, place=r"^attachments\b"),
    )
)

# What it says of a call that names nobody, once it knows the token.
NOBODY = "undefined field"

# The only headers it takes, each as a field; the vendor's own clients write no other.
# https://docs.mailpace.com/reference/send (2026-11), npm @mailpace/mailpace.js 0.1.3
HEADERS = {
    "in-reply-to": "inreplyto",
    "references": "references",
    "list-unsubscribe": "list_unsubscribe",
}

# What stands before an Ed25519 key that is told without saying that it is one.
# https://www.rfc-editor.org/rfc/rfc8410#section-10.1 (2026-11)
ED25519 = bytes.fromhex("302a300506032b6570032100")
ED25519_SIZE = 32

FILE = plugin.FileFields("name", "content", "content_type", "cid", id_form="<{}>")


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
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "errors of cc and bcc, which are read as those of to",
        "how large a mail may be: its pages differ",
    )

    # https://docs.mailpace.com/guide/idempotency (2026-11)
    idempotency_ttl: ClassVar[float] = DAY

    # To and a body are required. 50 addresses in To; how many beside is not said. Several in
    # Reply-To, and their names: seen to work by a user of the vendor's own gem
    # (github.com/mailpace/mailpace-rails, pull request 35). 30 MB by the manual's source, 50
    # by an older page.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TAGS
        | Feature.EMPTY_SUBJECT,
        max_recipients=50,
        max_bytes=30 * plugin.MB,
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        statuses=plugin.ONLY_5XX
    )

    server_token: plugin.Secret = field(repr=False)
    webhook_public_key: plugin.Secrets = ""
    base_url: str = "https://app.mailpace.com"

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature: If it has a header that MailPace does not take.
        """
        fields = {
            "from": str(message.sender),
            "to": plugin.address_line(message.to),
            "cc": plugin.address_line(message.cc),
            "bcc": plugin.address_line(message.bcc),
            "replyto": plugin.address_line(message.reply_to),
            "subject": message.subject,
            "textbody": message.text,
            "htmlbody": message.html,
            **_headers(message),
            "attachments": FILE.all(message),
            "tags": message.tags,
        }
        body = plugin.merge_options(plugin.filled(fields), message.options(self.name))
        return self._post(body, message.idempotency_key)

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        mail_id = plugin.as_code(response.json_object().get("id"), int)
        return plugin.accepted(response, mail_id if mail_id.isdecimal() and mail_id != "0" else "")

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        return ERRORS.classify(response, _problems(response.json_object()))

    def build_ping(self) -> plugin.HTTPRequest:
        """
        Send nothing to nobody: a token of a domain may do nothing else than send.
        """
        return self._post({})

    def parse_ping(self, response: plugin.Response) -> None:
        problems = _problems(response.json_object())
        if plugin.Problem(text=NOBODY, place="to") not in problems:
            raise ERRORS.classify(response, problems)

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        # https://docs.mailpace.com/guide/webhooks (2026-11): no time, and no id of the event.
        keys = tuple(map(_whole_key, plugin.reveal_all(self.webhook_public_key)))
        plugin.verify_public_key(request.header("X-MailPace-Signature"), keys, request.body)
        return plugin.sha256_hex(request.body)

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _post(self, body: dict[str, Any], key: str = "") -> plugin.HTTPRequest:
        headers = {
            "Accept": "application/json",
            "MailPace-Server-Token": plugin.reveal(self.server_token),
        }
        url = f"{self.base_url}/api/v1/send"
        return plugin.post_json(url, headers, body, idempotency_key=key)


def _whole_key(key: str) -> str:
    """
    The key as others write it, with the word that it is one of Ed25519.
    """
    try:
        data = b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        return key
    return b64encode(ED25519 + data).decode() if len(data) == ED25519_SIZE else key


def _headers(message: plugin.Message) -> dict[str, str]:
    headers = {name.lower(): value for name, value in plugin.own_headers(message).items()}
    if unknown := sorted(headers.keys() - HEADERS.keys()):
        raise plugin.unsupported(f"mailpace does not take the header {unknown[0]!r}", "HEADERS")
    return {HEADERS[name]: value for name, value in headers.items()}


def _problems(answer: Mapping[str, Any]) -> list[plugin.Problem]:
    """
    What is said of the call, and of each field at fault.
    """
    whole = plugin.as_words(answer.get("error"))
    found = [
        plugin.Problem("", text, place)
        for place, texts in plugin.as_object(answer.get("errors")).items()
        for text in (texts if isinstance(texts, list) else ())
        if isinstance(text, str)
    ]
    return [plugin.Problem(text=whole), *found] if whole else found
