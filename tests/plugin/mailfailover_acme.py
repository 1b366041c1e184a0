"""
Acme, a vendor that does not exist: ``acme://TOKEN@default``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from mailfailover import errors
from mailfailover.plugin import (
    Accepted,
    Capabilities,
    Feature,
    HTTPRequest,
    Message,
    Response,
    classify_http,
    json_body,
)

# https://acme.example/docs/errors (2026-11)
ERRORS = {"bad_token": errors.AuthenticationFailed, "no_such_user": errors.RecipientRejected}


@dataclass(frozen=True, slots=True, kw_only=True)
class Acme:
    """
    Sends through Acme's JSON interface.
    """

    name: ClassVar[str] = "acme"
    userinfo: ClassVar[tuple[str, ...]] = ("token",)
    capabilities: ClassVar[Capabilities] = Capabilities(Feature.HTML | Feature.TAGS, max_tags=1)

    token: str = field(repr=False)
    base_url: str = "https://api.acme.example"

    def build_request(self, message: Message) -> HTTPRequest:
        body = {
            "from": str(message.sender),
            "to": [str(address) for address in message.to],
            "cc": [str(address) for address in message.cc],
            "bcc": [str(address) for address in message.bcc],
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "tag": "".join(message.tags),
        }
        return HTTPRequest("POST", f"{self.base_url}/send", self._headers(), json_body(body))

    def parse_response(self, response: Response, message: Message) -> Accepted:
        if mail_id := response.json_object().get("id"):
            return Accepted(str(mail_id))
        raise classify_http(response, kind=errors.OutcomeUnknown, detail="unreadable answer")

    def classify_error(self, response: Response, message: Message) -> errors.SendError:
        code = str(response.json_object().get("code", ""))
        return classify_http(response, own_envelope=bool(code), code=code, kind=ERRORS.get(code))

    def build_ping(self) -> HTTPRequest:
        return HTTPRequest("GET", f"{self.base_url}/account", self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
