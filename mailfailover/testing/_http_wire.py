"""
HTTP/1.1 as a server sees it: a request read from a channel, an answer as bytes.
"""

from __future__ import annotations

import http
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailfailover._values.face import published_in
from mailfailover.testing._channel import Disconnected

if TYPE_CHECKING:
    from mailfailover.testing._channel import Channel

__all__ = ["CannedResponse", "RecordedRequest", "read_request", "render"]

_REASONS = {status.value: status.phrase for status in http.HTTPStatus}
_BODILESS = frozenset({204, 304})


@published_in("mailfailover.testing")
@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """
    A request as the server received it.

    `path` is the whole target, query included; `received_at` is `time.monotonic`
    when the last byte was read; `connection` counts from 1.

    .. versionadded:: 0.1.0
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    received_at: float
    connection: int

    def header(self, name: str, default: str = "") -> str:
        """
        The value of the first header called *name*, in any case.
        """
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), default)


@published_in("mailfailover.testing")
@dataclass(frozen=True, slots=True)
class CannedResponse:
    """
    An answer to give. Content-Length is added unless a header sets it.

    .. versionadded:: 0.1.0
    """

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


def read_request(channel: Channel, *, max_bytes: int | None = None) -> RecordedRequest:
    """
    Read one whole request.

    Raises:
        Disconnected:
            If it is not complete, not HTTP, or has a body of more than *max_bytes*.
    """
    try:
        return _read_request(channel, max_bytes)
    except ValueError as exc:
        raise Disconnected("not HTTP") from exc


def _read_request(channel: Channel, max_bytes: int | None) -> RecordedRequest:
    head = channel.read_until(b"\r\n\r\n").decode("latin-1")
    first, *lines = head[:-4].split("\r\n")
    method, _, rest = first.partition(" ")
    path = rest.rpartition(" ")[0]
    headers = []
    length = 0
    chunked = False
    for line in lines:
        name, _, value = line.partition(":")
        value = value.strip()
        headers.append((name, value))
        match name.lower():
            case "content-length":
                length = int(value)
            case "transfer-encoding":
                chunked = "chunked" in value.lower()
            case "expect" if value.lower() == "100-continue":
                channel.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    if chunked:
        body = _read_chunks(channel, max_bytes)
    else:
        _check_size(length, max_bytes)
        body = channel.read_exactly(length) if length else b""
    return RecordedRequest(method, path, tuple(headers), body, time.monotonic(), channel.number)


def _check_size(size: int, max_bytes: int | None) -> None:
    if size < 0 or (max_bytes is not None and size > max_bytes):
        raise Disconnected("the body is too large")


def _read_chunks(channel: Channel, max_bytes: int | None) -> bytes:
    parts: list[bytes] = []
    whole = 0
    while size := int(channel.read_until(b"\r\n").partition(b";")[0], 16):
        whole += size
        _check_size(whole, max_bytes)
        parts.append(channel.read_exactly(size))
        channel.read_exactly(2)
    while channel.read_until(b"\r\n") != b"\r\n":
        pass  # A trailer.
    return b"".join(parts)


def render(response: CannedResponse, *, length: int | None = None) -> bytes:
    """
    The bytes of *response*, which claims to have *length* body bytes if that is given.
    """
    lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    if response.status not in _BODILESS and not any(
        name.lower() == "content-length" for name, _ in response.headers
    ):
        lines.append(f"Content-Length: {len(response.body) if length is None else length}")
    return "\r\n".join([*lines, "\r\n"]).encode("latin-1") + response.body
