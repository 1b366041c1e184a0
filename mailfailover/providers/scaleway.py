"""
Scaleway Transactional Email, through ``POST .../regions/<region>/emails``.

https://www.scaleway.com/en/developers/api/transactional-email/ (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors
from mailfailover.errors import SendError
from mailfailover.plugin import (
    MB,
    Accepted,
    Address,
    Attachment,
    Capabilities,
    DeliveryEvent,
    EventType,
    Feature,
    Fetch,
    HTTPRequest,
    Message,
    RecipientStatus,
    RejectReason,
    Response,
    Secrets,
    SNSHome,
    WebhookRequest,
    as_text,
    classify_http,
    dig,
    encode_header,
    json_body,
    make_event,
    merge_options,
    read_json,
    read_sns,
    reveal,
    verify_sns,
)

REGION = re.compile(r"[a-z0-9-]+")

# By the "type" of an error, the same in all of the vendor's APIs. scw/errors.go of
# github.com/scaleway/scaleway-sdk-go (2026-11); which of them this API gives for which fault
# is unconfirmed.
ERRORS: Mapping[str, type[SendError]] = {
    "denied_authentication": errors.AuthenticationFailed,
    "locked": errors.AccountSuspended,
    "permissions_denied": errors.AuthenticationFailed,
    "quotas_exceeded": errors.QuotaExceeded,
    "transient_state": errors.ProviderUnavailable,
}

# Of invalid_arguments: the argument at fault, and its reason; the first that match count.
# Over a constraint, such as how many recipients or which types of file, other vendors are not.
ARGUMENTS: tuple[tuple[str, str, type[SendError]], ...] = (
    (r"from\b", r"", errors.SenderRefused),
    (r"(to|cc|bcc)\b", r"format", errors.RecipientRejected),
    (r"(to|cc|bcc|subject|text|html)\b", r"constraint", errors.UnsupportedFeature),
    (r"(attachments|additional_headers)\b", r"", errors.UnsupportedFeature),
)

# https://www.scaleway.com/en/developers/api/transactional-email/ (2026-11)
STATUS = {
    "new": RecipientStatus.QUEUED,
    "sending": RecipientStatus.QUEUED,
    "sent": RecipientStatus.ACCEPTED,
    "failed": RecipientStatus.REFUSED,
    "canceled": RecipientStatus.REFUSED,
}

# https://www.scaleway.com/en/docs/transactional-email/api-cli/webhook-events-payloads/ (2026-11)
EVENTS: Mapping[str, tuple[EventType, RejectReason | None]] = {
    "email_queued": (EventType.QUEUED, None),
    "email_delivered": (EventType.DELIVERED, None),
    "email_deferred": (EventType.DEFERRED, RejectReason.OTHER),
    "email_dropped": (EventType.BOUNCED, RejectReason.BOUNCED),
    "email_mailbox_not_found": (EventType.BOUNCED, RejectReason.INVALID),
    "email_spam": (EventType.BOUNCED, RejectReason.SPAM),  # by the recipient's server: unconfirmed
    "email_blocklisted": (EventType.REJECTED, RejectReason.BOUNCED),
}

# Its Topics and Events speak as Amazon's SNS does; certificates are rotated, their issuer stays.
# https://www.scaleway.com/en/docs/topics-and-events/reference-content/veriying-webhooks (2026-11)
TOPICS = SNSHome(
    r"arn:scw:sns:(?P<region>[a-z]+-[a-z]+):[\w-]+:[\w.-]+",
    r"https://messaging\.s3\.fr-par\.scw\.cloud/{region}/[\w./-]+",
    "https://sns.mnq.{region}.scaleway.com/",
    "https://messaging.s3.fr-par.scw.cloud/{region}/sns/sns-trust-chain.pem",
)

# There is no metadata, but events tell the headers of their mail.
MAIL_ID = "X-Mailfailover-Id"

# Options that would change who gets the mail and who sends it.
RESERVED = {"from", "to", "cc", "bcc", "project_id"}


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

    # Inline images, tags, metadata, tracking, templates, a time to send at, an envelope
    # sender: no such parameter. Repeated headers, mails without subject or text: unconfirmed.
    # https://www.scaleway.com/en/docs/transactional-email/reference-content/tem-capabilities-and-limits/
    # (2026-11): the number of recipients is raised on request.
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS,
        max_recipients=10,
        max_bytes=2 * MB,
    )

    secret_key: str | Callable[[], str] = field(repr=False)
    project_id: str
    region: str = "fr-par"
    webhook_topic_arn: Secrets = ""
    base_url: str = "https://api.scaleway.com"

    def __post_init__(self) -> None:
        if not REGION.fullmatch(self.region):
            raise errors.ConfigurationError("region of scaleway is no name such as 'fr-par'")

    def build_request(self, message: Message) -> HTTPRequest:
        body = {
            "project_id": self.project_id,
            "from": _address(message.sender),
            "to": [_address(address) for address in message.to],
            "cc": [_address(address) for address in message.cc],
            "bcc": [_address(address) for address in message.bcc],
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "attachments": [_file(attachment) for attachment in message.attachments],
            "additional_headers": _headers(message),
        }
        body = merge_options(_filled(body), message.options(self.name), reserved=RESERVED)
        headers = self._headers() | {"Content-Type": "application/json"}
        return HTTPRequest("POST", self._url("emails"), headers, json_body(body))

    def parse_response(self, response: Response, message: Message) -> Accepted:
        mails = response.json_object().get("emails")
        if not isinstance(mails, list) or not mails or not all(map(_is_mail, mails)):
            raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")
        emails = {address.email.lower(): address.email for address in message.recipients}
        said = {emails.get(one["mail_rcpt"].lower(), one["mail_rcpt"]): one for one in mails}
        statuses = {email: STATUS.get(str(one.get("status"))) for email, one in said.items()}
        if set(statuses.values()) == {RecipientStatus.REFUSED}:
            raise classify_http(response, kind=errors.RequestRefused, detail="not sent to anybody")
        return Accepted(
            mails[0]["id"],
            {email: status or RecipientStatus.ACCEPTED for email, status in statuses.items()},
            {email: one["id"] for email, one in said.items()},
        )

    def classify_error(self, response: Response, message: Message) -> SendError:
        answer = response.json_object()
        code, text = (
            value if isinstance(value, str) else ""
            for value in (answer.get("type"), answer.get("message"))
        )
        kind, detail = _invalid(answer) if code == "invalid_arguments" else (ERRORS.get(code), "")
        return classify_http(
            response, own_envelope=bool(code or text), code=code, kind=kind, detail=detail or text
        )

    def build_ping(self) -> HTTPRequest:
        return HTTPRequest("GET", self._url("domains"), self._headers())

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        return verify_sns(request, fetch, self.webhook_topic_arn, (TOPICS,))

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        fields = read_sns(request)
        if fields.get("Type") != "Notification":
            return ()
        data = read_json(fields.get("Message", "").encode())
        if not isinstance(data, dict):
            raise errors.InvalidWebhook("scaleway: the notification has no JSON in it")
        return (_event(data),)

    def _url(self, path: str) -> str:
        return f"{self.base_url}/transactional-email/v1alpha1/regions/{self.region}/{path}"

    def _headers(self) -> dict[str, str]:
        return {"X-Auth-Token": reveal(self.secret_key)}


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value}


def _address(address: Address) -> dict[str, str]:
    return _filled({"email": address.email, "name": address.name})


def _file(attachment: Attachment) -> dict[str, Any]:
    return {
        "name": attachment.filename,
        "type": attachment.content_type,
        "content": attachment.base64(),
    }


def _headers(message: Message) -> list[dict[str, str]]:
    headers = [
        (MAIL_ID, message.id),
        *(
            (name, value if value.isascii() else encode_header(value))
            for name, value in message.header_items()
            if name.lower() != "message-id"
        ),
    ]
    if message.reply_to:
        headers.append(("Reply-To", ", ".join(map(_mailbox, message.reply_to))))
    return [{"key": name, "value": value} for name, value in headers]


def _mailbox(address: Address) -> str:
    if address.name.isascii():
        return str(address)
    return f"{encode_header(address.name)} <{address.email}>"


def _is_mail(one: object) -> bool:
    return (
        isinstance(one, dict)
        and isinstance(one.get("id"), str)
        and isinstance(one.get("mail_rcpt"), str)
    )


def _invalid(answer: Mapping[str, Any]) -> tuple[type[SendError] | None, str]:
    """
    What the first known of the arguments at fault means, and all of them in words.
    """
    details = answer.get("details")
    found = [
        tuple(str(one.get(key) or "") for key in ("argument_name", "reason", "help_message"))
        for one in (details if isinstance(details, list) else ())
        if isinstance(one, dict)
    ]
    text = "; ".join(" ".join(filter(None, one)) for one in found)
    for place, words, kind in ARGUMENTS:
        if any(re.match(place, name) and re.search(words, why) for name, why, _ in found):
            return kind, text
    return None, text


def _event(data: Mapping[str, Any]) -> DeliveryEvent:
    kind, reason = EVENTS.get(as_text(data.get("type")), (EventType.UNKNOWN, None))
    headers = data.get("email_headers")
    named = {
        as_text(dig(one, "key")).lower(): dig(one, "value")
        for one in (headers if isinstance(headers, list) else ())
    }
    return make_event(
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
