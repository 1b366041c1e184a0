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
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, ClassVar
from urllib.parse import urlsplit

from mailfailover import errors, plugin
from mailfailover.plugin import Feature, Rule
from mailfailover.providers._azure_events import read_events, verify

VERSION = "api-version=2025-09-01"

# By the "code" of an error. The vendor has no list of them: these are quoted in public client
# code (2026-11), and unconfirmed. What is not here is judged by its status.
# "BadRequest" names the property at fault.
# https://github.com/Azure/azure-sdk-for-java/issues/39910 and 43462 (2026-11)
ERRORS = plugin.Errors(
    {
        "Denied": errors.AuthenticationFailed,
        "DomainNotLinked": errors.SenderRefused,  # comes with a 404
        "EmailDroppedAllRecipientsSuppressed": errors.RecipientSuppressed,
        "InvalidSenderUserName": errors.SenderRefused,
    },
    rules=(
        Rule(errors.SenderRefused, place=r"^senderAddress$"),
        # By analogy.
        Rule(errors.RecipientRejected, place=r"^recipients\.(to|cc|bcc)\[\d+\]\.address$"),
        Rule(errors.UnsupportedFeature, place=r"^attachments\b"),
    ),
)
PROPERTY = re.compile(r"See property '([^']*)'")

# The first request with this operation id is still under way.
# https://learn.microsoft.com/en-us/rest/api/communication/repeatable-requests (2026-11)
UNDER_WAY = 409

# Of the operation that a call begins; it goes on after the answer.
STATUS = {
    "NotStarted": plugin.RecipientStatus.QUEUED,
    "Running": plugin.RecipientStatus.QUEUED,
    "Succeeded": plugin.RecipientStatus.ACCEPTED,
}
FAILED = ("Failed", "Canceled")

# There is no such operation: the service says so to those whom it knows.
NO_OPERATION = "00000000-0000-0000-0000-000000000000"
NOT_FOUND = 404

# Options that would change who gets the mail and who sends it; headers could do so too.
RESERVED = {"senderAddress", "headers"}

ADDRESS = plugin.AddressFields("address", "displayName")
FILE = plugin.FileFields("name", "contentInBase64", "contentType", "contentId")


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

    Events come through Event Grid, by a subscription of the endpoint type "Web Hook" and the
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
    maturity: ClassVar[str] = "provisional"
    unconfirmed: ClassVar[tuple[str, ...]] = (
        "the codes of its errors, which the vendor does not list",
        "that a repeated operation id is not sent twice",
        "mails without text, and non-ASCII local parts",
    )

    # How long an earlier version of the API knew a repeated call. That the operation id does
    # the same now is what users see (github.com/firezone/firezone, pull request 12835);
    # unconfirmed.
    idempotency_ttl: ClassVar[float] = 300.0

    # To and a subject are required. A header is a key of an object. Tracking can be switched
    # off for opens and clicks together only. Templates, a time to send at, an envelope sender:
    # no such parameter. Mails without text, non-ASCII local parts: unconfirmed.
    # https://learn.microsoft.com/en-us/azure/communication-services/concepts/service-limits
    # (2026-11): both limits are raised on request.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.MESSAGE_ID
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES,
        max_recipients=50,
        max_bytes=10 * plugin.MB,
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        attempts=30,
        span=24 * 3600.0,
        page="https://learn.microsoft.com/azure/event-grid/delivery-and-retry (2026-11)",
        given_up="400, 401, 403, 413",
        statuses=plugin.ONLY_5XX,
    )

    access_key: plugin.Secret = field(default="", repr=False)
    token: plugin.Secret = field(default="", repr=False)
    sender_name: str = ""
    webhook_secret: plugin.Secrets = field(default="", repr=False)
    base_url: str

    def __post_init__(self) -> None:
        if bool(self.access_key) == bool(self.token):
            raise errors.ConfigurationError("azure needs either access_key or token: give one")

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        """
        Write a mail.

        Raises:
            UnsupportedFeature: If the sender has another name than the portal shows.
        """
        fields = {
            "senderAddress": self._sender(message.sender),
            "recipients": plugin.filled(
                {
                    "to": ADDRESS.all(message.to),
                    "cc": ADDRESS.all(message.cc),
                    "bcc": ADDRESS.all(message.bcc),
                }
            ),
            "replyTo": ADDRESS.all(message.reply_to),
            "content": plugin.filled(
                {"subject": message.subject, "plainText": message.text, "html": message.html}
            ),
            "headers": _headers(message),
            "attachments": FILE.all(message),
        }
        body = plugin.merge_options(
            plugin.filled(fields), message.options(self.name), reserved=RESERVED
        )
        headers = {"Content-Type": "application/json"}
        if message.idempotency_key:
            headers["Operation-Id"] = message.idempotency_key
        return self._request("POST", "emails:send", headers, body)

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        answer = response.json_object()
        mail_id, status = answer.get("id"), answer.get("status")
        if status in FAILED:
            raise ERRORS.classify(response, _problems(answer), otherwise=errors.RequestRefused)
        if not isinstance(mail_id, str) or not mail_id or not isinstance(status, str):
            raise plugin.unreadable(response)
        state = STATUS.get(status, plugin.RecipientStatus.QUEUED)
        return plugin.Accepted(mail_id, {address.email: state for address in message.recipients})

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        problems = _problems(response.json_object())
        under_way = problems and response.status_code == UNDER_WAY
        return ERRORS.classify(
            response,
            problems,
            message=message,
            otherwise=errors.OutcomeUnknown if under_way else None,
        )

    def build_ping(self) -> plugin.HTTPRequest:
        return self._request("GET", f"emails/operations/{NO_OPERATION}", {})

    def parse_ping(self, response: plugin.Response) -> None:
        known = _problems(response.json_object())
        if response.status_code != NOT_FOUND or not known:
            raise self.classify_error(response, plugin.Message())

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        return verify(request, self.webhook_secret, fetch)

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _sender(self, address: plugin.Address) -> str:
        if address.name not in ("", self.sender_name):
            raise errors.UnsupportedFeature(
                "azure takes the sender's name from its portal: set sender_name to that, or "
                "give the link a from_email without a name",
                features=("ADDRESS_NAME",),
            )
        return address.email

    def _request(
        self, method: str, path: str, headers: dict[str, str], body: Mapping[str, Any] | None = None
    ) -> plugin.HTTPRequest:
        url = f"{self.base_url}/{path}?{VERSION}"
        data = b"" if body is None else plugin.json_body(body)
        if self.token:
            headers["Authorization"] = f"Bearer {plugin.reveal(self.token)}"
            return plugin.HTTPRequest(method, url, headers, data)
        return plugin.HTTPRequest(method, url, headers, data, self._sign)

    def _sign(self, request: plugin.HTTPRequest, now: float) -> dict[str, str]:
        """
        Sign method, URL, time, host and body.

        https://learn.microsoft.com/en-us/azure/communication-services/tutorials/hmac-header-tutorial
        (2026-11)
        """
        url = urlsplit(request.url)
        date = formatdate(now, usegmt=True)
        digest = b64encode(bytes.fromhex(plugin.sha256_hex(request.body))).decode()
        host = plugin.host_header(request.url)
        text = f"{request.method}\n{url.path}?{url.query}\n{date};{host};{digest}"
        signature = b64encode(hmac.digest(self._key(), text.encode(), "sha256")).decode()
        return {
            "x-ms-date": date,
            "x-ms-content-sha256": digest,
            "Authorization": "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256"
            f"&Signature={signature}",
        }

    def _key(self) -> bytes:
        try:
            return b64decode(plugin.reveal(self.access_key), validate=True)
        except (binascii.Error, ValueError):
            text = "access_key of azure is no base64: copy it anew from the portal"
            raise errors.AuthenticationFailed(text) from None


def _headers(message: plugin.Message) -> dict[str, str]:
    # "Adding Reserved Custom headers" (2026-11): a Message-ID it does not like is replaced.
    return {"Message-ID": message.message_id} | plugin.own_headers(message, encoded=True)


def _problems(answer: Mapping[str, Any]) -> list[plugin.Problem]:
    """
    The one error that an answer tells of, if it does.
    """
    error = plugin.as_object(answer.get("error"))
    code, text = plugin.as_code(error.get("code")), plugin.as_words(error.get("message"))
    found = PROPERTY.search(text)
    place = found[1] if found else ""
    return [plugin.Problem(code, text, place)] if code else []
