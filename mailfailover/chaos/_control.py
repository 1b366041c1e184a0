"""
The control of the vendors, by an API and a page: failures, accepted mails, events.
"""

from __future__ import annotations

import json
import re
from functools import partial
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from mailfailover.errors import ConfigurationError
from mailfailover.testing._http_wire import CannedResponse, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailfailover.chaos._conditions import Conditions
    from mailfailover.chaos._courier import Courier
    from mailfailover.chaos._hooks import Hooks
    from mailfailover.chaos._mailbox import Mailbox
    from mailfailover.testing import RecordedRequest
    from mailfailover.testing._channel import Channel

__all__ = ["Control"]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
)
_FILES = {"/": "page.html", "/page.css": "page.css", "/page.js": "page.js"}
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_LOCAL = re.compile(r"(localhost|127(\.\d+){3})(:\d+)?", re.ASCII | re.IGNORECASE)
_MOST = 1000
_TEXT = 65_536


class _NotFound(Exception):
    """
    There is nothing at this address.
    """


class Control:
    """
    Answers the requests that are for no vendor.

    Args:
        describe: A vendor as JSON has it.

        ca_pem: The authority that HTTPS clients must trust, in PEM.

        is_local: Whether only this machine can reach the page.
    """

    def __init__(
        self,
        *,
        conditions: Conditions,
        hooks: Hooks,
        courier: Courier,
        mailbox: Mailbox,
        describe: Callable[[str], dict[str, Any]],
        ca_pem: Callable[[], bytes],
        is_local: Callable[[], bool],
    ) -> None:
        self._conditions = conditions
        self._hooks = hooks
        self._courier = courier
        self._mailbox = mailbox
        self._describe = describe
        self._ca_pem = ca_pem
        self._is_local = is_local

    def answer(self, channel: Channel, request: RecordedRequest) -> None:
        """
        Answer one request.
        """
        channel.send(render(self.respond(request)))

    def respond(self, request: RecordedRequest) -> CannedResponse:
        """
        The answer to one request.
        """
        path = urlsplit(request.path).path
        if self._is_local() and not _LOCAL.fullmatch(request.header("Host")):
            # A page of another site whose name leads here would read the mails.
            return _json(403, {"error": "open this page by an address of this machine"})
        if request.method == "GET" and path in _FILES:
            return _file(_FILES[path])
        if request.method == "GET" and path == "/api/ca.pem":
            pem = self._ca_pem()
            return CannedResponse(200, pem, (("Content-Type", "application/x-pem-file"),))
        try:
            return _json(200, self._find(request, path)())
        except _NotFound:
            return _json(404, {"error": f"there is no {request.method} {path}"})
        except ConfigurationError as exc:
            return _json(400, {"error": str(exc)})

    def _find(self, request: RecordedRequest, path: str) -> Callable[[], Any]:
        query = dict(parse_qsl(urlsplit(request.path).query))
        match request.method, path.strip("/").split("/"):
            case "GET", ["api", "vendors"]:
                return self._vendors
            case "GET", ["api", "mails"]:
                return partial(self._mails, query)
            case "GET", ["api", "mails", number]:
                return partial(self._mail, number)
            case "DELETE", ["api", "mails"]:
                return self._mailbox.clear
            case "POST", ["api", "fail"]:
                return partial(self._fail, _body(request))
            case "POST", ["api", "heal"]:
                return partial(self._heal, _body(request))
            case "POST", ["api", "webhooks"]:
                return partial(self._webhook, _body(request))
            case "POST", ["api", "incident"]:
                return partial(self._incident, _body(request))
            case "POST", ["api", "mails", number, "events"]:
                return partial(self._event, number, _body(request))
        raise _NotFound

    def _vendors(self) -> Any:
        incident = self._conditions.incident
        return {
            "incident": incident and incident.incident.name,
            "mails": self._mailbox.total,
            "vendors": self._described_vendors(),
        }

    def _described_vendors(self, vendor: str = "*") -> list[dict[str, Any]]:
        return [self._describe(name) for name in self._conditions.named(vendor)]

    def _mails(self, query: dict[str, str]) -> Any:
        limit = query.get("limit", "100")
        if not limit.isdecimal() or not 0 < int(limit) <= _MOST:
            raise ConfigurationError(f"limit must be a number from 1 to {_MOST}")
        found = self._mailbox.mails(query.get("vendor", ""), query.get("recipient", ""))
        return {
            "count": len(found),
            "total": self._mailbox.total,
            "mails": [self._described(one.number) for one in found[: -int(limit) - 1 : -1]],
        }

    def _mail(self, number: str) -> Any:
        found = self._described(_number(number))
        mail = self._mailbox.find(_number(number))
        text = mail.body[:_TEXT].decode("utf-8", "replace") if mail else ""
        return found | {"text": text}

    def _described(self, number: int) -> dict[str, Any]:
        mail = self._mailbox.find(number)
        if mail is None:
            raise _NotFound
        told = [one.to_dict() for one in tuple(self._courier.told) if one.number == number]
        return mail.to_dict() | {"events": told}

    def _fail(self, body: dict[str, Any]) -> Any:
        vendor, kind = _text(body, "vendor"), _text(body, "kind")
        self._conditions.fail(vendor, kind, **body)
        return {"vendors": self._described_vendors(vendor)}

    def _heal(self, body: dict[str, Any]) -> Any:
        vendor = _text(body, "vendor", "*")
        _nothing_else(body)
        self._conditions.heal(vendor)
        return {"vendors": self._described_vendors(vendor)}

    def _webhook(self, body: dict[str, Any]) -> Any:
        vendor, url = _text(body, "vendor"), _text(body, "url", "")
        _nothing_else(body)
        self._hooks.set(self._conditions.named(vendor), url)
        return {"vendors": self._described_vendors(vendor)}

    def _incident(self, body: dict[str, Any]) -> Any:
        name, speed = _text(body, "name"), body.pop("speed", 1)
        _nothing_else(body)
        play = self._conditions.play(name, speed)
        return {
            "name": play.incident.name,
            "title": play.incident.title,
            "lasts": play.incident.lasts,
            "left_out": list(play.left_out),
        }

    def _event(self, number: str, body: dict[str, Any]) -> Any:
        kind, recipient = _text(body, "kind"), _text(body, "recipient", "")
        _nothing_else(body)
        mail = self._mailbox.find(_number(number))
        if mail is None:
            raise _NotFound
        return {"posted": self._hooks.tell(mail, kind, recipient)}


def _file(name: str) -> CannedResponse:
    data = (resources.files("mailfailover.chaos") / name).read_bytes()
    kind = ("Content-Type", f"{_TYPES[name.rpartition('.')[2]]}; charset=utf-8")
    return CannedResponse(200, data, (kind, *_PAGE_HEADERS))


def _json(status: int, value: Any) -> CannedResponse:
    headers = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
    return CannedResponse(status, json.dumps(value).encode() + b"\n", headers)


def _body(request: RecordedRequest) -> dict[str, Any]:
    # A page of another site can post a form or a text, but no JSON.
    if not request.header("Content-Type").startswith("application/json"):
        raise ConfigurationError("send JSON, with the header Content-Type: application/json")
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise ConfigurationError("the body must be a JSON object")
    return body


def _text(body: dict[str, Any], name: str, default: str | None = None) -> str:
    value = body.pop(name, default)
    if value is None:
        raise ConfigurationError(f"{name} is missing: add it")
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be a text, not {value!r}")
    return value


def _nothing_else(body: dict[str, Any]) -> None:
    if body:
        raise ConfigurationError(f"{', '.join(sorted(body))}: unknown; leave it out")


def _number(text: str) -> int:
    if not text.isdecimal():
        raise _NotFound
    return int(text)
