"""
MailChannels Email API, through ``POST /tx/v1/send``.

https://docs.mailchannels.com/api-reference/send/send-an-email, and the vendor's OpenAPI file,
1.7.1 (2026-11)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature
from mailfailover.providers._mailchannels_events import read_events, verify

# MailChannels has no codes, only words; the first that matches counts. They are quoted in public
# issues (2026-11) and unconfirmed by the vendor, who says of a 403 that it is either the key or
# the sender's domain: https://docs.mailchannels.com/email-api/errors (2026-11).
ERRORS = plugin.Errors(
    words={
        r"sender is not authorized to send from|domain[ -]lockdown": errors.SenderRefused,
    }
)

# Bytes of a tag, which has no space: the vendor's own client, PyPI mailchannels 1.5.1 (2026-11).
MAX_CAMPAIGN = 48

# A merge is filled in by MailChannels, by Mustache: three braces fill a variable in as it is.
# A text's own brace that would begin a variable becomes one; no other has a hyphen in its name.
# https://mustache.github.io/mustache.5.html (2026-11)
MUSTACHE = plugin.MergeLanguage("{{{%s}}}", r"\{(?=[{\0])", {"{": "literal-brace"})

# Options that would change who gets the mail and who sends it.
RESERVED = {"envelope_from", "personalizations"}

ADDRESS = plugin.AddressFields()
FILE = plugin.FileFields("filename", "content", "type", "content_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailChannels:
    """
    Sends through the Email API of MailChannels.

    The key is made in MailChannels' console, under Settings, API Keys, with the scope ``api``.
    The sender's domain names the account in a DNS record, its Domain Lockdown.

    Provider options are laid over the JSON of the call: ``{"transactional": False}``.

    A tag is the campaign: one, of 48 bytes without a space. Tracking is off where the mail
    does not ask for it, and part of some plans only. Headers that are not ASCII are encoded
    here. MailChannels gives each mail a Message-ID of its own, and has no metadata and no
    stored templates.

    Attributes:
        api_key: A key of the account.

        dkim_domain: The domain to sign for; none is signed by MailChannels where empty.

        dkim_selector: The selector of the key to sign with.

        dkim_private_key: That key in base64; one that MailChannels keeps where empty.

        webhook_account:
            Whose webhooks are taken, the account's handle, or several of them for its
            sub-accounts: all customers' webhooks are signed with the same key. Needs the extra
            webhooks.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "mailchannels"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "the words of its errors",
        "whether the number of recipients is that of to alone",
        "mails without subject",
    )

    # To, a subject and a content are required; a header is a key of an object. A time to send
    # at: no such parameter. Mails without subject, and whether the number of recipients is
    # that of to alone: unconfirmed.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TAGS
        | Feature.TRACKING
        | Feature.ENVELOPE_FROM
        | Feature.MERGE
        | Feature.MERGE_HEADERS
        | Feature.MERGE_UNEVEN_HEADERS,
        max_tags=1,
        max_recipients=1000,
        max_merge=1000,
        max_bytes=30 * plugin.MB,
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        statuses=plugin.ONLY_5XX
    )

    api_key: plugin.Secret = field(repr=False)
    dkim_domain: str = ""
    dkim_selector: str = ""
    dkim_private_key: plugin.Secret = field(default="", repr=False)
    webhook_account: plugin.Secrets = ""
    base_url: str = "https://api.mailchannels.net"

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature: If its tag has a space or more than 48 bytes.
        """
        people = {
            "to": ADDRESS.all(message.to),
            "cc": ADDRESS.all(message.cc),
            "bcc": ADDRESS.all(message.bcc),
        }
        content = [
            {"type": kind, "value": text}
            for kind, text in (("text/plain", message.text), ("text/html", message.html))
            if text
        ]
        fields = {
            "personalizations": [plugin.filled(people)],
            "subject": message.subject,
            "headers": plugin.own_headers(message, encoded=True),
            "content": content,
        }
        return self._request(message, fields)

    def build_batch(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a merge with one personalization for each recipient.

        Raises:
            UnsupportedFeature: As ``build_request``.
        """
        texts = ("text/plain", message.text, False), ("text/html", message.html, True)
        content = [
            {"type": kind, "value": MUSTACHE.write(text, html=html), "template_type": "mustache"}
            for kind, text, html in texts
            if text
        ]
        used = any("literal-brace" in one["value"] for one in content)
        braces = MUSTACHE.values if used else {}
        without_texts = message.bound(text="", html="")
        mails = [plugin.for_recipient(without_texts, address) for address in message.to]
        personalizations = [
            plugin.filled(
                {
                    "to": [ADDRESS.one(address)],
                    "subject": mail.subject,
                    "headers": plugin.own_headers(mail, encoded=True),
                    "dynamic_template_data": plugin.variables(message, address.email) | braces,
                }
            )
            for address, mail in zip(message.to, mails, strict=True)
        ]
        # A subject is required beside those of the recipients, each of whom has his own.
        fields = {"subject": message.subject, "content": content}
        return self._request(message, fields | {"personalizations": personalizations})

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        found = _outcomes(response, 1)[0]
        if isinstance(found, errors.SendError):
            raise found
        return found

    def parse_batch(self, response: plugin.Response, message: plugin.Message) -> plugin.Outcomes:
        return _outcomes(response, len(message.to))

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        found = response.json_object().get("errors")
        texts = [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
        return ERRORS.classify(response, [plugin.Problem(text=text) for text in texts])

    def build_ping(self) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", f"{self.base_url}/tx/v1/usage", self._headers())

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        return verify(request, self.webhook_account, self.base_url, fetch)

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _request(self, message: plugin.Message, fields: dict[str, Any]) -> plugin.HTTPRequest:
        fields |= {
            "from": ADDRESS.one(message.sender),
            "envelope_from": {"email": message.envelope_from} if message.envelope_from else None,
            "reply_to": ADDRESS.first(message.reply_to),
            "attachments": FILE.all(message),
            "campaign_id": next(map(_campaign, message.tags), ""),
            "tracking_settings": _tracking(message),
            "dkim_domain": self.dkim_domain,
            "dkim_selector": self.dkim_selector,
            "dkim_private_key": plugin.reveal(self.dkim_private_key),
        }
        body = plugin.merge_options(
            plugin.filled(fields), message.options(self.name), reserved=RESERVED
        )
        headers = self._headers() | {"Content-Type": "application/json"}
        return plugin.HTTPRequest(
            "POST", f"{self.base_url}/tx/v1/send", headers, plugin.json_body(body)
        )

    def _headers(self) -> dict[str, str]:
        return {"X-Api-Key": plugin.reveal(self.api_key)}


def _campaign(tag: str) -> str:
    if len(tag.encode()) > MAX_CAMPAIGN or any(map(str.isspace, tag)):
        text = "mailchannels takes no tag with a space or of more than 48 bytes"
        raise plugin.unsupported(text, "TAGS")
    return tag


def _tracking(message: plugin.Message) -> dict[str, dict[str, bool]]:
    switches = {"open_tracking": message.track_opens, "click_tracking": message.track_clicks}
    return {name: {"enable": on} for name, on in switches.items() if on is not None}


def _outcomes(response: plugin.Response, count: int) -> plugin.Outcomes:
    results = plugin.one_each(response, response.json_object().get("results"), count)
    found = {one["index"]: one for one in results if isinstance(one.get("index"), int)}
    return tuple(_outcome(response, found.get(number, {})) for number in range(count))


def _outcome(
    response: plugin.Response, result: Mapping[str, Any]
) -> plugin.Accepted | errors.SendError:
    """
    Read what became of one personalization.
    """
    mail_id, status, reason = map(result.get, ("message_id", "status", "reason"))
    if status == "failed":
        problem = plugin.Problem(text=plugin.as_words(reason))
        return ERRORS.classify(response, [problem], otherwise=errors.RequestRefused)
    if status == "sent" and isinstance(mail_id, str) and mail_id:
        return plugin.Accepted(mail_id)
    return plugin.unreadable(response)
