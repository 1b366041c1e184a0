"""
Scaleway Transactional Email, through ``POST .../regions/<region>/emails``.

https://www.scaleway.com/en/developers/api/transactional-email/ (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import EventType, Feature, RejectReason, Rule
from mailfailover.providers import _scaleway_account as account

REGION = re.compile(r"[a-z0-9-]+")

INVALID = "invalid_arguments"

# By the "type" of an error, the same in all of the vendor's APIs. scw/errors.go of
# github.com/scaleway/scaleway-sdk-go (2026-11); which of them this API gives for which fault
# is unconfirmed.
#
# Of invalid_arguments: the argument at fault, and its reason. Over a constraint, such as how
# many recipients or which types of file, other vendors are not.
ERRORS = plugin.Errors(
    {
        "denied_authentication": errors.AuthenticationFailed,
        "locked": errors.AccountSuspended,
        "permissions_denied": errors.AuthenticationFailed,
        "quotas_exceeded": errors.QuotaExceeded,
        "transient_state": errors.ProviderUnavailable,
    },
    rules=(
        Rule(errors.SenderRefused, INVALID, place=r"^from\b"),
        Rule(errors.RecipientRejected, INVALID, r"^\S*format", r"^(to|cc|bcc)\b"),
        Rule(
            errors.UnsupportedFeature,
            INVALID,
            r"^\S*constraint",
            r"^(to|cc|bcc|subject|text|html)\b",
        ),
        Rule(errors.UnsupportedFeature, INVALID, place=r"^(attachments|additional_headers)\b"),
    ),
)

# https://www.scaleway.com/en/developers/api/transactional-email/ (2026-11)
STATUS = {
    "new": plugin.RecipientStatus.QUEUED,
    "sending": plugin.RecipientStatus.QUEUED,
    "sent": plugin.RecipientStatus.ACCEPTED,
    "failed": plugin.RecipientStatus.REFUSED,
    "canceled": plugin.RecipientStatus.REFUSED,
}

# https://www.scaleway.com/en/docs/transactional-email/api-cli/webhook-events-payloads/ (2026-11)
EVENTS: Mapping[str, tuple[EventType, RejectReason | None]] = {
    "email_queued": (EventType.QUEUED, None),
    "email_delivered": (EventType.DELIVERED, None),
    "email_deferred": (EventType.DEFERRED, RejectReason.OTHER),
    "email_dropped": (EventType.BOUNCED, RejectReason.BOUNCED),
    "email_mailbox_not_found": (EventType.BOUNCED, RejectReason.INVALID),
    "email_spam": (
        EventType.BOUNCED,
        RejectReason.SPAM,
    ),  # by the recipient's server: unconfirmed
    "email_blocklisted": (EventType.REJECTED, RejectReason.BOUNCED),
}

# Its Topics and Events speak as Amazon's SNS does; certificates are rotated, their issuer stays.
# https://www.scaleway.com/en/docs/topics-and-events/reference-content/veriying-webhooks (2026-11)
TOPICS = plugin.SNSHome(
    r"arn:scw:sns:(?P<region>[a-z]+-[a-z]+):[\w-]+:[\w.-]+",
    r"https://messaging\.s3\.fr-par\.scw\.cloud/{region}/[\w./-]+",
    "https://sns.mnq.{region}.scaleway.com/",
    "https://messaging.s3.fr-par.scw.cloud/{region}/sns/sns-trust-chain.pem",
)

# There is no metadata, but events tell the headers of their mail.
MAIL_ID = "X-Mailfailover-Id"

# Whose mail it is.
RESERVED = {"project_id"}

ADDRESS = plugin.AddressFields()
FILE = plugin.FileFields("name", "content", "type")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaleway:
    """
    Sends through Scaleway Transactional Email.

    The key is made under IAM, API keys; its secret is what is needed, with the permission
    set ``TransactionalEmailEmailApiCreate``.

    Provider options are laid over the JSON of the call: ``{"send_before":
    "2026-12-24T18:00:00Z"}``.

    It takes 10 files of certain types only, no inline images, and gives each mail a
    Message-ID of its own. Our id goes along as the header ``X-Mailfailover-Id``. Mails to
    blocked recipients are accepted: those show in events only.

    ``build_ping`` reads the domains, which needs ``TransactionalEmailDomainRead``.

    Attributes:
        secret_key: The secret of an API key.

        project_id: The project with the sender's domain.

        region: Where the project sends from.

        webhook_topic_arn:
            The topic of its Topics and Events whose notifications are taken as webhooks. Needs
            the extra webhooks.

        base_url: Scheme and host, for a proxy.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "scaleway"
    userinfo: ClassVar[tuple[str, ...]] = ("secret_key", "project_id")
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "which type of error stands for which fault",
        "repeated headers, and mails without subject or text",
    )

    # Inline images, tags, metadata, tracking, templates, a time to send at, an envelope
    # sender: no such parameter. Repeated headers, mails without subject or text: unconfirmed.
    # https://www.scaleway.com/en/docs/transactional-email/reference-content/tem-capabilities-and-limits/
    # (2026-11): the number of recipients is raised on request.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS,
        max_recipients=10,
        max_bytes=2 * plugin.MB,
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        statuses=plugin.ONLY_5XX
    )

    secret_key: plugin.Secret = field(repr=False)
    project_id: str
    region: str = "fr-par"
    webhook_topic_arn: plugin.Secrets = ""
    base_url: str = "https://api.scaleway.com"

    def __post_init__(self) -> None:
        if not REGION.fullmatch(self.region):
            raise errors.ConfigurationError("region of scaleway is no name such as 'fr-par'")

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        body = {
            "project_id": self.project_id,
            "from": ADDRESS.one(message.sender),
            "to": ADDRESS.all(message.to),
            "cc": ADDRESS.all(message.cc),
            "bcc": ADDRESS.all(message.bcc),
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "attachments": FILE.all(message),
            "additional_headers": _headers(message),
        }
        body = plugin.merge_options(
            plugin.filled(body), message.options(self.name), reserved=RESERVED
        )
        return plugin.post_json(self._url("emails"), self._headers(), body)

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        mails = response.json_object().get("emails")
        if not isinstance(mails, list) or not mails or not all(map(_is_mail, mails)):
            raise plugin.unreadable(response)
        emails = {address.email.lower(): address.email for address in message.recipients}
        said = {emails.get(one["mail_rcpt"].lower(), one["mail_rcpt"]): one for one in mails}
        statuses = {email: STATUS.get(str(one.get("status"))) for email, one in said.items()}
        if set(statuses.values()) == {plugin.RecipientStatus.REFUSED}:
            raise plugin.classify_http(
                response, kind=errors.RequestRefused, detail="not sent to anybody"
            )
        return plugin.Accepted(
            mails[0]["id"],
            {
                email: status or plugin.RecipientStatus.ACCEPTED
                for email, status in statuses.items()
            },
            {email: one["id"] for email, one in said.items()},
        )

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        return ERRORS.classify(response, _problems(response.json_object()))

    def build_ping(self) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", self._url("domains"), self._headers())

    def account_checks(self, asked: plugin.AccountQuestion) -> Iterable[plugin.AccountCheck]:
        return account.checks(self._ask, self.project_id, asked)

    def _ask(self, path: str) -> plugin.HTTPRequest:
        return plugin.HTTPRequest("GET", self._url(path), self._headers())

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        return plugin.verify_sns(request, fetch, self.webhook_topic_arn, (TOPICS,))

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        fields = plugin.read_sns(request)
        if fields.get("Type") != "Notification":
            return ()
        data = plugin.read_json(fields.get("Message", "").encode())
        if not isinstance(data, dict):
            raise errors.InvalidWebhook("scaleway: the notification has no JSON in it")
        return (_event(data),)

    def _url(self, path: str) -> str:
        return f"{self.base_url}/transactional-email/v1alpha1/regions/{self.region}/{path}"

    def _headers(self) -> dict[str, str]:
        return {"X-Auth-Token": plugin.reveal(self.secret_key)}


def _headers(message: plugin.Message) -> list[dict[str, str]]:
    own = plugin.own_headers(message, encoded=True)
    reply_to = plugin.address_line(message.reply_to, encoded=True)
    headers = plugin.filled({MAIL_ID: message.id, **own, "Reply-To": reply_to})
    return [{"key": name, "value": value} for name, value in headers.items()]


def _is_mail(one: object) -> bool:
    return (
        isinstance(one, dict)
        and isinstance(one.get("id"), str)
        and isinstance(one.get("mail_rcpt"), str)
    )


def _problems(answer: Mapping[str, Any]) -> list[plugin.Problem]:
    """
    The arguments at fault, each with the reason and a help, or the one thing that is wrong.
    """
    code, text = plugin.as_code(answer.get("type")), plugin.as_words(answer.get("message"))
    found = [
        plugin.Problem(code, f"{reason} {help_}".strip(), place)
        for one in plugin.as_objects(answer.get("details"))
        for place, reason, help_ in [
            tuple(
                plugin.as_words(one.get(name))
                for name in ("argument_name", "reason", "help_message")
            )
        ]
    ]
    return found or ([plugin.Problem(code, text)] if code or text else [])


def _event(data: Mapping[str, Any]) -> plugin.DeliveryEvent:
    kind, reason = EVENTS.get(plugin.as_text(data.get("type")), (EventType.UNKNOWN, None))
    headers = data.get("email_headers")
    named = {
        plugin.as_text(plugin.dig(one, "key")).lower(): plugin.dig(one, "value")
        for one in (headers if isinstance(headers, list) else ())
    }
    return plugin.make_event(
        data,
        type=kind,
        event_id=data.get("id"),
        provider_message_id=data.get("email_id"),
        mail_id=named.get(MAIL_ID.lower()),
        recipient=data.get("email_to"),
        timestamp=data.get("created_at"),
        reject_reason=reason,
        mta_response=data.get("email_response_message") or data.get("email_error"),
        description=data.get("blocklist_reason"),
    )
