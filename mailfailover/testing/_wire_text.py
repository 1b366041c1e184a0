"""
All that can be read in a request, however the vendor wants it written.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from email import message_from_bytes
from email.header import decode_header
from email.policy import SMTPUTF8
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_to_bytes

from mailfailover._values.wire import Base64, File, SMTPRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._values.wire import Body, HTTPRequest, Part

__all__ = ["body_bytes", "wire_text"]

_BASE64 = re.compile(rb"[A-Za-z0-9+/_\-\s]{8,}={0,2}\s*")
_HEADER = re.compile(rb"[!-9;-~]+:[ \t]")
_FORM = re.compile(rb"[^\s{<=&]+=\S*")


def body_bytes(body: Body) -> bytes:
    """
    The whole *body* as it goes out.
    """
    return body if isinstance(body, bytes) else b"".join(map(_written, body))


def _written(part: Part) -> bytes:
    return b64encode(_raw(part.content)) if isinstance(part, Base64) else _raw(part)


def _raw(content: bytes | memoryview | File) -> bytes:
    return content.path.read_bytes() if isinstance(content, File) else bytes(content)


def wire_text(request: HTTPRequest | SMTPRequest) -> str:
    """
    The URL, headers and body of *request*, as they are and decoded in every way that fits.

    JSON (also within forms and headers), forms of both kinds, percent-encoding, base64
    and MIME with its encoded words are undone, one inside the other too.
    """
    return "\n".join(_readable(list(_pieces(request))))


def _pieces(request: HTTPRequest | SMTPRequest) -> Iterator[bytes]:
    if isinstance(request, SMTPRequest):
        yield from (one.encode() for one in (request.mail_from, *request.recipients))
        yield request.data
        return
    yield request.url.encode()
    for name, value in request.headers.items():
        yield name.encode()
        yield value.encode()
        yield from value.encode().split()  # "Basic" and what is encoded behind it
    yield body_bytes(request.body)


def _readable(todo: list[bytes]) -> Iterator[str]:
    seen = set()
    while todo:
        data = todo.pop()
        if data not in seen:
            seen.add(data)
            yield data.decode("utf-8", "replace")
            for decode in (_json, _base64, _percent, _form, _multipart, _mime, _encoded_words):
                todo.extend(decode(data))


def _json(data: bytes) -> Iterator[bytes]:
    if data[:1] in (b"{", b"[", b'"'):
        try:
            yield from _strings(json.loads(data))
        except ValueError:
            return


def _strings(value: Any) -> Iterator[bytes]:
    if isinstance(value, str):
        yield value.encode("utf-8", "replace")
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _strings(key)
            yield from _strings(one)


def _base64(data: bytes) -> Iterator[bytes]:
    if _BASE64.fullmatch(data):
        try:
            yield b64decode(data.translate(bytes.maketrans(b"-_", b"+/")))
        except ValueError:
            return


def _percent(data: bytes) -> Iterator[bytes]:
    if b"%" in data:
        yield unquote_to_bytes(data)


def _form(data: bytes) -> Iterator[bytes]:
    if _FORM.fullmatch(data):
        for pair in parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True):
            yield from (one.encode() for one in pair)


def _multipart(data: bytes) -> Iterator[bytes]:
    boundary, newline, _ = data.partition(b"\r\n")
    if newline and boundary.startswith(b"--"):
        for part in data.split(boundary)[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            yield head
            yield content.removesuffix(b"\r\n")


def _mime(data: bytes) -> Iterator[bytes]:
    if not _HEADER.match(data):
        return
    for part in message_from_bytes(data, policy=SMTPUTF8).walk():
        for name, value in part.items():
            yield f"{name}: {value}".encode("utf-8", "replace")
        if filename := part.get_filename():
            yield filename.encode("utf-8", "replace")
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            yield payload


def _encoded_words(data: bytes) -> Iterator[bytes]:
    if data.startswith(b"=?"):
        for text, charset in decode_header(data.decode("latin-1")):
            if isinstance(text, bytes):
                yield text.decode(charset or "ascii", "replace").encode()
