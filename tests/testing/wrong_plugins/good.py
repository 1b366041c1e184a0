"""
Providers that keep every promise, for wrong ones to be made of.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, ClassVar

from mailfailover import errors
from mailfailover.plugin import (
    MB,
    Accepted,
    Attachment,
    Capabilities,
    Feature,
    HTTPRequest,
    Message,
    Response,
    classify_http,
    for_recipient,
    json_body,
)
from mailfailover.testing import ProviderContract

KEY = "secret-key"
JSON = {"Content-Type": "application/json"}
ERRORS: dict[str, type[errors.SendError]] = {
    "bad_key": errors.AuthenticationFailed,
    "bad_recipient": errors.RecipientRejected,
    "down": errors.ProviderUnavailable,
}
CAPABILITIES = Capabilities(
    Feature.HTML
    | Feature.REPLY_TO
    | Feature.HEADERS
    | Feature.ATTACHMENTS
    | Feature.INLINE_IMAGES
    | Feature.TAGS
    | Feature.METADATA
    | Feature.SEND_AT,
    max_bytes=20 * MB,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """
    A vendor behind HTTP and JSON.
    """

    name: ClassVar[str] = "good"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)
    capabilities: ClassVar[Capabilities] = CAPABILITIES
    idempotency_ttl: ClassVar[float] = 3600.0

    api_key: str = field(default=KEY, repr=False)
    base_url: str = "https://api.good.example"

    def build_request(self, message: Message) -> HTTPRequest:
        return HTTPRequest(
            "POST",
            f"{self.base_url}/v1/mails",
            self.headers() | JSON | self.idempotency(message),
            json_body(self.body(message)),
        )

    def build_ping(self) -> HTTPRequest:
        return HTTPRequest("GET", f"{self.base_url}/v1/account", self.headers())

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}"}

    def idempotency(self, message: Message) -> dict[str, str]:
        key = message.idempotency_key
        return {"Idempotency-Key": key} if key else {}

    def body(self, message: Message) -> dict[str, Any]:
        """
        The document; a wrong plugin changes one of its fields.
        """
        return {
            "from": str(message.sender),
            "to": [str(one) for one in message.to],
            "cc": [str(one) for one in message.cc],
            "bcc": [str(one) for one in message.bcc],
            "reply_to": [str(one) for one in message.reply_to],
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "headers": dict(message.header_items()),
            "tags": list(message.tags),
            "metadata": dict(message.metadata),
            "attachments": [self.file(one) for one in message.attachments],
            "send_at": message.send_at and message.send_at.astimezone(UTC).isoformat(),
        }

    def file(self, one: Attachment) -> dict[str, Any]:
        return {
            "name": one.filename,
            "type": one.content_type,
            "content": b64encode(one.read()).decode(),
            "content_id": one.content_id,
        }

    def parse_response(self, response: Response, message: Message) -> Accepted:
        found = response.json_object().get("id")
        if not isinstance(found, str) or not found:
            raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")
        return Accepted(found)

    def classify_error(self, response: Response, message: Message) -> errors.SendError:
        code = response.json_object().get("code")
        kind = ERRORS.get(code) if isinstance(code, str) else None
        return classify_http(response, kind=kind)


class TestGood(ProviderContract):
    provider: ClassVar[Any] = Good()
    accepted = Response(200, {}, b'{"id": "good-1"}')
    accepted_id = "good-1"
    errors = (
        (Response(401, {}, b'{"code": "bad_key"}'), errors.AuthenticationFailed),
        (Response(400, {}, b'{"code": "bad_recipient"}'), errors.RecipientRejected),
        (Response(503, {}, b'{"code": "down"}'), errors.ProviderUnavailable),
    )


class GoodSimple:
    """
    Sends through a client of its own, which takes text and HTML.
    """

    name = "good-simple"

    def send(self, message: Message) -> str | None:
        self.call([one.email for one in message.to], message.subject, message.text, message.html)
        return message.id

    def call(self, to: list[str], subject: str, text: str, html: str) -> None:
        """
        What would be the vendor's client.
        """


MERGE_CAPABILITIES = Capabilities(
    CAPABILITIES.features
    | Feature.MERGE
    | Feature.MERGE_METADATA
    | Feature.MERGE_HEADERS
    | Feature.MERGE_UNEVEN_HEADERS,
    max_merge=500,
    max_bytes=20 * MB,
)


class GoodMerge(Good):
    """
    The same vendor, which takes a list of mails in one call.
    """

    capabilities: ClassVar[Capabilities] = MERGE_CAPABILITIES

    def build_batch(self, message: Message) -> HTTPRequest:
        return HTTPRequest(
            "POST",
            f"{self.base_url}/v1/batches",
            self.headers() | JSON | self.idempotency(message),
            json_body({"mails": self.mails(message)}),
        )

    def mails(self, message: Message) -> list[dict[str, Any]]:
        """
        The mails; a wrong plugin changes one of them.
        """
        return [self.body(for_recipient(message, one)) for one in message.to]

    def parse_batch(
        self, response: Response, message: Message
    ) -> tuple[Accepted | errors.SendError, ...]:
        ids = response.json_object().get("ids")
        found = (
            [one for one in ids if isinstance(one, str) and one] if isinstance(ids, list) else []
        )
        if len(found) != len(message.to):
            raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")
        return tuple(Accepted(one) for one in found)


class TestGoodMerge(ProviderContract):
    provider: ClassVar[Any] = GoodMerge()
    accepted = TestGood.accepted
    accepted_id = TestGood.accepted_id
    errors = TestGood.errors
    batch = (
        (
            Response(200, {}, b'{"ids": ["good-1", "good-2", "good-3"]}'),
            (Accepted("good-1"), Accepted("good-2"), Accepted("good-3")),
        ),
    )
