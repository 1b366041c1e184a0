"""
Elastic Email, through ``POST /v4/emails/transactional``.

https://github.com/ElasticEmail/elasticemail-skills, the vendor's own reference of its API, and
the models of its clients (2026-11)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, Rule
from mailfailover.providers._elasticemail_events import read_events, verify

# An error has words only, and nearly all have status 400, those of keys too. "APIKey Expired" is
# documented; the other words are unconfirmed.
ERRORS = plugin.Errors(
    rules=(
        Rule(
            errors.AuthenticationFailed, words=r"\bAPI ?Key\b|\baccess (level|denied)\b", status=400
        ),
        Rule(
            errors.AccountSuspended,
            words=r"\baccount\b.*\b(blocked|disabled|suspended)\b",
            status=400,
        ),
        Rule(errors.QuotaExceeded, words=r"\bcredits?\b|\bdaily limit\b", status=400),
        Rule(
            errors.SenderRefused,
            words=r"\b(from|sender|domain)\b.*\b(verified|verification)\b",
            status=400,
        ),
        Rule(errors.UnsupportedFeature, words=r"\btemplate\b|\battachments?\b", status=400),
    )
)

# Fields are written {name}, and {name:else} has another text for where there is none. So that
# a {name} of the mail's own stays as it is, it is filled in with itself; that the vendor does
# not look into what it filled in is unconfirmed.
FIELD = re.compile(r"\{(\w+)\}")

MAX_CHANNEL = 191

# Options that would change who gets the mail and who sends it, as headers could too.
RESERVED = {"Content.From", "Content.EnvelopeFrom", "Content.Headers"}

FILE = plugin.FileFields("Name", "BinaryContent", "ContentType")


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
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "the words of its errors",
        "that it does not look for fields in what it filled in",
        "mails without subject or body",
    )
    webhook_method: ClassVar[str] = "GET"

    # To is required; one object is the headers. Images in an HTML, several Reply-To: no such
    # parameters. Mails without subject or body: unconfirmed.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.TAGS
        | Feature.METADATA
        | Feature.TRACKING
        | Feature.TEMPLATES
        | Feature.TEMPLATE_FROM
        | Feature.TEMPLATE_SUBJECT
        | Feature.ENVELOPE_FROM,
        max_tags=1,
        max_recipients=50,
        max_bytes=20 * plugin.MB,
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        statuses=plugin.ONLY_5XX
    )

    api_key: plugin.Secret = field(repr=False)
    webhook_secret: plugin.Secrets = field(default="", repr=False)
    base_url: str = "https://api.elasticemail.com"

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
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
            "Headers": plugin.own_headers(message, encoded=True),
            "Attachments": FILE.all(message),
            "Postback": json.dumps(plugin.own_metadata(message), ensure_ascii=False),
            "TemplateName": message.template_id,
            "Merge": _fields(message),
        }
        body = plugin.filled(
            {
                "Recipients": plugin.filled(recipients),
                "Content": plugin.filled(content),
                "Options": _options(message),
            }
        )
        body = plugin.merge_options(body, message.options(self.name), reserved=RESERVED)
        url = f"{self.base_url}/v4/emails/transactional"
        return plugin.post_json(url, self._headers(), body)

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        return plugin.accepted(response, response.json_object().get("TransactionID"))

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        text = response.json_object().get("Error")
        return ERRORS.classify(
            response, [plugin.Problem(text=text)] if isinstance(text, str) else ()
        )

    def build_ping(self) -> plugin.HTTPRequest:
        url = f"{self.base_url}/v4/templates?scopeType=Personal&limit=1"
        return plugin.HTTPRequest("GET", url, self._headers())

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        return verify(request, self.webhook_secret)

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "X-ElasticEmail-ApiKey": plugin.reveal(self.api_key)}


def _parts(message: plugin.Message) -> Iterator[dict[str, str]]:
    for kind, text in ("PlainText", message.text), ("HTML", message.html):
        if text:
            yield {"ContentType": kind, "Content": text, "Charset": "utf-8"}


def _fields(message: plugin.Message) -> dict[str, str]:
    plugin.check_template_data(message)
    texts = (message.subject, message.text, message.html)
    own = {name: f"{{{name}}}" for text in texts for name in FIELD.findall(text)}
    return own | {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in message.template_data.items()
    }


def _options(message: plugin.Message) -> dict[str, Any]:
    channel = next(iter(message.tags), "")
    if len(channel) > MAX_CHANNEL:
        raise plugin.unsupported("elasticemail takes no tag of more than 191 characters", "TAGS")
    return plugin.filled(
        {
            "ChannelName": channel,
            "TrackOpens": message.track_opens,
            "TrackClicks": message.track_clicks,
        }
    )
