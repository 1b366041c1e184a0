"""
A dry run: the first call that a send would make, without making it.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailfailover._chain.candidates import candidates
from mailfailover._values.wire import Base64, File, HTTPRequest, SMTPRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailfailover._chain.candidate import Candidate
    from mailfailover._mailer.mailer import Mailer
    from mailfailover._message.message import Message
    from mailfailover._values.wire import Body, Part

HIDDEN = "***"
_SHOWN_HEADERS = ("accept", "content-type", "user-agent")


@dataclass(frozen=True, slots=True)
class DryRun:
    """
    The course of a mail while all providers are well.

    Attributes:
        provider: The chain key of the first to get it.

        dropped: The features that would be left off for it.

        next_ones: The providers that would be tried next.

        passed_by: The providers that cannot express it, or that *via* excludes.

        request: The request without any secret; {} if only the provider knows it.
    """

    mail_id: str
    provider: str
    dropped: tuple[str, ...]
    next_ones: tuple[str, ...]
    passed_by: tuple[str, ...]
    request: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """
        Return it as JSON-safe data.
        """
        return {"dry_run": True, **dataclasses.asdict(self)}

    def lines(self) -> Iterator[str]:
        """
        Yield it in words.
        """
        yield f"Nothing was sent. {self.provider} would get the mail first."
        yield f"Left off for it: {', '.join(self.dropped) or 'nothing'}"
        yield f"Tried then: {', '.join(self.next_ones) or 'nobody'}"
        if self.passed_by:
            yield f"Would not get it: {', '.join(self.passed_by)}"
        if not self.request:
            yield f"{self.provider} sends by code of its own: there is no request to show."
            return
        yield ""
        for name, value in self.request.items():
            if isinstance(value, dict):
                yield from (f"{key}: {one}" for key, one in value.items())
            else:
                yield f"\n{value}" if name == "body" else f"{name}: {value}"


def try_run(mailer: Mailer, message: Message) -> DryRun:
    """
    Find out what ``mailer.send(message)`` would do first.

    Raises:
        InvalidMessage, UnsupportedFeature: As that would, before any call.
    """
    message = mailer.prepare(message)
    if mailer.delivery.staging is not None:
        message = mailer.delivery.staging.keep_home(message)
    first, *others = candidates(mailer.chain.parts, message)
    able = [first.link.key, *(one.link.key for one in others)]
    return DryRun(
        message.id,
        first.link.key,
        first.dropped.names,
        tuple(able[1:]),
        tuple(key for key in mailer.chain.keys if key not in able),
        _request(first, message),
    )


def _request(candidate: Candidate, message: Message) -> dict[str, Any]:
    provider: Any = candidate.link.provider
    if not dataclasses.is_dataclass(provider) or not hasattr(provider, "build_request"):
        return {}
    return show_request(without_secrets(provider).build_request(candidate.bind(message)))


def without_secrets(provider: Any) -> Any:
    """
    Return a copy of *provider* that holds a placeholder for each of its secrets.

    So none of them can be in what it builds, in whatever encoding.
    """
    secrets = {
        field.name: HIDDEN
        for field in dataclasses.fields(provider)
        if not field.repr and field.init and getattr(provider, field.name)
    }
    return dataclasses.replace(provider, **secrets) if secrets else provider


def show_request(request: Any) -> dict[str, Any]:
    """
    Return *request* as JSON-safe data.
    """
    if isinstance(request, HTTPRequest):
        headers = {
            name: value if name.lower() in _SHOWN_HEADERS else HIDDEN
            for name, value in request.headers.items()
        }
        body = _text(request.body)
        return {"method": request.method, "url": request.url, "headers": headers, "body": body}
    if isinstance(request, SMTPRequest):
        return {
            "server": f"{request.host}:{request.port}",
            "tls": request.tls,
            "mail_from": request.mail_from,
            "recipients": ", ".join(request.recipients),
            "body": _decode(request.data),
        }
    return {}


def _text(body: Body) -> str:
    if isinstance(body, bytes):
        return _indented(_decode(body))
    return "".join(_decode(part) if isinstance(part, bytes) else _size(part) for part in body)


def _decode(part: bytes) -> str:
    return part.decode("utf-8", "replace").replace("\r\n", "\n")


def _size(part: Part) -> str:
    size = part.size if isinstance(part, (File, Base64)) else len(part)
    return f"({size} bytes of an attachment)"


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text
