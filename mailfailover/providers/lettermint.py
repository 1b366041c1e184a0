"""
Lettermint, through ``POST /v1/send``.

https://docs.lettermint.co/api-reference/sending/send/send-an-email, and the vendor's own Python
client (2026-11)
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, Rule
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
ERRORS = plugin.Errors(
    rules=(
        Rule(
            errors.RecipientRejected,
            words=r"valid email address",
            place=r"^(\d+\.)?(to|cc|bcc)\.\d+$",
        ),
        Rule(errors.SenderRefused, place=r"^(\d+\.)?from$"),
        # Over a limit that other vendors do not have.
        Rule(
            errors.UnsupportedFeature,
            place=r"^(\d+\.)?"
            r"(to|cc|bcc|subject|text|html|headers|metadata|tag|attachments|scheduled_at)\b",
        ),
    )
)

# Lettermint keeps such a mail to itself.
SUPPRESSED = "suppressed"

# What a tag may consist of. Anything else goes as base64url, padded with line feeds, which no
# tag has; so does what could be taken for ours.
PLAIN_TAG = re.compile(r"(?!b64-)[A-Za-z0-9_ -]+")
ENCODED = "b64-"

# Keeps a Message-ID from being replaced: by a comment in the vendor's client (2026-11).
KEEP_ID = "X-LM-Preserve-Message-ID"

# Of webhooks: the time and signatures, "t=1,v1=2", and the time once more.
SIGNATURE, DELIVERY = "x-lettermint-signature", "x-lettermint-delivery"
MAX_FIELDS = 10

# How long Lettermint repeats a webhook is not said, nor whether each attempt has a time of its
# own. A body is taken only once, so a wide window lets nobody in.
# https://docs.lettermint.co/platform/webhooks/signing (2026-11)
SIGNED_WITHIN = 28 * 3600.0

FILE = plugin.FileFields("filename", "content", "content_type", "content_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lettermint:
    """
    Sends through Lettermint.

    The token stands in the settings of a project, as its Sending API token.

    Provider options are laid over the JSON of each mail: ``{"settings": {"tls": "enforced"}}``.

    A tag that has other characters than letters, digits, spaces, ``_`` and ``-`` goes there as
    base64url after ``b64-``. It has no stored templates.

    Attributes:
        api_token: The token of a project.

        route: The slug of a route; the project's default one where empty.

        webhook_secret: Verifies webhooks. Two while it changes.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "lettermint"
    userinfo: ClassVar[tuple[str, ...]] = ("api_token",)
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "the words of its errors",
        "how many recipients and bytes a mail may have, and how far ahead it may be sent",
    )

    # https://docs.lettermint.co/platform/emails/idempotency (2026-11)
    idempotency_ttl: ClassVar[float] = DAY

    # To, a subject and a body are required; a header is a key of an object. An envelope sender:
    # no such parameter. How many recipients and bytes a mail may have, and how far ahead it may
    # be sent: unconfirmed.
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
        | Feature.TRACKING
        | Feature.SEND_AT
        | Feature.MERGE
        | Feature.MERGE_METADATA
        | Feature.MERGE_HEADERS
        | Feature.MERGE_UNEVEN_HEADERS,
        max_tags=1,
        max_merge=500,
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        statuses=plugin.ONLY_5XX
    )

    api_token: plugin.Secret = field(repr=False)
    route: str = ""
    webhook_secret: plugin.Secrets = field(default="", repr=False)
    base_url: str = "https://api.lettermint.co"

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        return self._post("send", message, self._mail(message))

    def build_batch(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a merge as a list of mails, filled in here.
        """
        mails = [self._mail(plugin.for_recipient(message, address)) for address in message.to]
        return self._post("send/batch", message, mails)

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        found = _outcome(response, response.json_object())
        if isinstance(found, errors.SendError):
            raise found
        return found

    def parse_batch(self, response: plugin.Response, message: plugin.Message) -> plugin.Outcomes:
        entries = plugin.one_each(response, response.json(), len(message.to))
        return tuple(_outcome(response, entry) for entry in entries)

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        problems = _problems(response.json_object())
        is_conflict = response.status_code == CONFLICT and problems
        if is_conflict or any(USED_KEY in problem.text for problem in problems):
            return plugin.classify_http(
                response, kind=errors.OutcomeUnknown, detail=str(problems[0])
            )
        return ERRORS.classify(response, problems, message=message)

    def build_ping(self) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", f"{self.base_url}/v1/ping", self._headers())

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        # By the vendor's own client, lettermint-python (2026-11).
        fields = [one.partition("=") for one in request.header(SIGNATURE).split(",")[:MAX_FIELDS]]
        given = [value for name, _, value in fields if name == "v1"]
        timestamp = request.header(DELIVERY)
        signed = f"{timestamp}.".encode("utf-8", "surrogatepass") + request.body
        plugin.verify_hmac(given, self.webhook_secret, signed)
        plugin.verify_time(timestamp, request, window=SIGNED_WITHIN)
        return plugin.sha256_hex(request.body)  # it has an id; signatures differ every time

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request, ENCODED)

    def _mail(self, message: plugin.Message) -> dict[str, Any]:
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
            "headers": _headers(message),
            "metadata": plugin.own_metadata(message),
            "tag": next(map(_tag, message.tags), ""),
            "settings": _settings(message),
            "scheduled_at": message.send_at.astimezone(UTC).isoformat() if message.send_at else "",
            "attachments": FILE.all(message),
        }
        return plugin.merge_options(plugin.filled(fields), message.options(self.name))

    def _post(self, path: str, message: plugin.Message, body: object) -> plugin.HTTPRequest:
        url, key = f"{self.base_url}/v1/{path}", message.idempotency_key
        return plugin.post_json(url, self._headers(), body, idempotency_key=key)

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "x-lettermint-token": plugin.reveal(self.api_token)}


def _headers(message: plugin.Message) -> dict[str, str]:
    # "Send values as plain text": the vendor's own client, PyPI lettermint 3.2.0 (2026-10).
    own = plugin.own_headers(message)
    return {"Message-ID": message.message_id, KEEP_ID: "true", **own}


def _tag(tag: str) -> str:
    if PLAIN_TAG.fullmatch(tag):
        return tag
    data = tag.encode()
    return ENCODED + urlsafe_b64encode(data + b"\n" * (-len(data) % 3)).decode()


def _settings(message: plugin.Message) -> dict[str, bool]:
    return plugin.filled({"track_opens": message.track_opens, "track_clicks": message.track_clicks})


def _outcome(
    response: plugin.Response, answer: Mapping[str, Any]
) -> plugin.Accepted | errors.SendError:
    """
    Read what Lettermint says of one mail.
    """
    mail_id = answer.get("message_id")
    if answer.get("status") == SUPPRESSED:
        return plugin.classify_http(response, kind=errors.RecipientSuppressed, detail=SUPPRESSED)
    if isinstance(mail_id, str) and mail_id:
        return plugin.Accepted(mail_id)
    return plugin.unreadable(response)


def _problems(answer: Mapping[str, Any]) -> list[plugin.Problem]:
    """
    What is wrong with which field, or the one thing that is wrong with all.
    """
    error = answer.get("error")
    error = error if isinstance(error, dict) else {"code": error}
    code = plugin.as_code(error.get("code"))
    text = plugin.as_words(error.get("message", answer.get("message")))
    found = [
        plugin.Problem(code, text, place)
        for place, texts in plugin.as_object(answer.get("errors")).items()
        for text in (texts if isinstance(texts, list) else ())
        if isinstance(text, str)
    ]
    if not code and not text:
        return []
    return found or [plugin.Problem(code, text)]
