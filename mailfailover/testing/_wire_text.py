"""
The texts in a request, in any format that a vendor uses.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from email import message_from_bytes
from email.header import decode_header
from email.policy import SMTPUTF8
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes
from xml.etree import ElementTree as ET

from mailfailover._values.wire import Base64, File, SMTPRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailfailover._values.wire import Body, HTTPRequest, Part

__all__ = ["WORD", "Leaf", "body_bytes", "wire_leaves", "wire_text"]

_BASE64 = re.compile(rb"[A-Za-z0-9+/_\-\s]{8,}={0,2}\s*")
_HEADER = re.compile(rb"[!-9;-~]+:[ \t]")
_FORM = re.compile(rb"[^\s{<=&]+=\S*")
_FIELD = re.compile(rb'name="([^"]*)"')
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
"""A word of a name such as ``replyTo``."""

_LONGEST_WORD = 40
_DEEPEST = 30


class Leaf(NamedTuple):
    """
    A text inside a request, with its context.

    Attributes:
        data: The text, encoded.

        path: The names that lead to it: keys of JSON, fields of forms, names of headers.

        beside: Short texts in the same object, such as the type of a recipient or a content.
    """

    data: bytes
    path: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """
        The text.
        """
        return self.data.decode("utf-8", "replace")

    def holding(self, data: bytes) -> Leaf:
        """
        Another form of what it holds.
        """
        return Leaf(data, self.path, self.beside)

    def under(self, name: str, data: bytes, *beside: str) -> Leaf:
        """
        The value under *name*.
        """
        return Leaf(data, (*self.path, name), beside)


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

    JSON (also within forms and headers), forms of both kinds, percent-encoding, base64,
    XML and MIME with its encoded words are undone, one inside the other too.
    """
    return "\n".join(dict.fromkeys(leaf.text for leaf in wire_leaves(request)))


def wire_leaves(request: HTTPRequest | SMTPRequest) -> Iterator[Leaf]:
    """
    Yield each text of *request*, as it is and decoded in every way that fits, in its order.
    """
    todo = [*_pieces(request)][::-1]
    seen = set()
    while todo:
        leaf = todo.pop()
        if leaf not in seen and len(leaf.path) < _DEEPEST:
            seen.add(leaf)
            yield leaf
            found = [one for decode in _DECODERS for one in decode(leaf)]
            todo.extend(reversed(found))


def _pieces(request: HTTPRequest | SMTPRequest) -> Iterator[Leaf]:
    if isinstance(request, SMTPRequest):
        yield Leaf(request.mail_from.encode(), ("mail_from",))
        for one in request.recipients:
            yield Leaf(one.encode(), ("recipients",))
        yield Leaf(request.data, ("data",))
        return
    yield Leaf(request.url.encode(), ("url",))
    for name, value in request.headers.items():
        yield Leaf(name.encode())
        yield Leaf(value.encode(), (name,))
        for word in value.encode().split():  # "Basic" and what is encoded behind it
            yield Leaf(word, (name,))
    yield Leaf(body_bytes(request.body))


def _json(leaf: Leaf) -> Iterator[Leaf]:
    if leaf.data[:1] in (b"{", b"[", b'"'):
        try:
            yield from _inside(leaf, json.loads(leaf.data))
        except ValueError:
            return


def _inside(leaf: Leaf, value: Any) -> Iterator[Leaf]:
    """
    Yield the texts and numbers inside *value*, a document of JSON.
    """
    if isinstance(value, list):
        for one in value:
            yield from _inside(leaf, one)
    elif isinstance(value, dict):
        words = [one for one in value.values() if isinstance(one, str)]
        beside = tuple(word for word in words if len(word) <= _LONGEST_WORD)
        for key, one in value.items():
            yield leaf.holding(key.encode("utf-8", "replace"))
            yield from _inside(Leaf(b"", (*leaf.path, key), beside), one)
    elif isinstance(value, (str, int, float)):
        yield leaf.holding(str(value).encode("utf-8", "replace"))


def _base64(leaf: Leaf) -> Iterator[Leaf]:
    if _BASE64.fullmatch(leaf.data):
        try:
            yield leaf.holding(b64decode(leaf.data.translate(bytes.maketrans(b"-_", b"+/"))))
        except ValueError:
            return


def _percent(leaf: Leaf) -> Iterator[Leaf]:
    if b"%" in leaf.data:
        yield leaf.holding(unquote_to_bytes(leaf.data))


def _form(leaf: Leaf) -> Iterator[Leaf]:
    if _FORM.fullmatch(leaf.data):
        for name, value in parse_qsl(leaf.text, keep_blank_values=True):
            yield leaf.holding(name.encode())
            yield leaf.under(name, value.encode())


def _multipart(leaf: Leaf) -> Iterator[Leaf]:
    boundary, newline, _ = leaf.data.partition(b"\r\n")
    if newline and boundary.startswith(b"--"):
        for part in leaf.data.split(boundary)[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            yield leaf.holding(head)
            field = _FIELD.search(head)
            name = field[1].decode("utf-8", "replace") if field else ""
            yield leaf.under(name, content.removesuffix(b"\r\n"))


def _mime(leaf: Leaf) -> Iterator[Leaf]:
    if not _HEADER.match(leaf.data):
        return
    for part in message_from_bytes(leaf.data, policy=SMTPUTF8).walk():
        for name, value in part.items():
            yield leaf.holding(name.encode())
            yield leaf.under(name, value.encode("utf-8", "replace"))
        if filename := part.get_filename():
            yield leaf.under("filename", filename.encode("utf-8", "replace"))
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            yield leaf.under("part", payload, part.get_content_type())


def _words(leaf: Leaf) -> Iterator[Leaf]:
    if leaf.data.startswith(b"=?"):
        for text, charset in decode_header(leaf.data.decode("latin-1")):
            if isinstance(text, bytes):
                yield leaf.holding(text.decode(charset or "ascii", "replace").encode())


def _xml(leaf: Leaf) -> Iterator[Leaf]:
    if not leaf.data.lstrip().startswith(b"<?xml"):
        return
    try:
        root = ET.fromstring(leaf.data)  # noqa: S314 -- the provider under test wrote it
    except ET.ParseError:
        return
    for one in root.iter():
        name = one.tag.rpartition("}")[2]
        for attribute, value in one.attrib.items():
            yield leaf.under(attribute, value.encode())
        yield leaf.under(name, (one.text or "").encode(), *one.attrib.values())


_DECODERS = (_json, _base64, _percent, _form, _multipart, _mime, _words, _xml)
