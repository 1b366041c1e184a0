"""
MailerSend, through ``POST /v1/email``.

https://developers.mailersend.com/api/v1/email (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, Rule
from mailfailover.providers import _mailersend_account as account
from mailfailover.providers._mailersend_events import read_events

HOUR = 3600.0

# The code stands at the end of a text, and the text at the field at fault. What is not here is
# judged by its status.
# https://developers.mailersend.com/general#validation-errors (2026-11); what the codes of
# quotas, limits and plans mean is unconfirmed beyond that.
ERRORS = plugin.Errors(
    {
        "42204": errors.QuotaExceeded,
        "42222": errors.QuotaExceeded,
        "42225": errors.QuotaExceeded,  # recipients of a trial
        "42901": errors.QuotaExceeded,  # calls of a day
        "42205": errors.UnsupportedFeature,  # limits
        "42206": errors.UnsupportedFeature,
        "42210": errors.UnsupportedFeature,
        "42211": errors.UnsupportedFeature,  # text, HTML or a template is required
        "42216": errors.UnsupportedFeature,  # not in this plan
    },
    rules=(
        Rule(errors.SenderRefused, "42207"),  # the domain is not verified
        Rule(errors.SenderRefused, "42208", place=r"^from\b"),  # not an email address
        Rule(errors.RecipientRejected, "42208", place=r"\b(to|cc|bcc)\.\d+\.email$"),
        Rule(errors.UnsupportedFeature, "42209", place=r"^subject$"),  # required
    ),
)
CODE = re.compile(r"#MS(\d{5})\b")

MAINTENANCE = 421

# https://developers.mailersend.com/api/v1/email#suppressed-recipients (2026-11): said with a
# status of success and without a message id.
ALL_SUPPRESSED = "ALL_SUPPRESSED"

# https://developers.mailersend.com/api/v1/email#request-parameters (2026-11), as the vendor's own
# client checks it, PyPI mailersend 2.2.0
MAX_COPIES = 10
MAX_TAGS = 5
OWN_TAG = "mailfailover-id-"
# An encoded word (RFC 2047) says the same without them, as public client code does for Brevo and
# Resend (django-anymail, 2026-11); that MailerSend leaves it as it is is unconfirmed.
NOT_IN_NAMES = re.compile("[,;]")

ADDRESS = plugin.AddressFields()
# There is no field for a file's type, and the vendor makes it that of the name's ending
# (django-anymail, 2026-07).
FILE = plugin.FileFields(
    "filename",
    "content",
    content_id="id",
    always={"disposition": "attachment"},
    inline={"disposition": "inline"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailerSend:
    """
    Sends through MailerSend.

    The token is made at a domain in MailerSend's console, and sends for that domain only.

    Provider options are laid over the JSON of each mail: ``{"precedence_bulk": True,
    "settings": {"track_content": False}}``.

    MailerSend has no metadata, so our id goes along as a tag where there is room for one more.
    It takes custom headers from Enterprise accounts only, and makes the Message-ID itself. It
    tells the type of a file by its name: a file whose type is another is refused here, and so
    are more than ten addresses in cc or in bcc. It fills in ``{{name}}`` in a text by itself,
    and a sender set in a template takes the place of the mail's.

    A merge goes through its bulk call, which looks at the mails later: what it refuses then,
    for example an unverified sender, is not told in the answer.

    Attributes:
        api_token: A token that may send mail.

        webhook_secret: Verifies webhooks; each of MailerSend's webhooks has its own.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "mailersend"
    userinfo: ClassVar[tuple[str, ...]] = ("api_token",)
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "what its codes of quotas, limits and plans mean",
        "that an encoded word in a recipient's name stays as it is",
        "repeated headers",
    )

    # Subject, a body and To are required. Repeated headers: unconfirmed.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TAGS
        | Feature.TRACKING
        | Feature.SEND_AT
        | Feature.TEMPLATES
        | Feature.TEMPLATE_SUBJECT
        | Feature.MERGE
        | Feature.MERGE_HEADERS
        | Feature.MERGE_UNEVEN_HEADERS,
        max_tags=MAX_TAGS,
        max_recipients=50,
        max_merge=500,
        max_bytes=25 * plugin.MB,
        max_delay=72 * HOUR,
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        attempts=3,
        span=110.0,
        page="https://www.mailersend.com/help/webhooks (2026-11)",
        endangers="20 failures within 24 hours",
    )

    api_token: plugin.Secret = field(repr=False)
    webhook_secret: plugin.Secrets = field(default="", repr=False)
    base_url: str = "https://api.mailersend.com"

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature:
                If a file's name does not fit its type, or there are too many in cc or bcc.
        """
        return self._post("email", self._mail(message))

    def build_batch(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a merge as a list of mails, filled in here.

        Raises:
            UnsupportedFeature: As ``build_request``.
        """
        mails = (self._mail(plugin.for_recipient(message, address)) for address in message.to)
        return self._post("bulk-email", plugin.WrittenJSON.of_items(mails))

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        # Without a warning the body is empty; the id stands in a header.
        warnings = plugin.as_objects(response.json_object().get("warnings"))
        suppressed = _suppressed(warnings, message.recipients)
        if mail_id := response.headers.get("x-message-id"):
            status = plugin.RecipientStatus.SUPPRESSED
            return plugin.Accepted(mail_id, dict.fromkeys(suppressed, status))
        if ALL_SUPPRESSED in (warning.get("type") for warning in warnings):
            kind = errors.RecipientSuppressed
            error = plugin.classify_http(response, kind=kind, code=ALL_SUPPRESSED)
            error.recipients = suppressed
            raise error
        raise plugin.unreadable(response)

    def parse_batch(self, response: plugin.Response, message: plugin.Message) -> plugin.Outcomes:
        bulk = plugin.accepted(response, response.json_object().get("bulk_email_id"))
        queued = plugin.RecipientStatus.QUEUED
        return tuple(
            plugin.Accepted(bulk.provider_message_id, {address.email: queued})
            for address in message.to
        )

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        problems = list(_problems(response.json_object()))
        kind = errors.ProviderUnavailable if response.status_code == MAINTENANCE else None
        error = ERRORS.classify(
            response, problems, message=message, otherwise=kind if problems else None
        )
        if isinstance(error, errors.QuotaExceeded):
            error.until = _reset(response)
        return error

    def build_ping(self) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", f"{self.base_url}/v1/api-quota", self._headers())

    def account_checks(self, asked: plugin.AccountQuestion) -> Iterable[plugin.AccountCheck]:
        return account.checks(self._ask, asked)

    def _ask(self, path: str) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", f"{self.base_url}/v1/{path}", self._headers())

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        # https://developers.mailersend.com/api/v1/webhooks.html#security (2026-11)
        signature = request.header("signature")
        plugin.verify_hmac(signature, self.webhook_secret, request.body)
        return signature  # of the body alone: the same in each repetition

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request, OWN_TAG)

    def _mail(self, message: plugin.Message) -> dict[str, Any]:
        if max(len(message.cc), len(message.bcc)) > MAX_COPIES:
            raise plugin.unsupported(
                "mailersend takes no more than 10 in cc or bcc", f"max_recipients={MAX_COPIES}"
            )
        tracking = {"track_opens": message.track_opens, "track_clicks": message.track_clicks}
        fields = {
            "from": ADDRESS.one(message.sender),
            "to": _recipients(message.to),
            "cc": _recipients(message.cc),
            "bcc": _recipients(message.bcc),
            "reply_to": ADDRESS.first(message.reply_to),
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "attachments": FILE.all(message),
            "template_id": message.template_id,
            "personalization": [
                {"email": address.email, "data": message.template_data}
                for address in message.to
                if message.template_data
            ],
            "tags": _tags(message),
            "settings": plugin.filled(tracking),
            "send_at": int(message.send_at.timestamp()) if message.send_at else None,
            "headers": [
                {"name": name, "value": value}
                for name, value in plugin.own_headers(message).items()
            ],
        }
        return plugin.merge_options(plugin.filled(fields), message.options(self.name))

    def _post(self, path: str, body: object) -> plugin.HTTPRequest:
        return plugin.post_json(f"{self.base_url}/v1/{path}", self._headers(), body)

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "application/json",
            "Authorization": f"Bearer {plugin.reveal(self.api_token)}",
        }


def _tags(message: plugin.Message) -> tuple[str, ...]:
    if len(message.tags) >= MAX_TAGS:
        return message.tags
    return *message.tags, OWN_TAG + message.id


def _recipients(addresses: tuple[plugin.Address, ...]) -> list[dict[str, str]]:
    return [ADDRESS.one(plugin.Address(one.email, _name(one.name))) for one in addresses]


def _name(name: str) -> str:
    """
    *name*, as an encoded word where it has what MailerSend refuses in the name of a recipient.
    """
    return plugin.encode_header(name) if NOT_IN_NAMES.search(name) else name


def _suppressed(
    warnings: Iterable[Mapping[str, Any]], recipients: Iterable[plugin.Address]
) -> tuple[str, ...]:
    """
    Find the *recipients* that a warning names, whatever its reason.
    """
    entries = [one for warning in warnings for one in plugin.as_objects(warning.get("recipients"))]
    return tuple(plugin.by_recipient(((one.get("email"), one) for one in entries), recipients))


def _problems(answer: Mapping[str, Any]) -> Iterator[plugin.Problem]:
    """
    Yield what is said of each place in our request, and of the whole at the end.
    """
    whole = answer.get("message")
    if not isinstance(whole, str):
        return
    for place, texts in plugin.as_object(answer.get("errors")).items():
        if isinstance(texts, list):
            yield from (_problem(place, one) for one in texts if isinstance(one, str))
    yield _problem("", whole)


def _problem(place: str, text: str) -> plugin.Problem:
    return plugin.Problem(next(iter(CODE.findall(text)), ""), text, place)


def _reset(response: plugin.Response) -> datetime | None:
    """
    When the quota of calls is renewed, where the answer says so.
    """
    try:
        until = datetime.fromisoformat(response.headers.get("x-apiquota-reset", ""))
    except ValueError:
        return None
    return until if until.tzinfo else until.replace(tzinfo=UTC)
