"""
Postal, a mail server of one's own, through ``POST /api/v1/send/raw``.

https://docs.postalserver.io/developer/api, and the server's own source:
github.com/postalserver/postal, ``app/controllers/legacy_api`` (2026-11)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors
from mailfailover.errors import SendError
from mailfailover.plugin import (
    Accepted,
    Base64,
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
    json_body,
    merge_options,
    reveal,
    sha256_hex,
    verify_public_key,
)
from mailfailover.providers._postal_events import read_events

# By the code in the body: the status of every answer is 200. What is not here is a fault of
# ours. base_controller.rb and send_controller.rb of the server's source (2026-11).
ERRORS: Mapping[str, type[SendError]] = {
    "AccessDenied": errors.AuthenticationFailed,
    "InvalidServerAPIKey": errors.AuthenticationFailed,
    "ServerSuspended": errors.AccountSuspended,
    "UnauthenticatedFromAddress": errors.SenderRefused,
}
CODE = re.compile(r"\w+")
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

    # It has no metadata, no time to send at and no templates; tracking belongs to a domain. How
    # large a mail may be, each server decides. Non-ASCII local parts: unconfirmed.
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.MULTIPLE_REPLY_TO
        | Feature.HEADERS
        | Feature.REPEATED_HEADERS
        | Feature.ATTACHMENTS
        | Feature.INLINE_IMAGES
        | Feature.TAGS
        | Feature.EMPTY_BODY
        | Feature.EMPTY_SUBJECT
        | Feature.WITHOUT_TO,
        max_tags=1,
    )

    api_key: str | Callable[[], str] = field(repr=False)
    base_url: str
    webhook_public_key: Secrets = ""

    def build_request(self, message: Message) -> HTTPRequest:
        tag = {TAG: message.tags[0]} if message.tags else {}
        mail = message.bound(headers={**message.headers, **tag}).as_email_message()
        body = {
            "mail_from": message.sender.email,
            "rcpt_to": [address.email for address in message.recipients],
            "data": Base64(mail.as_bytes(policy=mail.policy.clone(linesep="\r\n"))),
        }
        body = merge_options(body, message.options(self.name), reserved=RESERVED)
        return self._post("send/raw", body)

    def parse_response(self, response: Response, message: Message) -> Accepted:
        ids = _ids(response.json_object())
        if not ids:
            raise _error(response)
        missing = (one.email for one in message.recipients if one.email not in ids)
        statuses = dict.fromkeys(missing, RecipientStatus.UNKNOWN)
        return Accepted(next(iter(ids.values())), statuses, ids)

    def classify_error(self, response: Response, message: Message) -> SendError:
        return _error(response)

    def build_ping(self) -> HTTPRequest:
        # There is no message 0: the server says so to those whom it knows.
        return self._post("messages/message", {"id": "0"})

    def parse_ping(self, response: Response) -> None:
        if _code(response) != NOT_FOUND:
            raise _error(response)

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        # lib/postal/http.rb of the server's source (2026-11): two signatures of the body, of
        # which older servers have one only.
        signature, digest = request.header("x-postal-signature-256"), "sha256"
        if not signature:
            signature, digest = request.header("x-postal-signature"), "sha1"
        verify_public_key(signature, self.webhook_public_key, request.body, digest=digest)
        return sha256_hex(request.body)  # each webhook has an id, the same when it is repeated

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        return read_events(request)

    def _post(self, path: str, body: dict[str, Any]) -> HTTPRequest:
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "X-Server-API-Key": reveal(self.api_key),
        }
        return HTTPRequest("POST", f"{self.base_url}/api/v1/{path}", headers, json_body(body))


def _data(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    data = answer.get("data")
    return data if isinstance(data, dict) else {}


def _ids(answer: Mapping[str, Any]) -> dict[str, str]:
    """
    The server's id of the mail to each recipient, where it took them.
    """
    messages = _data(answer).get("messages") if answer.get("status") == "success" else None
    return {
        email: str(one["id"])
        for email, one in (messages if isinstance(messages, dict) else {}).items()
        if isinstance(one, dict) and type(one.get("id")) is int
    }


def _code(response: Response) -> str:
    code = _data(response.json_object()).get("code")
    return code if isinstance(code, str) and CODE.fullmatch(code) else ""


def _error(response: Response) -> SendError:
    """
    Make the error of an answer; of the server's words none, because it repeats a wrong key.
    """
    code = _code(response)
    kind = ERRORS.get(code)
    if kind is None and response.ok:
        refused = response.json_object().get("status") in REFUSED
        kind = errors.RequestRefused if refused else errors.OutcomeUnknown
    return classify_http(response, code=code, kind=kind)
