"""
SendGrid (Twilio), through ``POST /v3/mail/send``.

https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, Rule
from mailfailover.providers import _sendgrid_account as account
from mailfailover.providers._sendgrid_events import read_events

# https://www.twilio.com/docs/sendgrid/api-reference/mail-send (2026-11)
HOSTS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}

HOUR = 3600.0

# SendGrid has no codes: the status, the field at fault and its words together tell; the first
# that matches counts.
# https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors (2026-07),
# https://support.sendgrid.com/hc/en-us/articles/18322114821403 (2026-11),
# https://www.twilio.com/docs/api/errors/60222 (2026-11)
ERRORS = plugin.Errors(
    rules=(
        # Dressed as a wrong key.
        Rule(errors.QuotaExceeded, words=r"Maximum credits exceeded", status=401),
        Rule(errors.SenderRefused, words=r"verified Sender Identity", status=403),
        Rule(errors.AccountSuspended, words=r"too many bad requests", status=403),  # for a while
        Rule(errors.AuthenticationFailed, status=451),  # a key of the other region
        Rule(
            errors.RecipientRejected,
            words=r"valid address",
            place=r"\.(to|cc|bcc)\.\d+\.email$",
            status=400,
        ),
        Rule(errors.SenderRefused, words=r"valid address", place=r"^from\b", status=400),
        # Over a limit that other vendors do not have.
        Rule(
            errors.UnsupportedFeature,
            place=r"\b(attachments|categories|custom_args|send_at|substitutions)\b",
            status=400,
        ),
    )
)
PLACE = re.compile(r"[\w.]+")

# Fields that name the recipients.
RESERVED = {"personalizations"}

ADDRESS = plugin.AddressFields()
FILE = plugin.FileFields(
    "filename",
    "content",
    "type",
    "content_id",
    always={"disposition": "attachment"},
    inline={"disposition": "inline"},
)


# SendGrid repeats a webhook for 24 hours, perhaps as it was first signed (its manual does not
# say). A body is taken only once, so a wide window lets nobody in.
# https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event (2026-11)
SIGNED_WITHIN = 25 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGrid:
    """
    Sends through SendGrid.

    The key is made under Settings, "API Keys", with the access "Mail Send".

    Provider options are laid over the JSON of the call: ``{"ip_pool_name": "main", "asm":
    {"group_id": 7}}``.

    Templates are dynamic ones (``d-...``); where a template has a subject, that one is used.
    An address named twice among to, cc and bcc gets the mail once, as the first of them,
    because the vendor refuses it twice.

    SendGrid accepts a mail before it looks at its suppressions: those show in events only.

    Attributes:
        api_key: A key that may send mail.

        region: Where the key belongs, ``"global"`` or ``"eu"``.

        webhook_public_key: Verifies webhooks; two while it changes. Needs the extra webhooks.

        base_url: Scheme and host, for a proxy; that of *region* where empty.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "sendgrid"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = ("at which statuses it repeats a webhook",)

    # Subject and text are required, a header is a key of an object, and there is no parameter
    # for the envelope sender.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.MESSAGE_ID
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.CALENDAR
        | Feature.AMP
        | Feature.ALTERNATIVES
        | Feature.TAGS
        | Feature.METADATA
        | Feature.TRACKING
        | Feature.SEND_AT
        | Feature.TEMPLATES
        | Feature.TEMPLATE_FROM
        | Feature.TEMPLATE_SUBJECT
        | Feature.MERGE
        | Feature.MERGE_METADATA
        | Feature.MERGE_HEADERS
        | Feature.MERGE_UNEVEN_HEADERS,
        max_tags=10,
        max_recipients=1000,
        max_merge=1000,
        max_bytes=30 * plugin.MB,  # 20 are recommended
        max_delay=72 * HOUR,
    )
    # Its inbound webhooks are dropped at 4xx; of events the manual does not say.
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        span=24 * 3600.0,
        page="https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event (2026-11)",
        statuses=plugin.ONLY_5XX,
    )

    api_key: plugin.Secret = field(repr=False)
    region: str = "global"
    webhook_public_key: plugin.Secrets = ""
    base_url: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", plugin.regional_url(self, HOSTS))

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        content = {
            "subject": message.subject,
            "content": _content(message.text, message.html, message.alternatives),
        }
        once = _once(message)
        envelope = {
            "to": ADDRESS.all(once.to),
            "cc": ADDRESS.all(once.cc),
            "bcc": ADDRESS.all(once.bcc),
            **_envelope(message),
        }
        return self._request(message, content, [plugin.filled(envelope)])

    def build_batch(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a merge with one personalization for each recipient.
        """

        def tag(name: str) -> str:
            # Replaced wherever it stands, as plain text: so it must not stand there by chance.
            return f"-{plugin.MAIL_ID}-{message.id}-{name}-"

        def envelopes() -> Iterator[dict[str, Any]]:
            shared: plugin.Message | None = None
            common: dict[str, Any] = {}
            for address, mail, data in zip(message.to, mails, sets, strict=True):
                if mail is not shared:
                    shared, common = mail, _envelope(mail)
                yield plugin.filled(
                    {
                        "to": [ADDRESS.one(address)],
                        "subject": plugin.fill(
                            message.subject, message.merge_data.get(address.email, {})
                        ),
                        "substitutions": {tag(name): value for name, value in data.items()},
                        **common,
                    }
                )

        content = _content(
            plugin.rewrite(message.text, tag), plugin.rewrite(message.html, tag, html=True)
        )
        mails, sets = plugin.without_texts(message), plugin.all_variables(message.bound(subject=""))
        return self._request(
            message, {"content": content}, plugin.WrittenJSON.of_items(envelopes())
        )

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        # The body is empty; without the header the answer is not from SendGrid.
        if mail_id := response.headers.get("x-message-id"):
            return plugin.Accepted(mail_id)
        raise plugin.unreadable(response)

    def parse_batch(self, response: plugin.Response, message: plugin.Message) -> plugin.Outcomes:
        return (self.parse_response(response, message),) * len(message.to)

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        found = plugin.as_objects(response.json_object().get("errors"))
        whom = message if message.is_merge else _once(message)
        return ERRORS.classify(response, map(_problem, found), message=whom)

    def build_ping(self) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", self._url("scopes"), self._headers())

    def account_checks(self, asked: plugin.AccountQuestion) -> Iterable[plugin.AccountCheck]:
        return account.checks(self._ask, asked)

    def webhook_setups(self, url: str) -> Iterable[plugin.WebhookSetup]:
        data = {"enabled": True, "url": url, **dict.fromkeys(account.EVENTS, True)}
        request = plugin.post_json(
            f"{self.base_url}/v3/user/webhooks/event/settings", self._headers(), data
        )
        return (plugin.WebhookSetup(request),)

    def _ask(self, path: str) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", f"{self.base_url}/v3/{path}", self._headers())

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        # "Getting Started with the Event Webhook Security Features" of the vendor's manual,
        # https://www.twilio.com/docs/sendgrid/for-developers/tracking-events (2026-11)
        timestamp = request.header("x-twilio-email-event-webhook-timestamp")
        signature = request.header("x-twilio-email-event-webhook-signature")
        signed = timestamp.encode("utf-8", "surrogatepass") + request.body
        plugin.verify_public_key(signature, self.webhook_public_key, signed)
        plugin.verify_time(timestamp, request, window=SIGNED_WITHIN)
        return plugin.sha256_hex(request.body)  # each event has an id; signatures differ every time

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _request(
        self,
        message: plugin.Message,
        content: dict[str, Any],
        envelopes: list[Any] | plugin.WrittenJSON,
    ) -> plugin.HTTPRequest:
        fields = plugin.filled({"personalizations": envelopes, **content, **_common(message)})
        body = plugin.merge_options(fields, message.options(self.name), reserved=RESERVED)
        return plugin.post_json(self._url("mail/send"), self._headers(), body)

    def _url(self, path: str) -> str:
        return f"{self.base_url}/v3/{path}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {plugin.reveal(self.api_key)}"}


def _common(message: plugin.Message) -> dict[str, Any]:
    """
    What is the same for all recipients.
    """
    tracking = {"open_tracking": message.track_opens, "click_tracking": message.track_clicks}
    reply_to = ADDRESS.all(message.reply_to)
    return {
        "from": ADDRESS.one(message.sender),
        "reply_to": reply_to[0] if len(reply_to) == 1 else None,
        "reply_to_list": reply_to if len(reply_to) > 1 else None,
        "attachments": [_file(attachment) for attachment in message.attachments],
        "template_id": message.template_id,
        "categories": list(dict.fromkeys(message.tags)),  # the same twice is refused
        "send_at": int(message.send_at.timestamp()) if message.send_at else None,
        "tracking_settings": {
            name: {"enable": enable} for name, enable in tracking.items() if enable is not None
        },
    }


def _content(
    text: str, html: str, others: Iterable[plugin.Alternative] = ()
) -> list[dict[str, str]]:
    # In this order and before any other form, or it is refused:
    # https://github.com/sendgrid/sendgrid-go/issues/356 (2019-03, seen 2026-11)
    forms = ((one.content_type, one.content) for one in others)
    parts = (("text/plain", text), ("text/html", html), *forms)
    return [{"type": kind, "value": value} for kind, value in parts if value]


def _once(message: plugin.Message) -> plugin.Message:
    """
    The mail with each address once, in whatever case: the vendor refuses the same twice.
    """
    seen: set[str] = set()
    kept: dict[str, list[plugin.Address]] = {"to": [], "cc": [], "bcc": []}
    for kind, addresses in kept.items():
        for address in getattr(message, kind):
            if address.email.lower() not in seen:
                seen.add(address.email.lower())
                addresses.append(address)
    return message.bound(**{kind: tuple(some) for kind, some in kept.items()})


def _envelope(message: plugin.Message) -> dict[str, Any]:
    """
    What a personalization says beyond its recipients.
    """
    own = plugin.own_headers(message, encoded=True)
    return {
        "headers": {"Message-ID": message.message_id} | own,
        "custom_args": plugin.own_metadata(message),
        "dynamic_template_data": message.template_data,
    }


def _file(attachment: plugin.Attachment) -> dict[str, Any]:
    # Of a type's parameters SendGrid takes only the method of a calendar, since 2018-06:
    # https://github.com/sendgrid/sendgrid-nodejs/issues/217 and 1313, where a charset is
    # refused: "The attachment type cannot contain ';'" (2026-11).
    kind, *parameters = (part.strip() for part in attachment.content_type.split(";"))
    methods = [one for one in parameters if one.lower().startswith("method=")]
    is_calendar = kind.lower() == "text/calendar"
    return FILE.one(attachment) | {"type": "; ".join((kind, *methods[:1])) if is_calendar else kind}


def _problem(said: Mapping[str, Any]) -> plugin.Problem:
    place = plugin.as_words(said.get("field"))
    place = place if PLACE.fullmatch(place) else ""
    return plugin.Problem(place, plugin.as_words(said.get("message")), place)
