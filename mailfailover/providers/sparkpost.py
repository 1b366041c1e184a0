"""
SparkPost (Bird), through ``POST /api/v1/transmissions``.

https://developers.sparkpost.com/api/transmissions/ (2026-11)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, Rule
from mailfailover.providers import _sparkpost_account as account
from mailfailover.providers._sparkpost_events import read_events

# https://developers.sparkpost.com/api/#header-endpoints (2026-11)
HOSTS = {"us": "https://api.sparkpost.com", "eu": "https://api.eu.sparkpost.com"}

HOUR = 3600.0

# By status ("" for any), code and words; the first that matches counts. The codes of
# idempotency are used elsewhere too, so only the status tells them apart.
# https://support.sparkpost.com/docs/tech-resources/extended-error-codes (2026-11); for
# idempotency github.com/SparkPost/developers.sparkpost.com/pull/590 (2026-08). What the words
# name is unconfirmed.
ERRORS = plugin.Errors(
    rules=(
        Rule(errors.OutcomeUnknown, r"160[01]", status=409),  # in progress, or with another body
        Rule(errors.AccountSuspended, "1601", status=403),  # no licence
        Rule(errors.UnsupportedFeature, "1600", status=404),  # no such template
        Rule(errors.QuotaExceeded, status=420),  # nothing at all was sent
        Rule(errors.QuotaExceeded, r"210[1235]"),
        Rule(errors.SenderRefused, r"700[01]"),  # a blocked or an unconfigured domain
        Rule(errors.ProviderUnavailable, "1502"),  # "retry later", with status 400
        Rule(errors.RecipientSuppressed, "1902"),
        Rule(errors.UnsupportedFeature, r"1901|30[012]\d"),  # a template that cannot be filled in
        Rule(errors.RecipientRejected, "5002"),  # no valid recipient
        Rule(errors.RecipientRejected, r"1[34]00", r"\baddress\.email\b"),
        Rule(errors.SenderRefused, r"1[34]00", r"\b(content\.|header_)from\b"),
    )
)

CODE = re.compile(r"\d{1,6}")

# https://developers.sparkpost.com/api/transmissions/#header-request-body (2026-06), of bytes
MAX_CAMPAIGN = 64
AMP = "text/x-amp-html"
MAX_METADATA = 10 * plugin.KB

# Headers are filled in even where the texts are not (transmissions.apib, 2026-06), and names and
# addresses stand in headers: so what could begin a variable there is brought back by one.
# https://developers.sparkpost.com/api/template-language/ (2026-11): three braces keep a value
# as it is, and a value is not looked into. Our names have a prefix, as some are forbidden.
LANGUAGE = plugin.MergeLanguage(
    "{{{%s}}}", r"[{}]{2,}|[{}](?=\0)|(?<=\0)[{}]", {"{": "mf_open", "}": "mf_close"}
)

# Fields that name the sender.
RESERVED = {"content.from"}

FILE = plugin.FileFields("name", "data", "type")


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkPost:
    """
    Sends through SparkPost.

    A key that may write transmissions is made under "API Keys" in SparkPost's console.

    Provider options are laid over the JSON of the call: ``{"options": {"ip_pool": "main"},
    "description": "Orders"}``. A mail whose *stream* is not ``"transactional"`` goes out as a
    non-transactional one.

    A stored template brings its own subject and headers: a mail that has a subject, cc, headers
    or attachments as well is refused. The mail's sender and Reply-To take the place of the
    template's. Outside of Enterprise accounts
    only the domain of *envelope_from* is kept.

    Where only some recipients are accepted, SparkPost gives their number and not their names:
    all of them are then reported as unknown. Suppressed addresses show in events only.

    Attributes:
        api_key: A key that may write transmissions.

        region: Where the account is, ``"us"`` or ``"eu"``.

        webhook_username: Expected of webhooks, by HTTP basic authentication.

        webhook_password: The same.

        base_url: Scheme and host, for a proxy; that of *region* where empty.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "sparkpost"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "what the words of its errors name",
        "how many recipients a call may have, and how far ahead it may be sent",
    )
    idempotency_ttl: ClassVar[float] = 24 * HOUR

    # A subject and a body are required, and a header is a key of an object.
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
        | Feature.MIME
        | Feature.TAGS
        | Feature.METADATA
        | Feature.TRACKING
        | Feature.SEND_AT
        | Feature.TEMPLATES
        | Feature.TEMPLATE_FROM
        | Feature.MERGE
        | Feature.MERGE_METADATA
        | Feature.MERGE_HEADERS
        | Feature.ENVELOPE_FROM,
        max_tags=1,  # the campaign
        max_metadata_bytes=MAX_METADATA,
        max_recipients=1000,  # unconfirmed
        max_merge=1000,  # unconfirmed
        max_bytes=20 * plugin.MB,
        max_delay=72 * HOUR,  # unconfirmed: by public descriptions of the API
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        attempts=12,
        span=8 * 3600.0,
        page="https://support.sparkpost.com/docs/tech-resources/webhook-data-streams (2026-11)",
    )

    api_key: plugin.Secret = field(repr=False)
    region: str = "us"
    webhook_username: plugin.Secrets = field(default="", repr=False)
    webhook_password: plugin.Secrets = field(default="", repr=False)
    base_url: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", plugin.regional_url(self, HOSTS))

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature: If it has what its template would replace.
        """
        if message.mime or any(one.kind != AMP for one in message.alternatives):
            return self._raw(message)
        # Everybody is a recipient of the same mail, also those in cc and bcc.
        header_to = LANGUAGE.literal(plugin.address_line(message.to))
        recipients = [
            {"address": {"email": address.email, "header_to": header_to}}
            for address in message.recipients
        ]
        if message.template_id:
            return self._request(message, _template(message), recipients)
        headers = {"Message-ID": message.message_id} | plugin.own_headers(message)
        if message.cc:
            headers["Cc"] = plugin.address_line(message.cc)
        content = {
            "subject": LANGUAGE.literal(message.subject),
            "text": message.text,
            "html": message.html,
            "amp_html": next((one.content for one in message.alternatives), ""),
            "headers": {name: LANGUAGE.literal(value) for name, value in headers.items()},
        }
        body = {
            "content": content | _common(message),
            "substitution_data": {**LANGUAGE.values, **message.template_data},
            # For text and HTML only: headers are always gone through.
            "options": {"perform_substitutions": False},
        }
        return self._request(message, body, recipients)

    def build_batch(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a merge with ``substitution_data`` for each recipient.

        Raises:
            UnsupportedFeature: As ``build_request``.
        """
        if message.template_id:
            data = (message.merge_data.get(address.email, {}) for address in message.to)
            recipients = plugin.WrittenJSON.of_items(_merged(message, data))
            return self._request(message, _template(message), recipients)
        empty = message.bound(text="", html="")
        headers = {
            name: LANGUAGE.variable % f"header_{number}"
            for number, name in enumerate(
                plugin.own_headers(plugin.for_recipient(empty, message.to[0]))
            )
        }
        content = {
            "subject": LANGUAGE.variable % "subject",
            "text": _written(message.text),
            "html": _written(message.html, html=True),
            "headers": headers,
        }
        texts = message.bound(subject="")
        filled = (
            {f"v_{name}": value for name, value in one.items()}
            | _lines(plugin.for_recipient(empty, to))
            for to, one in zip(message.to, plugin.all_variables(texts), strict=True)
        )
        body = {"content": content | _common(message), "substitution_data": LANGUAGE.values}
        return self._request(message, body, plugin.WrittenJSON.of_items(_merged(message, filled)))

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        mail_id, everybody = _result(response)
        if everybody:
            return plugin.Accepted(mail_id)
        emails = (address.email for address in message.recipients)
        return plugin.Accepted(mail_id, dict.fromkeys(emails, plugin.RecipientStatus.UNKNOWN))

    def parse_batch(self, response: plugin.Response, message: plugin.Message) -> plugin.Outcomes:
        mail_id, everybody = _result(response)
        status = plugin.RecipientStatus.ACCEPTED if everybody else plugin.RecipientStatus.UNKNOWN
        return tuple(plugin.Accepted(mail_id, {address.email: status}) for address in message.to)

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        return _error(response, response.json_object().get("errors"))

    def build_ping(self) -> plugin.HTTPRequest:
        # Needs no other permission than sending; the campaign keeps the answer short.
        return plugin.HTTPRequest(
            "GET", f"{self._url()}?campaign_id={plugin.MAIL_ID}", self._headers()
        )

    def account_checks(self, asked: plugin.AccountQuestion) -> Iterable[plugin.AccountCheck]:
        return account.checks(self._ask, asked)

    def webhook_setups(self, url: str) -> Iterable[plugin.WebhookSetup]:
        username, password = plugin.webhook_credentials(
            "sparkpost", self.webhook_username, self.webhook_password
        )
        data = {
            "name": "mailfailover",
            "target": url,
            "events": list(account.EVENTS),
            "auth_type": "basic",
            "auth_credentials": {"username": username, "password": password},
        }
        request = plugin.post_json(f"{self.base_url}/api/v1/webhooks", self._headers(), data)
        return (plugin.WebhookSetup(request),)

    def _ask(self, path: str) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", f"{self.base_url}/api/v1/{path}", self._headers())

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        plugin.verify_basic_auth(request, self.webhook_username, self.webhook_password)
        return request.header("x-messagesystems-batch-id")

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _raw(self, message: plugin.Message) -> plugin.HTTPRequest:
        if message.template_id:
            raise plugin.unsupported("sparkpost takes no MIME beside a template", "TEMPLATES")
        mime = plugin.mime_text(message)
        forms = (one.content for one in message.alternatives)
        if any("{{" in one for one in (mime, message.subject, message.text, message.html, *forms)):
            text = "sparkpost fills in what stands between two braces, also in MIME"
            raise plugin.unsupported(text, "MIME")
        if message.mime:
            # Tracking would change the bytes, so it is off unless it is asked for.
            on = {
                "track_opens": bool(message.track_opens),
                "track_clicks": bool(message.track_clicks),
            }
            message = message.bound(**on)
        body = {"content": {"email_rfc822": mime}, "substitution_data": {}}
        recipients = [{"address": {"email": address.email}} for address in message.recipients]
        return self._request(message, body, recipients)

    def _request(
        self,
        message: plugin.Message,
        body: dict[str, Any],
        recipients: list[Any] | plugin.WrittenJSON,
    ) -> plugin.HTTPRequest:
        options = {
            "transactional": message.stream == "transactional",
            "open_tracking": message.track_opens,
            "click_tracking": message.track_clicks,
            **body.get("options", {}),
        }
        if message.send_at is not None:
            when = message.send_at.astimezone(UTC).isoformat(timespec="seconds")
            options["start_time"] = when
        fields = {
            "options": plugin.filled(options),
            "recipients": recipients,
            "content": plugin.filled(body["content"]),
            "override": body.get("override"),
            "campaign_id": _campaign(message),
            "metadata": _metadata(message),
            "substitution_data": body["substitution_data"],
            "return_path": message.envelope_from,
        }
        fields = plugin.filled(fields)
        merged = plugin.merge_options(fields, message.options(self.name), reserved=RESERVED)
        key = message.idempotency_key
        return plugin.post_json(self._url(), self._headers(), merged, idempotency_key=key)

    def _url(self) -> str:
        return f"{self.base_url}/api/v1/transmissions"

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "Authorization": plugin.reveal(self.api_key)}


def _common(message: plugin.Message) -> dict[str, Any]:
    """
    What is the same for all recipients.
    """
    sender = message.sender
    name = {"name": LANGUAGE.literal(sender.name)} if sender.name else {}
    return {
        "from": {"email": sender.email, **name},
        "reply_to": LANGUAGE.literal(plugin.address_line(message.reply_to)),
        "attachments": FILE.files(message),
        "inline_images": FILE.images(message),
    }


def _template(message: plugin.Message) -> dict[str, Any]:
    replaced = {
        "TEMPLATE_OVERRIDE": message.subject,
        "CC": message.cc,
        "HEADERS": plugin.own_headers(message),
        "ATTACHMENTS": message.attachments,
        "AMP": message.alternatives,
    }
    if lacking := [feature for feature, there in replaced.items() if there]:
        text = "sparkpost takes all but the sender and the recipients from a template"
        raise plugin.unsupported(text, *lacking)
    # Here nothing is filled in, so names stand as they are: transmissions.apib of
    # github.com/SparkPost/developers.sparkpost.com (2026-06).
    override = {
        "from": plugin.AddressFields().one(message.sender),
        "reply_to": plugin.address_line(message.reply_to),
    }
    return {
        "content": {"template_id": message.template_id},
        "override": plugin.filled(override),
        "substitution_data": message.template_data,
    }


def _metadata(message: plugin.Message) -> dict[str, str]:
    # Our id is a hint: it goes along where the vendor's limit leaves room for it.
    metadata = plugin.own_metadata(message)
    fits = len(json.dumps(metadata)) <= MAX_METADATA
    return metadata if fits else dict(message.metadata)


def _campaign(message: plugin.Message) -> str:
    tag = next(iter(message.tags), "")
    if len(tag.encode()) > MAX_CAMPAIGN:
        raise plugin.unsupported("sparkpost takes no tag of more than 64 bytes", "TAGS")
    return tag


def _written(text: str, *, html: bool = False) -> str:
    return LANGUAGE.write(text, "v_{}".format, html=html)


def _lines(mail: plugin.Message) -> dict[str, str]:
    """
    The subject and the headers of a recipient's mail, as variables for them.
    """
    values = enumerate(plugin.own_headers(mail).values())
    return {"subject": mail.subject} | {f"header_{number}": value for number, value in values}


def _merged(message: plugin.Message, data: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for address, substitution_data in zip(message.to, data, strict=True):
        recipient: dict[str, Any] = {
            "address": {"email": address.email, "header_to": LANGUAGE.literal(str(address))},
            "substitution_data": substitution_data,
        }
        if metadata := message.merge_metadata.get(address.email):
            recipient["metadata"] = metadata
        yield recipient


def _result(response: plugin.Response) -> tuple[str, bool]:
    """
    The id of a transmission, and whether it goes to all of its recipients.

    Raises:
        SendError: If it goes to nobody, or cannot be read.
    """
    results = response.json_object().get("results")
    results = results if isinstance(results, dict) else {}
    mail_id, accepted, rejected = (
        results.get(name)
        for name in ("id", "total_accepted_recipients", "total_rejected_recipients")
    )
    counts = type(accepted) is int and type(rejected) is int
    if not isinstance(mail_id, str) or not counts or not (accepted or rejected):
        raise plugin.unreadable(response)
    if accepted:
        return mail_id, not rejected
    raise _error(response, results.get("rcpt_to_errors"))


def _error(response: plugin.Response, found: object) -> errors.SendError:
    nobody = errors.RequestRefused if response.ok else None
    return ERRORS.classify(response, map(_problem, plugin.as_objects(found)), otherwise=nobody)


def _problem(entry: Mapping[str, Any]) -> plugin.Problem:
    code = str(entry.get("code") or "")
    texts = (entry.get("message"), entry.get("description"))
    words = ": ".join(one for one in texts if isinstance(one, str))
    return plugin.Problem(code if CODE.fullmatch(code) else "", words)
