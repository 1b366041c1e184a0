"""
Postal, a mail server of one's own, through ``POST /api/v1/send/raw``.

https://docs.postalserver.io/developer/api, and the server's own source:
github.com/postalserver/postal, ``app/controllers/legacy_api`` (2026-11)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors, plugin
from mailfailover.plugin import Feature
from mailfailover.providers._postal_events import read_events

# By the code in the body: the status of every answer is 200. What is not here is a fault of
# ours. base_controller.rb and send_controller.rb of the server's source (2026-11).
ERRORS = plugin.Errors(
    {
        "AccessDenied": errors.AuthenticationFailed,
        "InvalidServerAPIKey": errors.AuthenticationFailed,
        "ServerSuspended": errors.AccountSuspended,
        "UnauthenticatedFromAddress": errors.SenderRefused,
    }
)
REFUSED = ("error", "parameter-error")

# What the server says when nothing is wrong but the message that a ping asks for.
NOT_FOUND = "MessageNotFound"

# A header that the server takes as the tag of a mail: outgoing_message_processor.rb (2026-11).
TAG = "X-Postal-Tag"

# Options that would change who gets the mail and who sends it.
RESERVED = {"data", "mail_from", "rcpt_to"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Postal:
    """
    Sends through a Postal server.

    The key is made under "Credentials" of a mail server in Postal, with the type "API".

    A mail goes as MIME that is written here, with its files in memory, so that Postal sends
    it as it is. The only provider option is ``{"bounce": True}``, for a mail that is a bounce.

    Postal names the envelope sender itself. Mails to addresses on its suppression list are
    accepted and then held: those show in events only.

    Attributes:
        api_key: The key of an API credential.

        base_url: Where the server is: scheme and host. There is no default.

        webhook_public_key: Verifies webhooks; two while it changes. It is the ``p=`` of the
            record that ``postal default-dkim-record`` shows. Needs the extra webhooks.

    .. versionadded:: 0.1.0
    """

    name: ClassVar[str] = "postal"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)
    maturity: ClassVar[str] = "stable"
    unconfirmed: ClassVar[tuple[str, ...]] = ("non-ASCII local parts",)

    # It has no metadata, no time to send at and no templates; tracking belongs to a domain. How
    # large a mail may be, each server decides. Non-ASCII local parts: unconfirmed.
    capabilities: ClassVar[plugin.Capabilities] = plugin.Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.REPEATED_HEADERS
        | Feature.MESSAGE_ID
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.CALENDAR
        | Feature.AMP
        | Feature.ALTERNATIVES
        | Feature.MIME
        | Feature.TAGS
        | Feature.EMPTY_BODY
        | Feature.EMPTY_SUBJECT
        | Feature.WITHOUT_TO,
        max_tags=1,
    )
    webhook_retries: ClassVar[plugin.WebhookRetries] = plugin.WebhookRetries(
        attempts=6,
        span=36 * 60.0,
        page="https://github.com/postalserver/postal, app/services/webhook_delivery_service.rb"
        " (2026-11)",
    )

    api_key: plugin.Secret = field(repr=False)
    base_url: str
    webhook_public_key: plugin.Secrets = ""

    def build_request(self, message: plugin.Message) -> plugin.HTTPRequest:
        tag = plugin.header_line(TAG, message.tags[0]) if message.tags else b""
        body = {
            "mail_from": message.sender.email,
            "rcpt_to": [address.email for address in message.recipients],
            "data": plugin.Base64(tag + plugin.mime_bytes(message)),
        }
        body = plugin.merge_options(body, message.options(self.name), reserved=RESERVED)
        return self._post("send/raw", body)

    def parse_response(self, response: plugin.Response, message: plugin.Message) -> plugin.Accepted:
        answer = response.json_object()
        ids = _ids(answer) if answer.get("status") == "success" else {}
        if not ids:
            raise _error(response)
        missing = (one.email for one in message.recipients if one.email not in ids)
        statuses = dict.fromkeys(missing, plugin.RecipientStatus.UNKNOWN)
        return plugin.Accepted(next(iter(ids.values())), statuses, ids)

    def classify_error(
        self, response: plugin.Response, message: plugin.Message
    ) -> errors.SendError:
        return _error(response)

    def build_ping(self) -> plugin.HTTPRequest:
        # There is no message 0: the server says so to those whom it knows.
        return self._post("messages/message", {"id": "0"})

    def parse_ping(self, response: plugin.Response) -> None:
        if _code(response) != NOT_FOUND:
            raise _error(response)

    def verify_webhook(self, request: plugin.WebhookRequest, fetch: plugin.Fetch) -> str:
        # lib/postal/http.rb of the server's source (2026-11): two signatures of the body, of
        # which older servers have one only.
        signature, digest = request.header("x-postal-signature-256"), "sha256"
        if not signature:
            signature, digest = request.header("x-postal-signature"), "sha1"
        plugin.verify_public_key(signature, self.webhook_public_key, request.body, digest=digest)
        return plugin.sha256_hex(
            request.body
        )  # each webhook has an id, the same when it is repeated

    def parse_webhook(self, request: plugin.WebhookRequest) -> tuple[plugin.DeliveryEvent, ...]:
        return read_events(request)

    def _post(self, path: str, body: dict[str, Any]) -> plugin.HTTPRequest:
        headers = {"Accept": "application/json", "X-Server-API-Key": plugin.reveal(self.api_key)}
        return plugin.post_json(f"{self.base_url}/api/v1/{path}", headers, body)


def _ids(answer: Mapping[str, Any]) -> dict[str, str]:
    """
    The server's id of the mail to each recipient, where it took them.
    """
    messages = plugin.as_object(plugin.dig(answer, "data", "messages"))
    ids = {email: plugin.as_code(plugin.dig(one, "id"), int) for email, one in messages.items()}
    return plugin.filled(ids)


def _code(response: plugin.Response) -> str:
    return plugin.as_code(plugin.dig(response.json_object(), "data", "code"))


def _error(response: plugin.Response) -> errors.SendError:
    """
    Make the error of an answer; of the server's words none, because it repeats a wrong key.
    """
    code = _code(response)
    if not response.ok:  # by something in front of Postal, maybe
        return plugin.classify_http(response, code=code, kind=ERRORS.codes.get(code))
    is_refusal = response.json_object().get("status") in REFUSED
    return ERRORS.classify(response, [plugin.Problem(code)] if is_refusal else ())
