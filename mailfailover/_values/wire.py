"""
Requests to a vendor and its responses, as data.

A provider makes a request and reads a response; only a transport does IO with them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mailfailover._values.face import published_in
from mailfailover._values.frozen import EMPTY, FrozenDict
from mailfailover._values.quick import filler, quick_init
from mailfailover._values.untrusted_json import read_json
from mailfailover.errors import InvalidWebhook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import Self


@published_in("mailfailover.plugin")
class Stage(StrEnum):
    """
    How far a call got. It decides whether the mail could have left.
    """

    PREPARING = "preparing"
    """No connection has been requested yet."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    """A connection is open; no byte of the mail has been written."""

    WRITING = "writing"
    """Some of the mail may have been written."""

    WRITTEN = "written"
    """The whole mail has been written; there is no answer yet."""

    RESPONSE = "response"
    """The vendor answered."""


MAY_HAVE_LEFT = frozenset({Stage.WRITING, Stage.WRITTEN, Stage.RESPONSE})
"""The stages at which a broken call leaves it open whether the mail was sent."""


@published_in("mailfailover.plugin")
class Timeout(float):
    """
    The seconds that one call may take, and a *limit* for a call whose large body still flows.

    A transport that knows only the number keeps to it.

    Attributes:
        limit: Seconds that the call may take as long as the vendor takes in more of its body.

    .. versionadded:: 0.1.0
    """

    __slots__ = ("limit",)

    limit: float

    def __new__(cls, seconds: float, limit: float) -> Self:
        made = super().__new__(cls, seconds)
        made.limit = limit if limit > seconds else seconds  # noqa: FURB136 -- max() is slower
        return made


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True)
class File:
    """
    The content of a file, opened and read anew each time the body is written.
    """

    path: Path
    size: int


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True)
class Base64:
    """
    Content that is base64 encoded, without line breaks, while the body is written.
    """

    content: bytes | memoryview | File

    @property
    def size(self) -> int:
        """
        The number of bytes after encoding.
        """
        raw = self.content.size if isinstance(self.content, File) else len(self.content)
        return (raw + 2) // 3 * 4


Part = bytes | memoryview | File | Base64
Body = bytes | tuple[Part, ...]


@published_in("mailfailover.plugin")
@quick_init
@dataclass(frozen=True, slots=True, repr=False)
class HTTPRequest:
    """
    One HTTP call. Its parts are data, iterated afresh for each attempt.

    Attributes:
        auth: Called just before the write with the request and the Unix time; returns
            the headers that sign it.
    """

    method: str = "POST"
    url: str = ""
    headers: Mapping[str, str] = field(default=EMPTY)
    body: Body = b""
    auth: Callable[[HTTPRequest, float], Mapping[str, str]] | None = None

    def __repr__(self) -> str:
        return f"HTTPRequest({self.method} {self.url})"


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True, repr=False)
class SMTPRequest:
    """
    One SMTP transaction: an envelope and the bytes of the mail.

    With no recipients it only connects, logs in and says NOOP.

    Attributes:
        tls: ``"starttls"``, ``"implicit"`` or ``"none"``.

        ca_file: The certificates to trust, "" for the system's.

        access_token: Logs in with XOAUTH2 instead of the password.

        data: The mail as RFC 5322 text; lines are made to end in CRLF, dots are stuffed.

        smtputf8: Whether the mail's headers are in UTF-8, for non-ASCII addresses.

        local_hostname: The name that EHLO gives, the local IP address if "".
    """

    host: str
    port: int
    tls: str = "starttls"
    ca_file: str = ""
    username: str = ""
    password: str = ""
    access_token: str = ""
    mail_from: str = ""
    recipients: tuple[str, ...] = ()
    data: bytes = b""
    smtputf8: bool = False
    local_hostname: str = ""

    def __repr__(self) -> str:
        return f"SMTPRequest({self.host}:{self.port}, recipients={len(self.recipients)})"


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Response:
    """
    The answer to an :class:`HTTPRequest`; the names in *headers* are in lower case.
    """

    status_code: int
    headers: Mapping[str, str]
    body: bytes

    def __init__(
        self, status_code: int, headers: Mapping[str, str] = EMPTY, body: bytes = b""
    ) -> None:
        lower = FrozenDict({name.lower(): value for name, value in headers.items()})
        _fill(self, status_code, lower, body)

    @property
    def ok(self) -> bool:
        """
        Whether the status is one of success, 200 to 299.
        """
        return 200 <= self.status_code < 300  # noqa: PLR2004 -- the range of RFC 9110

    def json(self) -> Any:
        """
        Return the body as JSON, or None where it is none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def json_object(self) -> dict[str, Any]:
        """
        Return the body as a JSON object, or {} where it is none.
        """
        data = self.json()
        return data if isinstance(data, dict) else {}

    def __repr__(self) -> str:
        return f"Response({self.status_code}, {len(self.body)} bytes)"


_fill = filler(Response)


def response_of(status_code: int, headers: Mapping[str, str], body: bytes) -> Response:
    """
    Return a response with these very *headers*: nobody changes them, and lower case they are.
    """
    response = object.__new__(Response)
    _fill(response, status_code, headers, body)
    return response


@published_in("mailfailover.webhooks")
@dataclass(frozen=True, slots=True, init=False, repr=False)
class WebhookRequest:
    """
    A vendor's call to us, not to be believed before the provider has verified it.

    Attributes:
        method, url: As far as a server can tell.

        headers: One value per name; the names are in lower case.

        body: The raw bytes.

        received: The Unix time of its arrival; None until a clock is asked.

    .. versionadded:: 0.1.0
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    received: float | None

    def __init__(
        self,
        method: str = "POST",
        url: str = "",
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = EMPTY,
        body: bytes = b"",
        received: float | None = None,
    ) -> None:
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        set_ = object.__setattr__
        set_(self, "method", method.upper())
        set_(self, "url", url)
        set_(self, "headers", FrozenDict({name.lower(): value for name, value in pairs}))
        set_(self, "body", bytes(body))
        set_(self, "received", received)

    def header(self, name: str) -> str:
        """
        Return the value of a header, "" if it is missing.
        """
        return self.headers.get(name.lower(), "")

    def json(self) -> Any:
        """
        Return the body as JSON, NUL replaced, or None where it is none or nested too deeply.
        """
        return read_json(self.body)

    def json_object(self) -> dict[str, Any]:
        """
        Return the body as a JSON object, or {} where it is none.
        """
        data = self.json()
        return data if isinstance(data, dict) else {}

    def json_objects(self) -> list[dict[str, Any]]:
        """
        Return the objects of the JSON list in the body, or the single object that the body is.

        Other entries of the list are left out: one bad entry must not lose the batch.

        Raises:
            InvalidWebhook: If it is neither, or there is no object in the list.
        """
        items = data if isinstance(data := self.json(), list) else [data]
        found = [one for one in items if isinstance(one, dict)]
        if items and not found:
            message = "the body is neither a JSON object nor a list of them"
            raise InvalidWebhook(message)
        return found

    def __repr__(self) -> str:
        return f"WebhookRequest({self.method}, {len(self.body)} bytes)"


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True)
class SMTPReply:
    """
    A server's reply to one SMTP command.
    """

    code: int
    text: str = ""
    command: str = ""
    """The step that it answers, one of ``"connect"`` (the greeting), ``"ehlo"``,
    ``"starttls"``, ``"auth"``, ``"mail"``, ``"rcpt"``, ``"data"``, ``"."`` (the end of the
    data) or ``"noop"``."""


@published_in("mailfailover.plugin")
@dataclass(frozen=True, slots=True, repr=False)
class SMTPResponse:
    """
    The answer to an :class:`SMTPRequest`.

    Attributes:
        reply: The last reply that decided about the mail.

        refused:
            The reply for each recipient the server did not take; all of them where nobody
            was left to send to.
    """

    reply: SMTPReply
    refused: Mapping[str, SMTPReply] = field(default=EMPTY)

    @property
    def status_code(self) -> int:
        """
        The reply code.
        """
        return self.reply.code

    @property
    def ok(self) -> bool:
        """
        Whether the server took the mail for at least one recipient.
        """
        return 200 <= self.reply.code < 300  # noqa: PLR2004 -- RFC 5321, 4.2.1

    def __repr__(self) -> str:
        return f"SMTPResponse({self.reply.code}, refused={len(self.refused)})"
