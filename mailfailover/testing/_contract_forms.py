"""
Claims about forms: an alternative is no file, MIME stays as it is, a body is what it says.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mailfailover._message.alternative import Alternative
from mailfailover._message.message import Message
from mailfailover._values.wire import HTTPRequest
from mailfailover.testing._claim import claim
from mailfailover.testing._contract_wire import build, refusable
from mailfailover.testing._wire_text import body_bytes, wire_leaves

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ALTERNATIVES", "SIGNED", "check_body_type", "check_no_file", "check_untouched"]

_FORM = "BEGIN:VCALENDAR\r\nzqformqz\r\nEND:VCALENDAR\r\n"
_METHOD = "method=request"


def _with_form(content_type: str) -> Message:
    return Message(
        to="zqannqz@example.org",
        from_email="zqshopqz@example.com",
        subject="zqsubjectqz",
        text="zqtextqz",
        html="<p>zqhtmlqz</p>",
        alternatives=Alternative(content_type, _FORM),
        id="forms",
    )


ALTERNATIVES: Mapping[str, Message] = {
    "CALENDAR": _with_form("text/calendar; method=REQUEST"),
    "AMP": _with_form("text/x-amp-html"),
    "ALTERNATIVES": _with_form("text/x-zq"),
}
"""
Mails with one more form of their text, by the feature's name.
"""

_HEAD = (
    b"From: zqshopqz@example.com\r\nTo: zqannqz@example.org\r\n"
    b"Subject:  zqtwo  blanks\r\n\tfolded\r\nMIME-Version: 1.0\r\n"
)
_PARTS = (
    b'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary="zq"\r\n\r\n'
    b"preamble\r\n--zq\r\nContent-Type: text/plain; format=flowed; charset=us-ascii\r\n\r\n"
    b"zq flowed \r\n-- \r\n\r\n.dot\r\n--zq\r\nContent-Type: application/pgp-signature\r\n\r\n"
    b"zqsignatureqz\r\n--zq--\r\nepilogue\r\n"
)

SIGNED: Mapping[str, Message] = {
    "MIME": Message.from_mime(_HEAD + _PARTS, to="zqannqz@example.org", id="signed")
}
"""
A mail that goes as it is, whose signature any change would break.
"""


@refusable()
def check_no_file(provider: Any, message: Message) -> None:
    """
    An alternative is written as a form of the text, with its type, not as a file.
    """
    (form,) = message.alternatives
    leaves = [*wire_leaves(build(provider, message))]
    for leaf in leaves:
        names = [name.lower() for name in leaf.path]
        if "zqformqz" in leaf.text and any("attach" in name or "file" in name for name in names):
            claim(False, f"{form.kind} is written as a file: mail clients show no invitation")  # noqa: FBT003 -- always
        is_file = names[-1:] == ["content-disposition"] and leaf.text.startswith("attachment")
        claim(not is_file, f"{form.kind} is written as a file: mail clients show no invitation")
    lost = _METHOD in form.content_type.lower() and not any(
        _METHOD in leaf.text.lower().replace('"', "") for leaf in leaves
    )
    claim(not lost, "method=REQUEST of a calendar is nowhere in the request: it is no invitation")


@refusable()
def check_untouched(provider: Any, message: Message) -> None:
    """
    A mail that goes as it is arrives byte for byte.
    """
    leaves = [leaf.data for leaf in wire_leaves(build(provider, message))]
    claim(
        any(message.mime in data for data in leaves),
        "the bytes of a mail that goes as it is are changed: a signature would break",
    )


_TYPES = {b"{": "json", b"[": "json", b"--": "multipart/", b"<?xml": "xml"}


@refusable()
def check_body_type(provider: Any, message: Message) -> None:
    """
    A body has a Content-Type, and is of that type.
    """
    request = build(provider, message)
    body = body_bytes(request.body) if isinstance(request, HTTPRequest) else b""
    if not body:
        return
    headers = {name.lower(): value.lower() for name, value in request.headers.items()}
    kind = headers.get("content-type", "")
    claim(kind, "the request has a body and no Content-Type: vendors answer 415")
    looks = next((word for start, word in _TYPES.items() if body.startswith(start)), "")
    claim(looks in kind, f"the body looks like {looks}, and its Content-Type is {kind!r}")
    if "json" in kind:
        claim("charset" not in kind or "utf-8" in kind, "JSON is UTF-8: name no other charset")
        claim(_is_json(body), "the body is no JSON in UTF-8")
    boundary = kind.partition("boundary=")[2].strip('"')
    if kind.startswith("multipart/"):
        is_closed = boundary and body.lower().rstrip().endswith(f"--{boundary}--".encode())
        claim(is_closed, "the boundary of the Content-Type is not that of the body")


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body.decode())
    except ValueError:
        return False
    return True
