"""
The reader of MIME: a mail as the fields of a message, or as it is.

Fields go through every provider, MIME through some. So a mail becomes fields where they hold
all of it (:mod:`mailfailover._message.mime_headers`, :mod:`mailfailover._message.mime_body`),
and stays a mail where they do not.
"""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message as ParsedMessage
from typing import Any

from mailfailover._message.mime_body import body_fields
from mailfailover._message.mime_defects import check_complete
from mailfailover._message.mime_headers import (
    emails_in,
    envelope_fields,
    header_fields,
    lenient_sender,
)
from mailfailover._message.mime_part import BeyondFields
from mailfailover._message.raw_mime import split_raw
from mailfailover.errors import InvalidMessage


def read_fields(source: ParsedMessage | bytes) -> dict[str, Any]:
    """
    Read a MIME message into the fields of a message, without loss.

    - Trace headers and vendors' commands are left out; the new journey has its own.
    - Date becomes *created*; List-Unsubscribe becomes *unsubscribe* where that writes the
      same again.
    - A From without a domain, as cron writes it, counts as none: the mailer's is used.
    - What no field holds (a signature, ``format=flowed``, a Sender, a report) makes the whole
      mail the field *mime*, for the recipients that its header names.

    Raises:
        InvalidMessage: If it is broken, so that something of it is lost already.
    """
    if not isinstance(source, (bytes, bytearray, memoryview, ParsedMessage)):
        message = (
            "source must be bytes or an email.message.Message, not "
            f"{type(source).__name__}: read the file in binary mode"
        )
        raise InvalidMessage(message)
    try:
        mail = source if isinstance(source, ParsedMessage) else _parse(bytes(source))
        check_complete(mail)
        return _fields_or_raw(mail, source)
    except RecursionError:
        message = "the MIME message is nested too deep: take some of its parts out"
        raise InvalidMessage(message) from None


def named_in_header(raw: bytes, *names: str) -> frozenset[str]:
    """
    Return the addresses that the headers *names* of *raw* hold, in lower case.

    Raises:
        InvalidMessage: If one of them cannot be read.
    """
    return frozenset(emails_in(_parse(split_raw(raw)[0]), *names))


def raw_fields(raw: bytes) -> dict[str, Any]:
    """
    Read what the header of *raw* says of its sender, where it can be read.
    """
    return lenient_sender(_parse(split_raw(raw)[0]))


def _fields_or_raw(mail: ParsedMessage, source: ParsedMessage | bytes) -> dict[str, Any]:
    try:
        return body_fields(mail) | header_fields(mail)
    except BeyondFields:
        return envelope_fields(mail) | {"mime": _raw(mail, source)}


def _raw(mail: ParsedMessage, source: ParsedMessage | bytes) -> bytes:
    if source is mail:
        return mail.as_bytes(policy=mail.policy.clone(linesep="\r\n", mangle_from_=False))
    raw = bytes(source)
    return raw.partition(b"\n")[2] if raw.startswith(b"From ") else raw


def _parse(source: bytes) -> ParsedMessage:
    try:
        return message_from_bytes(source)
    except (TypeError, ValueError):  # The parser's only complaint, of a boundary in pieces.
        message = "a Content-Type of the MIME message cannot be read: correct it"
        raise InvalidMessage(message) from None
