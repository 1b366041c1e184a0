"""
One mail on the wire: a clean envelope, canonical lines, and the server's consent.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mailfailover._values.features import NO_FEATURES, Feature
from mailfailover._values.wire import Stage
from mailfailover.errors import RequestRefused, UnsupportedFeature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover._values.wire import SMTPRequest

_LINE_END = re.compile(rb"\r\n|\r|\n")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BRACKET = re.compile(r"[ <>]")


def check_envelope(request: SMTPRequest) -> None:
    """
    Refuse addresses that would end their command or start another.

    Raises:
        RequestRefused: If one has such a character outside quotes.
    """
    for address in (request.mail_from, *request.recipients):
        if _CONTROL.search(address) or _BRACKET.search(_QUOTED.sub("", address)):
            message = "an envelope address has a space, bracket or control character in it"
            raise RequestRefused(message, stage=Stage.PREPARING)


def framed(data: bytes) -> bytes:
    """
    Return *data* with every line ended by CRLF and every dot at a line's start doubled.

    A lone CR or LF must not pass: servers differ in whether a line ends there, and a dot
    after it could end the mail for one of them (SMTP smuggling).
    """
    lines = data.count(b"\r\n")
    if data.count(b"\n") != lines or data.count(b"\r") != lines:
        data = _LINE_END.sub(b"\r\n", data)
    if data.startswith(b"."):
        data = b"." + data
    if b"\r\n." in data:
        data = data.replace(b"\r\n.", b"\r\n..")
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def mail_options(request: SMTPRequest, data: bytes, extensions: Mapping[str, str]) -> str:
    """
    The parameters of MAIL FROM.

    Raises:
        UnsupportedFeature: If the server does not offer what this mail needs.
    """
    envelope = (request.mail_from, *request.recipients)
    utf8 = request.smtputf8 or not all(address.isascii() for address in envelope)
    options = ""
    limit = extensions.get("SIZE")
    if limit is not None:
        options = f" SIZE={len(data)}"
        if limit.isdecimal() and 0 < int(limit) < len(data):
            raise _unsupported(f"the mail has {len(data)} bytes, the server takes {limit}")
    if not data.isascii():
        if "8BITMIME" not in extensions:
            raise _unsupported("the server takes 7-bit data only")
        options += " BODY=8BITMIME"
    if utf8:
        if "SMTPUTF8" not in extensions:
            text = "the server takes no addresses with non-ASCII characters (SMTPUTF8)"
            raise _unsupported(text, Feature.UNICODE_LOCAL_PART)
        options += " SMTPUTF8"
    return options


def _unsupported(text: str, features: Feature = NO_FEATURES) -> UnsupportedFeature:
    return UnsupportedFeature(text, features=features.names, stage=Stage.CONNECTED)
