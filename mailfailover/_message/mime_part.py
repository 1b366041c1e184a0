"""
One part of a parsed mail: its MIME headers and its content, decoded strictly.

Only stored values are read, by one way for every policy of the standard library.
"""

from __future__ import annotations

import binascii
import re
from email import policy
from email.message import Message as ParsedMessage
from email.utils import collapse_rfc2231_value
from typing import TYPE_CHECKING, NamedTuple

from mailfailover._message.encoded_words import decode_bytes, decode_words
from mailfailover._message.validation import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

VERBATIM = policy.default.clone(refold_source="none", utf8=True)
"""Writes stored headers as they stand; without *utf8*, Python 3.13 folds what is not ASCII."""

BYTE_ORDER_MARK = "\ufeff"
"""Some senders begin a UTF-8 text with this mark, which is not part of the text."""

_FOLD = re.compile(r"(?:\r\n|\r|\n)(?=[ \t])")
_PLAIN = ("", "7bit", "8bit", "binary")


class BeyondFields(Exception):
    """
    Raised where a mail says something that no field holds; its text names it.
    """


class Header(NamedTuple):
    """
    A structured header: its first word in lower case, its parameters, its whole text.
    """

    value: str
    params: Mapping[str, str]
    text: str


def kind_of(part: ParsedMessage) -> str:
    """
    Return the content type of *part* in lower case, its default where it names none.
    """
    kind = read_header(part, "content-type").value
    return kind if kind.count("/") == 1 else part.get_default_type()


def children_of(part: ParsedMessage) -> list[ParsedMessage]:
    """
    Return the parts of a multipart, or the mail inside a part that holds one.
    """
    children = part.get_payload()
    if not isinstance(children, list):
        return []
    return [child for child in children if isinstance(child, ParsedMessage)]


def header_text(value: object, label: str) -> str:
    """
    Return a stored header value as one line of text, encoded words still in it.

    Raises:
        InvalidMessage: If it holds bytes that are not UTF-8 (RFC 6532).
    """
    text = _FOLD.sub("", str(value)).replace("\t", " ").strip(" ")
    if text.isascii():
        return text
    return decode_bytes(text.encode("utf-8", "surrogateescape"), "utf-8", label)


def read_header(part: ParsedMessage, name: str) -> Header:
    """
    Read the header *name* of *part*; all is empty where there is none.

    Raises:
        InvalidMessage: If it stands there twice or cannot be decoded.
    """
    stored = [value for key, value in part.raw_items() if key.lower() == name]
    if not stored:
        return Header("", {}, "")
    if len(stored) > 1:
        raise invalid("attachments", f"have a part with two {name.title()!r} headers: keep one")
    text = header_text(stored[0], "attachments")
    value = text.partition(";")[0].partition("(")[0].strip(" ").lower()
    if hasattr(stored[0], "params"):  # set by a program, and so parsed already
        return Header(value, dict(stored[0].params), text)
    # The standard library's older parser: the newer one stops at the first slip of a sender.
    bare = ParsedMessage()
    bare.set_raw(name, text)
    try:
        params = bare.get_params([], header=name) or []
    except (TypeError, ValueError):  # what it raises for mixed continuations (seen in 3.11.7)
        problem = f"have a part with a broken {name.title()!r} header: correct it"
        raise invalid("attachments", problem) from None
    return Header(value, {key.lower(): _parameter(one) for key, one in params[1:]}, text)


def _parameter(value: str | tuple[str | None, str | None, str]) -> str:
    if isinstance(value, str):
        return decode_words(value, "attachments")  # forbidden there, and common
    try:
        return collapse_rfc2231_value(value, errors="strict")
    except UnicodeError:
        problem = "have a file name that does not fit its charset: write it in UTF-8"
        raise invalid("attachments", problem) from None


def read_bytes(part: ParsedMessage, label: str) -> bytes:
    """
    Return the content of *part*, its transfer encoding undone.

    Raises:
        BeyondFields: If its transfer encoding is unknown here.
        InvalidMessage: Naming *label*, if it cannot be decoded without loss.
    """
    raw = _stored_bytes(part, label)
    encoding = read_header(part, "content-transfer-encoding").value
    if encoding in _PLAIN:
        return raw
    if encoding == "quoted-printable":
        return binascii.a2b_qp(raw)
    if encoding != "base64":
        raise BeyondFields(f"the transfer encoding {encoding[:40]!r}")
    raw = b"".join(raw.split())
    try:
        return binascii.a2b_base64(raw + b"=" * (-len(raw) % 4), strict_mode=True)
    except binascii.Error:
        # RFC 2045, 6.8: other characters may be ignored, or show that it was damaged.
        problem = "is damaged base64: take the mail anew from where it was written"
        raise invalid(label, problem) from None


def _stored_bytes(part: ParsedMessage, label: str) -> bytes:
    # get_payload() would decode what is not ASCII, and lose what its charset does not explain.
    payload = part._payload  # type: ignore[attr-defined]  # noqa: SLF001 -- no public way to it
    if isinstance(payload, list):  # an attached mail, or several headers as in a bounce
        # In a digest it may have no header at all, only the empty line after it.
        return (b"\n" + part.as_bytes(policy=VERBATIM)).partition(b"\n\n")[2]
    try:
        return str(payload or "").encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        problem = "is Unicode without a charset: use set_content or set_payload(text, 'utf-8')"
        raise invalid(label, problem) from None
