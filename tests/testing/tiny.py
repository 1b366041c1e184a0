"""
Three small providers that keep the contract, for tests that break it one claim at a time.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mailfailover import errors
from mailfailover.errors import OutcomeUnknown, SendError
from mailfailover.plugin import (
    Accepted,
    Capabilities,
    Feature,
    HTTPRequest,
    Message,
    RecipientStatus,
    Response,
    SMTPRequest,
    SMTPResponse,
    classify_http,
    classify_smtp,
    json_body,
    mime_bytes,
    rewrite,
    variables,
)

ERRORS: dict[str, type[SendError]] = {
    "bad_key": errors.AuthenticationFailed,
    "bad_recipient": errors.RecipientRejected,
    "down": errors.ProviderUnavailable,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiny:
    """
    A vendor behind HTTP with a bit of everything.
    """

    name: ClassVar[str] = "tiny"
    userinfo: ClassVar[tuple[str, ...]] = ("api_key",)
    capabilities: ClassVar[Capabilities] = Capabilities(
        Feature.HTML
        | Feature.REPLY_TO
        | Feature.TAGS
        | Feature.TRACKING
        | Feature.SEND_AT
        | Feature.MERGE,
        max_tags=1,
        max_recipients=20,
    )
    idempotency_ttl: ClassVar[float] = 3600.0

    api_key: str = field(repr=False)
    base_url: str = "https://api.tiny.example"

    def build_request(self, message: Message) -> HTTPRequest:
        return self.request("/send", self.fields(message), message)

    def build_batch(self, message: Message) -> HTTPRequest:
        fields = self.fields(message)
        fields["text"] = rewrite(message.text, "<<{}>>".format)
        fields["html"] = rewrite(message.html, "<<{}>>".format, html=True)
        fields["subject"] = rewrite(message.subject, "<<{}>>".format)
        fields["variables"] = {one.email: variables(message, one.email) for one in message.to}
        return self.request("/merge", fields, message)

    def build_ping(self) -> HTTPRequest:
        return HTTPRequest("GET", f"{self.base_url}/me", self.headers())

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}"}

    def request(self, path: str, fields: dict[str, Any], message: Message) -> HTTPRequest:
        headers = self.headers() | {"Content-Type": "application/json"}
        if message.idempotency_key:
            headers["Idempotency-Key"] = message.idempotency_key
        return HTTPRequest("POST", f"{self.base_url}{path}", headers, json_body(fields))

    def fields(self, message: Message) -> dict[str, Any]:
        return {
            "from": str(message.sender),
            "to": [str(one) for one in message.to],
            "cc": [str(one) for one in message.cc],
            "bcc": [str(one) for one in message.bcc],
            "reply_to": [str(one) for one in message.reply_to],
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "tags": message.tags,
            "opens": message.track_opens,
            "clicks": message.track_clicks,
            "at": message.send_at and message.send_at.isoformat(),
        }

    def parse_response(self, response: Response, message: Message) -> Accepted:
        found = response.json_object().get("id")
        if not isinstance(found, str) or not found:
            raise OutcomeUnknown("no id", status_code=response.status_code)
        return Accepted(found)

    def parse_batch(self, response: Response, message: Message) -> tuple[Accepted | SendError, ...]:
        ids = response.json_object().get("ids")
        if not isinstance(ids, list) or len(ids) != len(message.to):
            raise OutcomeUnknown("no ids", status_code=response.status_code)
        return tuple(self.outcome(one) for one in ids)

    def outcome(self, found: object) -> Accepted | SendError:
        if isinstance(found, str) and found:
            return Accepted(found)
        known = found is None
        return errors.RecipientRejected("no id") if known else OutcomeUnknown("no id")

    def classify_error(self, response: Response, message: Message) -> SendError:
        code = response.json_object().get("code")
        kind = ERRORS.get(code) if isinstance(code, str) else None
        return classify_http(response, kind=kind, detail=str(response.json_object().get("text")))


@dataclass(frozen=True, slots=True, kw_only=True)
class TinySMTP:
    """
    A server behind SMTP that takes plain texts.
    """

    name: ClassVar[str] = "tiny-smtp"
    capabilities: ClassVar[Capabilities] = Capabilities(Feature.ENVELOPE_FROM)

    password: str = field(repr=False)

    def build_request(self, message: Message) -> SMTPRequest:
        return self.request(
            mail_from=message.envelope_from or message.sender.email,
            recipients=tuple(one.email for one in message.recipients),
            data=mime_bytes(message),
        )

    def request(self, **fields: Any) -> SMTPRequest:
        return SMTPRequest("smtp.tiny.example", 587, password=self.password, **fields)

    def build_ping(self) -> SMTPRequest:
        return self.request()

    def parse_response(self, response: SMTPResponse, message: Message) -> Accepted:
        return Accepted(recipients=dict.fromkeys(response.refused, RecipientStatus.REFUSED))

    def classify_error(self, response: SMTPResponse, message: Message) -> SendError:
        return classify_smtp(response.reply)


class TinySimple:
    """
    Has a name and can send.
    """

    name = "tiny-simple"
    count = itertools.count()

    def send(self, message: Message) -> str | None:
        return f"{next(self.count)}"
