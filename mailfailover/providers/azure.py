"""
Azure Communication Services, through ``POST /emails:send``.

https://learn.microsoft.com/en-us/rest/api/communication/email/email/send, version 2025-09-01
(2026-11)
"""

from __future__ import annotations

import binascii
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, ClassVar
from urllib.parse import urlsplit

from mailfailover import errors
from mailfailover.errors import SendError
from mailfailover.plugin import (
    MB,
    Accepted,
    Address,
    Attachment,
    Capabilities,
    DeliveryEvent,
    Feature,
    Fetch,
    HTTPRequest,
    Message,
    RecipientStatus,
    Response,
    Secrets,
    WebhookRequest,
    classify_http,
    encode_header,
    json_body,
    merge_options,
    reveal,
    sha256_hex,
)
from mailfailover.providers._azure_events import read_events, verify

VERSION = "api-version=2025-09-01"

# By the "code" of an error. The vendor has no list of them: these are quoted in public client
# code (2026-11), and unconfirmed. What is not here is judged by its status.
ERRORS: Mapping[str, type[SendError]] = {
    "Denied": errors.AuthenticationFailed,
    "DomainNotLinked": errors.SenderRefused,  # comes with a 404
    "EmailDroppedAllRecipientsSuppressed": errors.RecipientSuppressed,
    "InvalidSenderUserName": errors.SenderRefused,
}

# "BadRequest" names the property at fault.
# https://github.com/Azure/azure-sdk-for-java/issues/39910 and 43462 (2026-11)
PROPERTY = re.compile(r"See property '([^']*)'")
PROPERTIES: tuple[tuple[str, type[SendError]], ...] = (
    (r"senderAddress", errors.SenderRefused),
    (r"recipients\.(to|cc|bcc)\[\d+\]\.address", errors.RecipientRejected),  # by analogy
    (r"attachments\b.*", errors.UnsupportedFeature),
)

# The first request with this operation id is still under way.
# https://learn.microsoft.com/en-us/rest/api/communication/repeatable-requests (2026-11)
UNDER_WAY = 409

# Of the operation that a call begins; it goes on after the answer.
STATUS = {
    "NotStarted": RecipientStatus.QUEUED,
    "Running": RecipientStatus.QUEUED,
    "Succeeded": RecipientStatus.ACCEPTED,
}
FAILED = ("Failed", "Canceled")

# There is no such operation: the service says so to those whom it knows.
NO_OPERATION = "00000000-0000-0000-0000-000000000000"
NOT_FOUND = 404

# Options that would change who gets the mail and who sends it; headers could do so too.
RESERVED = {"senderAddress", "recipients", "headers"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Azure:
    """
    Sends through Azure Communication Services Email.

    The key stands on the page "Keys" of the Communication Services resource, to which the
    sender's domain must be connected. The host is that resource's endpoint.

    Provider options are laid over the JSON of the call: ``{"userEngagementTrackingDisabled":
    True}``.

    Azure answers before it sends: the mail's recipients are queued, and what becomes of it
    shows in its events only. The name of a sender is not part of a call: it is set with the
    sender's user name in the portal. A mail whose sender has another name than *sender_name*
    is refused here. It takes files of certain types. It has no tags and no metadata, but its
    events tell the Message-ID, which has our id.

    Those come through Event Grid, by a subscription of the endpoint type "Web Hook" and the
    schema "Event Grid Schema". Write ``?secret=`` and *webhook_secret* at the end of the
    endpoint: nothing else tells its events from what others might send.

    Attributes:
        access_key: One of the resource's two keys, in base64; it signs each call.

        token:
            Of Microsoft Entra ID, instead of a key; a callable that gives a fresh one, for
            the scope ``https://communication.azure.com/.default``.

        sender_name: The name that the portal shows for the sender.

        webhook_secret: Verifies webhooks. Two while it changes.

        base_url: The resource's endpoint, ``https://NAME.communication.azure.com``. The host
            and path that are called are signed.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "azure"
    userinfo: ClassVar[tuple[str, ...]] = ("access_key",)

    # How long an earlier version of the API knew a repeated call. That the operation id does
    # the same now is what users see (github.com/firezone/firezone, pull request 12835);
    # unconfirmed.
    idempotency_ttl: ClassVar[float] = 300.0

    # To and a subject are required. A header is a key of an object. Tracking can be switched
    # off for opens and clicks together only. Templates, a time to send at, an envelope sender:
    # no such parameter. Mails without text, non-ASCII local parts: unconfirmed.
    # https://learn.microsoft.com/en-us/azure/communication-services/concepts/service-limits
    # (2026-11): both limits are raised on request.
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES,
        max_recipients=50,
        max_bytes=10 * MB,
    )

    access_key: str | Callable[[], str] = field(default="", repr=False)
    token: str | Callable[[], str] = field(default="", repr=False)
    sender_name: str = ""
    webhook_secret: Secrets = field(default="", repr=False)
    base_url: str

    def __post_init__(self) -> None:
        if bool(self.access_key) == bool(self.token):
            raise errors.ConfigurationError("azure needs either access_key or token: give one")

    def build_request(self, message: Message) -> HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature: If the sender has another name than the portal shows.
        """
        fields = {
            "senderAddress": self._sender(message.sender),
            "recipients": _filled(
                {
                    "to": [_address(address) for address in message.to],
                    "cc": [_address(address) for address in message.cc],
                    "bcc": [_address(address) for address in message.bcc],
                }
            ),
            "replyTo": [_address(address) for address in message.reply_to],
            "content": _filled(
                {"subject": message.subject, "plainText": message.text, "html": message.html}
            ),
            "headers": _headers(message),
            "attachments": [_file(attachment) for attachment in message.attachments],
        }
        body = merge_options(_filled(fields), message.options(self.name), reserved=RESERVED)
        headers = {"Content-Type": "application/json"}
        if message.idempotency_key:
            headers["Operation-Id"] = message.idempotency_key
        return self._request("POST", "emails:send", headers, body)

    def parse_response(self, response: Response, message: Message) -> Accepted:
        answer = response.json_object()
        mail_id, status = answer.get("id"), answer.get("status")
        if status in FAILED:
            code, text = _said(answer)
            kind = _kind(code, text) or errors.RequestRefused
            raise classify_http(response, code=code, kind=kind, detail=text)
        if not isinstance(mail_id, str) or not mail_id or not isinstance(status, str):
            raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")
        state = STATUS.get(status, RecipientStatus.QUEUED)
        return Accepted(mail_id, {address.email: state for address in message.recipients})

    def classify_error(self, response: Response, message: Message) -> SendError:
        code, text = _said(response.json_object())
        kind = _kind(code, text)
        if kind is None and code and response.status_code == UNDER_WAY:
            kind = errors.OutcomeUnknown
        return classify_http(response, own_envelope=bool(code), code=code, kind=kind, detail=text)

    def build_ping(self) -> HTTPRequest:
        return self._request("GET", f"emails/operations/{NO_OPERATION}", {})

    def parse_ping(self, response: Response) -> None:
        code, _ = _said(response.json_object())
        if response.status_code != NOT_FOUND or not code:
            raise self.classify_error(response, Message())

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        return verify(request, self.webhook_secret, fetch)

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return read_events(request)

    def _sender(self, address: Address) -> str:
        if address.name not in ("", self.sender_name):
            raise errors.UnsupportedFeature(
                "azure takes the sender's name from its portal: set sender_name to that, or "
                "give the link a from_email without a name",
                features=("ADDRESS_NAME",),
            )
        return address.email

    def _request(
        self, method: str, path: str, headers: dict[str, str], body: Mapping[str, Any] | None = None
    ) -> HTTPRequest:
        url = f"{self.base_url}/{path}?{VERSION}"
        data = b"" if body is None else json_body(body)
        if self.token:
            headers["Authorization"] = f"Bearer {reveal(self.token)}"
            return HTTPRequest(method, url, headers, data)
        return HTTPRequest(method, url, headers, data, self._sign)

    def _sign(self, request: HTTPRequest, now: float) -> dict[str, str]:
        """
        Sign method, URL, time, host and body.

        https://learn.microsoft.com/en-us/azure/communication-services/tutorials/hmac-header-tutorial
        (2026-11)
        """
        url = urlsplit(request.url)
        date = formatdate(now, usegmt=True)
        digest = b64encode(bytes.fromhex(sha256_hex(request.body))).decode()
        text = f"{request.method}\n{url.path}?{url.query}\n{date};{_host(request.url)};{digest}"
        signature = b64encode(hmac.digest(self._key(), text.encode(), "sha256")).decode()
        return {
            "x-ms-date": date,
            "x-ms-content-sha256": digest,
            "Authorization": "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256"
            f"&Signature={signature}",
        }

    def _key(self) -> bytes:
        try:
            return b64decode(reveal(self.access_key), validate=True)
        except (binascii.Error, ValueError):
            text = "access_key of azure is no base64: copy it anew from the portal"
            raise errors.AuthenticationFailed(text) from None


def _host(url: str) -> str:
    """
    The Host header as it is sent: the port only where it is not the scheme's own.
    """
    parts = urlsplit(url)
    host = parts.netloc.lower()
    return host.removesuffix(":443" if parts.scheme == "https" else ":80")


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value}


def _address(address: Address) -> dict[str, str]:
    return _filled({"address": address.email, "displayName": address.name})


def _headers(message: Message) -> dict[str, str]:
    # "Adding Reserved Custom headers" (2026-11): a Message-ID it does not like is replaced.
    headers = {"Message-ID": message.message_id}
    for name, value in message.header_items():
        if name.lower() != "message-id":
            headers[name] = value if value.isascii() else encode_header(value)
    return headers


def _file(attachment: Attachment) -> dict[str, Any]:
    fields = {
        "name": attachment.filename,
        "contentType": attachment.content_type,
        "contentInBase64": attachment.base64(),
    }
    if attachment.content_id:
        fields["contentId"] = attachment.content_id
    return fields


def _said(answer: Mapping[str, Any]) -> tuple[str, str]:
    """
    The code and the words of an error, "" for what is not there.
    """
    error = answer.get("error")
    if not isinstance(error, dict):
        return "", ""
    code, text = map(error.get, ("code", "message"))
    return code if isinstance(code, str) else "", text if isinstance(text, str) else ""


def _kind(code: str, text: str) -> type[SendError] | None:
    found = PROPERTY.search(text)
    kinds = (kind for place, kind in PROPERTIES if found and re.fullmatch(place, found[1]))
    return ERRORS.get(code) or next(kinds, None)
