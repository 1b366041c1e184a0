"""
Request bodies: JSON and multipart/form-data, with attachments as parts that are not copied.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from binascii import b2a_base64
from collections.abc import Mapping
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from mailfailover._message.boundary import boundary_for
from mailfailover._values.face import published_in
from mailfailover._values.wire import Base64, File
from mailfailover.errors import InvalidMessage, UnsupportedFeature

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator

    from mailfailover._message.attachment import Attachment
    from mailfailover._message.message import Message
    from mailfailover._values.wire import Body, Part

# JSON escapes control characters, so this stands in a document only where we put it, or
# where somebody planted it: then the count is wrong and the document is refused.
_PLACE = "\0part\0"
_WRITTEN_PLACE = json.dumps(_PLACE).encode()

PEOPLE = frozenset({"from", "sender", "to", "cc", "bcc", "recipients"})
"""Who gets a mail and who sends it, as most vendors call it in a body, in whatever case."""

_CHUNK = 48 * 1024
"""Bytes read at a time, a multiple of 3 so that base64 has no padding in between."""


@published_in("mailfailover.plugin")
class WrittenJSON:
    """
    A list or an object of JSON that is written already: one of many recipients.

    Item by item, so that they are in memory once, as the bytes that go out.
    """

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self.parts: tuple[Part, ...] = parts

    def __repr__(self) -> str:
        return f"WrittenJSON({body_size(self.parts)} bytes)"

    @classmethod
    def of_items(cls, items: Iterable[Any], *, most: float = math.inf) -> WrittenJSON:
        """
        Write a list, whose items may have files in them.

        Args:
            items: The fields and files of the form.

            most: How many bytes it may have, where the items are the mails of a merge.

        Raises:
            UnsupportedFeature: If it has more; the error tells how many mails fit one call.
        """
        return cls(tuple(_written_rows(b"[]", items, list, most)))

    @classmethod
    def of_pairs(cls, pairs: Iterable[tuple[str, Any]]) -> WrittenJSON:
        """
        Write an object.
        """
        return cls(tuple(_written_rows(b"{}", pairs, dict)))


_ROWS = 32
"""Items written at a time, a compromise of memory and speed."""


def _written_rows(
    ends: bytes, rows: Iterable[Any], collect: Callable[[Any], Any], most: float = math.inf
) -> Iterator[Part]:
    written = bytearray(ends[:1])
    remaining = iter(rows)
    count = size = 0
    while some := collect(islice(remaining, _ROWS)):
        if count:
            written += b","
        for part in _without_ends(json_body(some)):
            if isinstance(part, bytes):
                written += part
            else:
                yield memoryview(written)
                yield part
                size += len(written) + body_size((part,))
                written = bytearray()
        count += len(some)
        if size + len(written) >= most:  # the end is not there yet
            raise _too_large(most, count * most / (size + len(written) + 1))
    written += ends[1:]
    yield memoryview(written)


def _without_ends(body: Body) -> Iterator[Part]:
    first, *others = (body,) if isinstance(body, bytes) else body
    if not others:
        yield cast("bytes", first)[1:-1]
        return
    yield cast("bytes", first)[1:]
    yield from others[:-1]
    yield cast("bytes", others[-1])[:-1]


def _too_large(most: float, fitting: float) -> UnsupportedFeature:
    number = int(fitting)
    text = f"one call takes {most:.0f} bytes, which is about {number} of these mails"
    return UnsupportedFeature(text, features=(f"max_merge={number}" if number else "MERGE",))


def body_size(body: Body) -> int:
    """
    The number of bytes that *body* is written as.
    """
    parts = (body,) if isinstance(body, bytes) else body
    return sum(part.size if isinstance(part, (Base64, File)) else len(part) for part in parts)


def json_body(data: Any) -> Body:
    """
    Write *data* as UTF-8 JSON; each Base64 and WrittenJSON in it becomes a part of the body.
    """
    parts: list[Base64 | WrittenJSON] = []

    def token(value: object) -> str:
        if not isinstance(value, (Base64, WrittenJSON)):
            message = f"{type(value).__name__} is not JSON-safe"
            raise TypeError(message)
        parts.append(value)
        return _PLACE

    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=token).encode()
    if not parts:
        return text
    pieces = text.split(_WRITTEN_PLACE)
    if len(pieces) != len(parts) + 1:
        message = "the message contains a NUL character: remove it"
        raise InvalidMessage(message)
    body: list[Part] = []
    for piece, part in zip(pieces, parts, strict=False):
        body += (
            (piece, *part.parts) if isinstance(part, WrittenJSON) else (piece + b'"', part, b'"')
        )
    return *body, pieces[-1]


def merge_options(
    body: Mapping[str, Any],
    options: Mapping[str, Any],
    *,
    reserved: Container[str] = (),
    path: str = "",
) -> dict[str, Any]:
    """
    Lay a message's provider options over a JSON body.

    Mappings are merged at every depth; anything else replaces what stood there.

    Args:
        body: The body that the provider wrote.

        options: ``message.options(name)``.

        reserved:
            Paths such as ``"message.to"`` that options must not touch, because they say who
            gets the mail and who sends it. ``from``, ``sender``, ``to``, ``cc``, ``bcc`` and
            ``recipients`` are always among them.

        path: Where in the document *body* stands, with a dot at its end.

    Raises:
        InvalidMessage:
            If *options* touch one of *reserved*, or break a line in a key or a header.
    """
    merged = dict(body)
    for key, value in options.items():
        where = path + key
        if where in reserved or where.lower() in PEOPLE:
            message = f"provider_options cannot set {where}: use the message's own field"
            raise InvalidMessage(message, field="provider_options")
        in_header = path.endswith("headers.") and isinstance(value, str)
        if not key.isprintable() or (in_header and not value.isprintable()):
            message = f"provider_options have a control character at {where!r}: remove it"
            raise InvalidMessage(message, field="provider_options")
        if isinstance(value, Mapping):
            below = body.get(key)
            below = below if isinstance(below, Mapping) else {}
            merged[key] = merge_options(below, value, reserved=reserved, path=f"{where}.")
        else:
            merged[key] = value
    return merged


def multipart_body(
    message: Message, fields: Iterable[tuple[str, str | WrittenJSON | Attachment]]
) -> tuple[str, Body]:
    """
    Write *fields* as multipart/form-data (RFC 7578).

    Returns:
        The Content-Type with its boundary, and the body. Both are the same whenever they
        are made from the same message in one process.
    """
    boundary = boundary_for(message.id)
    start = f"--{boundary}\r\nContent-Disposition: form-data; name="
    text: list[str] = []
    body: list[Part] = []
    for name, value in fields:
        if isinstance(value, str):
            text += f'{start}"{_quote(name)}"\r\n\r\n', value, "\r\n"
            continue
        if isinstance(value, WrittenJSON):
            text.append(f'{start}"{_quote(name)}"\r\n\r\n')
            body += "".join(text).encode(), *value.parts
            text = ["\r\n"]
            continue
        text.append(
            f'{start}"{_quote(name)}"; filename="{_quote(value.content_id or value.filename)}"\r\n'
            f"Content-Type: {value.content_type}\r\n\r\n"
        )
        body += "".join(text).encode(), value.raw()
        text = ["\r\n"]
    body.append("".join([*text, f"--{boundary}--\r\n"]).encode())
    content_type = f"multipart/form-data; boundary={boundary}"
    return content_type, tuple(body) if len(body) > 1 else bytes(body[0])  # type: ignore[arg-type]  # one part is text


def _quote(value: str) -> str:
    # As browsers and urllib3 do; https://html.spec.whatwg.org/#multipart-form-data (2026-11).
    if '"' in value or "\r" in value or "\n" in value:
        return value.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    return value


def basic_auth(username: str, password: str) -> str:
    """
    Return the value of an Authorization header for HTTP basic authentication.
    """
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode("ascii")


def sha256_hex(body: Body) -> str:
    """
    Return the SHA-256 of *body* as it goes out, in hexadecimal, for a signature over it.

    For :attr:`HTTPRequest.auth` only, which is asked just before the write: it reads the
    files in *body*, piece by piece, the one exception to a provider doing no IO.

    Raises:
        InvalidMessage: If a file cannot be read.
    """
    digest = sha256()
    for part in (body,) if isinstance(body, bytes) else body:
        for chunk in _written(part):
            digest.update(chunk)
    return digest.hexdigest()


def _written(part: Part) -> Iterator[bytes | memoryview]:
    content = part.content if isinstance(part, Base64) else part
    chunks = _read(content) if isinstance(content, File) else _cut(memoryview(content).cast("B"))
    if isinstance(part, Base64):
        yield from (b2a_base64(chunk, newline=False) for chunk in chunks)
    else:
        yield from chunks


def _cut(view: memoryview) -> Iterator[memoryview]:
    for start in range(0, len(view), _CHUNK):
        yield view[start : start + _CHUNK]


def _read(file: File) -> Iterator[bytes]:
    try:
        with file.path.open("rb") as stream:
            for start in range(0, file.size, _CHUNK):
                yield stream.read(min(_CHUNK, file.size - start))
    except OSError as exc:
        message = (
            f"attachments: the file {file.path.name!r} cannot be read ({exc.strerror}): "
            "keep it in place until the mail is sent"
        )
        raise InvalidMessage(message, field="attachments") from exc
