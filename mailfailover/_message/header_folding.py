"""
Header values of a MIME message, written and folded here.

The standard library's own folding changes what it writes: a comma becomes part of an encoded
word (https://github.com/python/cpython/issues/100884), quotes around a name get lost
(https://github.com/python/cpython/issues/80222, /121284), a long Message-ID or URL turns into
an encoded word (https://github.com/python/cpython/issues/79986, /85725), and a line break
in one becomes a real one (CVE-2024-6923). All were seen up to Python 3.11.7.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from mailfailover._message.encoded_words import encode_words
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailfailover._message.address import Address

_LINE = 76
# RFC 5322, 2.1.1: 998 with the header's name.
_MAX_WORD = 900
# Readers of these headers compare identifiers and URLs, and do not decode them.
_STRUCTURED = ("in-reply-to", "list-", "message-id", "references")
_SINGLE_SPACE = re.compile(r"(?<=[^ ]) ")
_ATOMS = re.compile(r"[A-Za-z0-9]+(?: [A-Za-z0-9]+)*")


def text_value(name: str, value: str) -> str:
    """
    Write *value*, any line of Unicode, as the value of the header *name*.

    Raises:
        InvalidMessage: If a URL or an id is too long for a line.
    """
    if _is_plain(value):
        return _fold(name, _SINGLE_SPACE.split(value))
    if name.lower().startswith(_STRUCTURED) and value.isascii() and "=?" not in value:
        message = (
            f"headers[{name!r}] has a word of more than {_MAX_WORD} characters, or a space at "
            "an end: shorten it"
        )
        raise InvalidMessage(message, field="headers")
    return _fold(name, encode_words(value, _room(name)))


def address_value(name: str, addresses: Iterable[Address]) -> str:
    """
    Write *addresses* as the value of the header *name*.
    """
    tokens: list[str] = []
    for address in addresses:
        if tokens:
            tokens[-1] += ","
        tokens += _address_tokens(address)
    return _fold(name, tokens)


def disposition_value(kind: str, filename: str) -> str:
    """
    Write a Content-Disposition; a file name beyond plain ASCII is encoded by RFC 2231.
    """
    return _fold("Content-Disposition", [f"{kind};", *_filename_tokens(filename)])


def _is_plain(value: str) -> bool:
    return (
        value.isascii()
        and value.isprintable()
        and "=?" not in value
        and value == value.strip(" ")
        and all(len(word) <= _MAX_WORD for word in value.split(" "))
    )


def _room(name: str) -> int:
    """
    Return how long an encoded word may be to fit on one line with the header's *name*.
    """
    return max(_LINE - len(f"{name}: "), _LINE // 2)


def _address_tokens(address: Address) -> Iterator[str]:
    name = address.name
    if not name:
        yield address.email
        return
    if _ATOMS.fullmatch(name) and _is_plain(name):
        yield from name.split(" ")
    elif _is_plain(f'"{name}"'):
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        yield from _SINGLE_SPACE.split(f'"{quoted}"')
    else:
        yield from encode_words(name, _room("Reply-To"))
    yield f"<{address.email}>"


def _filename_tokens(filename: str) -> Iterator[str]:
    if len(filename) < _LINE // 2 and _is_plain(filename) and not set(filename) & set('"\\%'):
        yield f'filename="{filename}"'
        return
    pieces = re.findall(r"(?:%..|[^%]){1,18}", quote(filename, safe=""))
    if len(pieces) == 1:
        yield f"filename*=utf-8''{pieces[0]}"
        return
    for number, piece in enumerate(pieces):
        start = "" if number else "utf-8''"
        end = ";" if number + 1 < len(pieces) else ""
        yield f"filename*{number}*={start}{piece}{end}"


def _fold(name: str, tokens: Iterable[str]) -> str:
    """
    Join *tokens* by single spaces, with line breaks where a line gets long.
    """
    first, *others = tokens
    value, length = first, len(name) + 2 + len(first)
    for token in others:
        length += 1 + len(token)
        if length > _LINE:
            value, length = f"{value}\n", 1 + len(token)
        value = f"{value} {token}"
    return value
