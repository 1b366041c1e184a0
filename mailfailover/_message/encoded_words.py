"""
RFC 2047: Unicode in header values as encoded words, and back; charsets by their names.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64encode
from typing import TYPE_CHECKING

from mailfailover._message.validation import invalid

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORD = re.compile(r"=\?([^?\s*]+)(?:\*[^?\s]*)?\?([BbQq])\?([^?\s]*)\?=")
# White space between two encoded words is no text (RFC 2047, 6.2).
_RUN = re.compile(rf"(?:{_WORD.pattern}[ \t]*)*{_WORD.pattern}")
_SAFE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*+-/")
_MAX_WORD = 75
_AROUND = len("=?utf-8?q??=")

# A charset whose bytes do not fit is decoded as its extension: senders name the smaller set
# and write the larger, https://encoding.spec.whatwg.org/#names-and-labels (2026-11).
_EXTENSIONS = {
    "ascii": "utf-8",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}


def decode_bytes(raw: bytes, charset: str, label: str) -> str:
    """
    Decode *raw* as *charset*, or as its well-known extension where it does not fit.

    Raises:
        InvalidMessage: Naming *label*; nothing is replaced or left out.
    """
    import codecs

    if raw.isascii() and charset.lower() in ("us-ascii", "utf-8", ""):
        return raw.decode("ascii")
    try:
        known = codecs.lookup(charset or "us-ascii").name
        try:
            return raw.decode(known)
        except UnicodeError:
            return raw.decode(_EXTENSIONS.get(known, known))
    except (LookupError, ValueError) as exc:
        problem = (
            "does not fit its charset"
            if isinstance(exc, UnicodeError)
            else "has the unknown charset"
        )
        raise invalid(
            label,
            f"{problem} {charset[:40] or 'us-ascii'!r}: declare the right one, or send UTF-8",
        ) from None


def decode_words(text: str, label: str) -> str:
    """
    Replace the encoded words in *text* by what they stand for.

    Neighbours are joined before they are decoded: some senders split a character.

    Raises:
        InvalidMessage: If one cannot be decoded.
    """
    if "=?" not in text:
        return text
    return _RUN.sub(lambda run: "".join(_decode_run(run[0], label)), text)


def _decode_run(run: str, label: str) -> Iterator[str]:
    charset, raw = "", b""
    for word in _WORD.finditer(run):
        if word[1].lower() != charset:
            yield decode_bytes(raw, charset, label)
            charset, raw = word[1].lower(), b""
        raw += _decode_one(word[2], word[3], label)
    yield decode_bytes(raw, charset, label)


def _decode_one(encoding: str, text: str, label: str) -> bytes:
    raw = text.encode()
    if encoding in "Qq":
        return binascii.a2b_qp(raw, header=True)
    try:
        return binascii.a2b_base64(raw + b"=" * (-len(raw) % 4), strict_mode=True)
    except binascii.Error:
        problem = "contains a broken RFC 2047 encoded word: write it as plain Unicode"
        raise invalid(label, problem) from None


def encode_words(text: str, limit: int = _MAX_WORD) -> list[str]:
    """
    Write *text* as UTF-8 encoded words of at most *limit* characters; no character is split.
    """
    limit -= _AROUND
    words, chunk, size, size_q = [], b"", 0, 0
    for character in text:
        raw = character.encode()
        add_q = sum(1 if byte in _SAFE or byte == 0x20 else 3 for byte in raw)  # noqa: PLR2004
        fits_b = (size + len(raw) + 2) // 3 * 4 <= limit
        if chunk and not fits_b and size_q + add_q > limit:
            words.append(_encode_one(chunk))
            chunk, size, size_q = b"", 0, 0
        chunk, size, size_q = chunk + raw, size + len(raw), size_q + add_q
    words.append(_encode_one(chunk))
    return words


def encode_header(text: str) -> str:
    """
    Write *text* as RFC 2047 encoded words on one line, for a vendor that leaves it to us.
    """
    return " ".join(encode_words(text))


def _encode_one(chunk: bytes) -> str:
    quoted = "".join(
        chr(byte) if byte in _SAFE else "_" if byte == 0x20 else f"={byte:02X}"  # noqa: PLR2004
        for byte in chunk
    )
    base64 = b64encode(chunk).decode("ascii")
    if len(quoted) <= len(base64):
        return f"=?utf-8?q?{quoted}?="
    return f"=?utf-8?b?{base64}?="
