"""
Sweego, through ``POST /send``.

https://learn.sweego.io/docs/sweego/send-send-post (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, Rule
from mailfailover.providers._sweego_events import OWN_ID, read_events

# Sweego has no codes; a 422 names the place in the JSON that is at fault. What is not here is
# judged by its status. https://learn.sweego.io/docs/api-error-codes (2026-11), the words of a
# bad address by the framework that the API shows (FastAPI): unconfirmed.
ERRORS = plugin.Errors(
    rules=(
        Rule(
            errors.RecipientRejected,
            words=r"valid email",
            place=r"\b(recipients|cc|bcc)\b",
            status=422,
        ),
        Rule(errors.SenderRefused, words=r"valid email", place=r"\bfrom\b", status=422),
        Rule(
            errors.UnsupportedFeature,
            place=r"\b(attachments|headers|list-unsub|campaign-tags|template-id)\b",
            status=422,
        ),
    )
)

# https://learn.sweego.io/docs/emails/headers/custom_headers (2026-11)
MAX_HEADERS = 5
TAG = re.compile(r"[A-Za-z0-9-]{1,20}")

# An unsubscribe header has one address, or an address and a URL for one click; what else it may
# have Sweego answers with a 422. https://learn.sweego.io/docs/emails/headers/list_unsub (2026-11)
UNSUBSCRIBE = "list-unsubscribe"
ONE_CLICK = "list-unsubscribe-post"
URIS = re.compile(r"\s*<([^<>\s]+)>\s*(?:,\s*<([^<>\s]+)>\s*)?")

# The id of no mail: a ping asks for it.
NO_MAIL = "00-00000000-0000-0000-0000-000000000000"

ADDRESS = plugin.AddressFields()
# A file has no type of its own. https://learn.sweego.io/docs/emails/attachments (2026-11)
FILE = plugin.FileFields(
    "filename", "content", content_id="content_id", inline={"disposition": "inline"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweego:
    """
    Sends through Sweego.

    The key is made under Credentials, and may be one for certain domains only.

    Provider options are laid over the JSON of the call: ``{"campaign-type": "transac",
    "tracking_open": False}``.

    It takes headers that begin with ``X-``, five of them, our own ``X-Mailfailover-Id``
    included where there is room. An unsubscribe is a mailto address, or such an address and an
    https URL. A mail with another header is refused here, and so is a tag of other characters
    than ASCII letters, digits and hyphens, or of more than twenty. The type of a file follows
    from its name. The data of a template goes to a single recipient. It gives each mail a
    Message-ID of its own, and has no metadata.

    Mails to suppressed recipients are accepted; its logs tell of them, its webhooks do not.

    Attributes:
        api_key: The key.

        webhook_secret: Verifies webhooks; it stands at each of them. Two while it changes.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "sweego"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)
    maturity: ClassVar[str] = "provisional"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "the words of a bad address",
        "how it answers a ping",
    )

    # To, subject and a body are required. Of tracking only that of opens can be switched off.
    # An envelope sender, a time to send at: no such parameter. How the call for merges fills in
    # a text, and what it escapes, is not said: each recipient gets a mail of his own.
    # https://learn.sweego.io/docs/sending/how_to_send_email_by_api and
    # https://learn.sweego.io/docs/emails/attachments (2026-11)
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TAGS
        | Feature.TEMPLATES
        | Feature.TEMPLATE_FROM
        | Feature.TEMPLATE_SUBJECT,
        max_tags=5,
        max_bytes=20 * plugin.MB,
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        statuses=plugin.ONLY_5XX
    )

    api_key: plugin.Secret = field(repr=False)
    webhook_secret: plugin.Secrets = field(default="", repr=False)
    base_url: str = "https://api.sweego.io"

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature:
                If it has a header, a tag or a file that Sweego does not take, a template
                without a subject, or data for no template or for several recipients.
        """
        _check_template(message)
        headers = plugin.own_headers(message, encoded=True)
        fields = {
            "channel": "email",
            "provider": "sweego",
            "from": ADDRESS.one(message.sender),
            "recipients": ADDRESS.all(message.to),
            "cc": ADDRESS.all(message.cc),
            "bcc": ADDRESS.all(message.bcc),
            "reply-to": ADDRESS.first(message.reply_to),
            "subject": message.subject,
            "message-txt": message.text,
            "message-html": message.html,
            "template-id": message.template_id,
            "variables": message.template_data,
            "headers": _headers(headers, message.id),
            "list-unsub": _unsubscribe(headers),
            "campaign-tags": [_tag(tag) for tag in message.tags],
            "attachments": FILE.all(message),
        }
        body = plugin.merge_options(plugin.filled(fields), message.options(self.name))
        return plugin.post_json(f"{self.base_url}/send", self._headers(), body)

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        pairs = plugin.as_object(response.json_object().get("swg_uids")).items()
        named = ((email, one) for email, one in pairs if isinstance(one, str) and one)
        ids = plugin.by_recipient(named, message.recipients)
        if not ids:
            raise plugin.unreadable(response)
        statuses = {
            email: plugin.RecipientStatus.ACCEPTED
            if email in ids
            else plugin.RecipientStatus.UNKNOWN
            for email in (one.email for one in message.recipients)
        }
        return plugin.Accepted(next(iter(ids.values())), statuses, ids)

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        return _error(response)

    def build_ping(self) -> plugin.HTTPRequest:
        """
        Ask after a mail that is not there: whoever may send may ask.
        """
        return plugin.HTTPRequest("GET", f"{self.base_url}/logs/{NO_MAIL}/status", self._headers())

    def parse_ping(self, response: plugin.Response) -> None:
        # A success by the manual, and a 404 by its list of codes: unconfirmed which.
        is_own = isinstance(response.json_object().get("msg"), str)
        if not (is_own and response.status_code in (200, 404)):
            raise _error(response)

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        # https://learn.sweego.io/docs/webhooks/webhook_signature (2026-11): the standard's,
        # without a version. How old one may be is not said.
        return plugin.verify_standard_webhook(request, self.webhook_secret, version="")

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _headers(self) -> dict[str, str]:
        return {"Api-Key": plugin.reveal(self.api_key)}


def _check_template(message: plugin.Message) -> None:
    plugin.check_template_data(message)
    if message.template_id and not message.subject:
        raise plugin.unsupported("sweego needs a subject beside a template", "EMPTY_SUBJECT")
    if message.template_data and len(message.to) > 1:
        text = "sweego fills in the data of a single recipient"
        raise plugin.unsupported(text, "TEMPLATES")


def _headers(headers: Mapping[str, str], mail_id: str) -> dict[str, str]:
    """
    The headers of the mail and our own, without the X- that Sweego puts before each.
    """
    found = {
        name: value
        for name, value in headers.items()
        if name.lower() not in (UNSUBSCRIBE, ONE_CLICK)
    }
    if len(found) > MAX_HEADERS or not all(name.lower().startswith("x-") for name in found):
        text = f"sweego takes no more than {MAX_HEADERS} headers, which begin with X-"
        raise plugin.unsupported(text, "HEADERS")
    bare = {name[2:]: value for name, value in found.items()}
    return bare if len(bare) == MAX_HEADERS else bare | {OWN_ID: mail_id}


def _unsubscribe(headers: Mapping[str, str]) -> dict[str, str]:
    known = {name.lower(): value for name, value in headers.items()}
    if UNSUBSCRIBE not in known:
        if ONE_CLICK in known:
            text = "sweego takes no List-Unsubscribe-Post without the other"
            raise plugin.unsupported(text, "HEADERS")
        return {}
    found = URIS.fullmatch(known[UNSUBSCRIBE])
    uris = [uri for uri in found.groups() if uri] if found else []
    uris.sort(key=_is_mailto, reverse=True)
    one_click = ONE_CLICK in known
    if [_is_mailto(uri) for uri in uris] != [True, False][: 1 + one_click]:
        text = "sweego takes a mailto address to unsubscribe, or one and a URL for one click"
        raise plugin.unsupported(text, "HEADERS")
    method = "one-click" if one_click else "mailto"
    return {"method": method, "value": ",".join(f"<{uri}>" for uri in uris)}


def _is_mailto(uri: str) -> bool:
    return uri.lower().startswith("mailto:")


def _tag(tag: str) -> str:
    if not TAG.fullmatch(tag):
        raise plugin.unsupported(
            "sweego takes tags of up to 20 letters, digits and hyphens", "TAGS"
        )
    return tag


def _error(response: plugin.Response) -> errors.SendError:
    answer = response.json_object()
    said = (plugin.as_words(answer.get(name)) for name in ("msg", "detail", "message"))
    whole = [plugin.Problem(text=text) for text in said if text][:1]
    return ERRORS.classify(response, _problems(answer) or whole)


def _problems(answer: Mapping[str, Any]) -> list[plugin.Problem]:
    """
    Each place at fault, as the names on the way to it, with what is said of it.
    """
    return [
        plugin.Problem("", one["msg"], ".".join(plugin.as_list(one.get("loc"))))
        for one in plugin.as_objects(answer.get("detail"))
        if isinstance(one.get("msg"), str)
    ]
