"""
The forms in which vendors take a whole mail as MIME: bytes, text, or with its Bcc.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._message.encoded_words import encode_header
from mailfailover._message.mime_reader import named_in_header
from mailfailover._provider.mail_fields import unsupported

if TYPE_CHECKING:
    from mailfailover._message.message import Message


def mime_bytes(message: Message) -> bytes:
    """
    Write a mail as MIME, without Bcc: a mail that goes as it is stays byte for byte.
    """
    return message.as_bytes()


def mime_text(message: Message) -> str:
    """
    Write a mail as MIME, for a vendor that takes it as a string of JSON.

    Raises:
        UnsupportedFeature: If its bytes are no UTF-8, which a string cannot hold.
    """
    try:
        return message.as_bytes().decode()
    except UnicodeDecodeError:
        text = "a part of the mail is in 8 bits and no UTF-8, which JSON cannot hold"
        raise unsupported(text, "MIME") from None


def mime_bytes_with_bcc(message: Message) -> bytes:
    """
    Write a mail as MIME with a Bcc header, for a vendor that reads it and takes it out.

    Raises:
        UnsupportedFeature: As :func:`check_header_names_all`, for a mail that goes as it is.
    """
    hidden = [address.email for address in message.bcc]
    if message.mime:
        named = check_header_names_all(message, hidden_too=True)
        hidden = [one.email for one in message.to if one.email.lower() not in named]
    emails = ",\r\n ".join(hidden)
    start = f"Bcc: {emails}\r\n".encode() if emails else b""
    return start + mime_bytes(message)


def header_line(name: str, value: str) -> bytes:
    """
    Write a header above the mail's own; the vendor reads it and removes it.
    """
    return f"{name}: {value if value.isascii() else encode_header(value)}\r\n".encode()


def check_header_names_all(message: Message, *, hidden_too: bool = False) -> frozenset[str]:
    """
    Return whom the header of a mail that goes as it is names, for a vendor that sends to those.

    Args:
        message: The mail.

        hidden_too: Whether the vendor can be told of more recipients.

    Raises:
        UnsupportedFeature: If others would get the mail than are meant to.
    """
    named = named_in_header(message.mime, "to", "cc")
    meant = {address.email.lower() for address in message.to}
    if named - meant or (meant - named and not hidden_too):
        text = "the vendor sends to whom the header of the MIME message names, and they differ"
        raise unsupported(text, "MIME")
    return named
