"""
The writer of MIME: a mail as the standard library's ``EmailMessage`` and as bytes.
"""

from __future__ import annotations

import binascii
from base64 import encodebytes
from datetime import UTC
from email import message_from_bytes
from email.message import EmailMessage
from email.message import Message as ParsedMessage
from email.parser import BytesHeaderParser
from email.utils import format_datetime
from typing import TYPE_CHECKING

from mailfailover._message.boundary import boundary_for
from mailfailover._message.header_folding import address_value, disposition_value, text_value
from mailfailover._message.mime_part import BYTE_ORDER_MARK, VERBATIM
from mailfailover._message.raw_mime import with_network_line_ends
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mailfailover._message.attachment import Attachment
    from mailfailover._message.mail import Mail

_ASCII = VERBATIM.clone(utf8=False)
_MAX_LINE = 998


def build_email_message(message: Mail) -> EmailMessage:
    """
    Write *message* as MIME: everything a MIME message can say, Bcc not in it.

    Serialize it with its own policy (``as_bytes()``, or with a clone of its policy that has
    another *linesep*): another policy may fold the headers again and damage them.

    Raises:
        InvalidMessage: If an attachment cannot be read, or a header would not come out as set.
    """
    if message.mime:
        return message_from_bytes(message.mime, policy=VERBATIM)
    seed = f"{message.id}.{message.part}"
    inline = [one for one in message.attachments if one.content_id]
    files = [one for one in message.attachments if not one.content_id]
    forms = _forms(message, seed, [_attachment(one) for one in inline])
    root = forms[0] if len(forms) == 1 else _multipart("alternative", seed, forms)
    if files:
        root = _multipart("mixed", seed, [root, *map(_attachment, files)])
    return _with_headers(root, message)


def _forms(message: Mail, seed: str, images: list[EmailMessage]) -> list[EmailMessage]:
    """
    Write each form of the text, the least preferred first (RFC 2046, 5.1.4).

    The HTML comes last, or readers that know no more would not show it; AMP is to stand
    before it (https://amp.dev/documentation/guides-and-tutorials/learn/email-spec/amp-email-format/,
    seen 2026-11).
    """
    plain = [_text("text/plain", message.text)] if message.text else []
    rich = [_text("text/html", message.html)] if message.html else []
    readable = any(one.kind.startswith("text/") for one in message.alternatives)
    if not (plain or rich) and (images or not readable):
        plain = [_text("text/plain", "")]
    if images:
        shown = rich or plain
        shown[0] = _multipart("related", seed, [shown[0], *images])
    less: list[EmailMessage] = []
    more: list[EmailMessage] = []
    for one in message.alternatives:
        (more if one.preferred else less).append(_text(one.content_type, one.content))
    return [*plain, *less, *rich, *more]


def _with_headers(root: EmailMessage, message: Mail) -> EmailMessage:
    mail = EmailMessage(VERBATIM if _may_need_utf8(message) else _ASCII)
    for name, value in (*_headers(message), ("MIME-Version", "1.0"), *root.raw_items()):
        mail.set_raw(name, value)
    mail.set_payload(root.get_payload())
    return _checked(mail)


def write_bytes(message: Mail) -> bytes:
    """
    Write *message* as it goes over the wire: with CRLF, and without Bcc.

    Raises:
        InvalidMessage: If an attachment cannot be read, or a header would not come out as set.
    """
    if message.mime:
        return with_network_line_ends(message.mime)
    mail = build_email_message(message)
    return mail.as_bytes(policy=mail.policy.clone(linesep="\r\n"))


def _may_need_utf8(message: Mail) -> bool:
    """
    Whether a header of the mail, or of one attached to it, may stand there in UTF-8.
    """
    addresses = (message.from_email, *message.to, *message.cc, *message.reply_to)
    if not all(one.email.isascii() for one in addresses if one):
        return True
    return any(one.content_type.lower().startswith("message/") for one in message.attachments)


def _headers(message: Mail) -> Iterator[tuple[str, str]]:
    senders = (message.from_email,) if message.from_email else ()
    for name, addresses in (
        ("From", senders),
        ("To", message.to),
        ("Cc", message.cc),
        ("Reply-To", message.reply_to),
    ):
        if addresses:
            yield name, address_value(name, addresses)
    yield "Subject", text_value("Subject", message.subject)
    yield "Date", format_datetime(_in_whole_minutes(message.created))
    yield "Message-ID", text_value("Message-ID", message.message_id)
    for name, value in message.header_items():
        if name.lower() != "message-id":
            yield name, text_value(name, value)


def _in_whole_minutes(time: datetime) -> datetime:
    """
    Return *time* with an offset that RFC 5322 can write, the same moment in any case.
    """
    offset = time.utcoffset()
    return time if offset is not None and not offset.seconds % 60 else time.astimezone(UTC)


def _part(headers: list[tuple[str, str]], payload: str | list[ParsedMessage | str]) -> EmailMessage:
    part = EmailMessage(VERBATIM)
    for name, value in headers:
        part.set_raw(name, value)
    part.set_payload(payload)
    return _checked(part)


def _multipart(kind: str, seed: str, parts: list[EmailMessage]) -> EmailMessage:
    boundary = boundary_for(f"{seed}.{kind}")
    return _part([("Content-Type", f'multipart/{kind}; boundary="{boundary}"')], [*parts])


def _text(content_type: str, text: str) -> EmailMessage:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.startswith(BYTE_ORDER_MARK):
        text = BYTE_ORDER_MARK + text  # Readers take the first for a signature, and remove it.
    encoding, payload = _encode(text)
    headers = [
        ("Content-Type", text_value("Content-Type", f'{content_type}; charset="utf-8"')),
        ("Content-Transfer-Encoding", encoding),
    ]
    return _part(headers, payload)


def _encode(text: str) -> tuple[str, str]:
    """
    Choose the plainest transfer encoding that carries *text* unchanged.
    """
    if (
        text.isascii()
        and text.replace("\n", "").replace("\t", "").isprintable()
        and max(map(len, text.split("\n"))) <= _MAX_LINE
    ):
        return "7bit", text
    raw = text.encode()
    quoted, base64 = binascii.b2a_qp(raw, istext=True), encodebytes(raw)
    if len(quoted) <= len(base64):
        return "quoted-printable", quoted.decode("ascii")
    return "base64", base64.decode("ascii")


def _attachment(attachment: Attachment) -> EmailMessage:
    kind = "inline" if attachment.content_id else "attachment"
    headers = [
        ("Content-Type", text_value("Content-Type", attachment.content_type)),
        ("Content-Disposition", disposition_value(kind, attachment.filename)),
    ]
    if attachment.content_id:
        headers.append(("Content-ID", f"<{attachment.content_id}>"))
    content = attachment.read()
    if attachment.content_type.lower().startswith("message/"):
        part = _message_part(headers, content)
        if part is not None:
            return part
    headers.append(("Content-Transfer-Encoding", "base64"))
    return _part(headers, encodebytes(content).decode("ascii"))


def _message_part(headers: list[tuple[str, str]], content: bytes) -> EmailMessage | None:
    """
    Write an attached mail as it is, for RFC 2046 5.2.1 forbids base64 there.

    Returns:
        None where the standard library would not write it unchanged.
    """
    encoding = "7bit" if content.isascii() else "8bit"
    headers = [*headers, ("Content-Transfer-Encoding", encoding)]
    start = "".join(f"{name}: {value}\n" for name, value in headers).encode() + b"\n"
    part = message_from_bytes(start + content, policy=VERBATIM)
    return _checked(part) if part.as_bytes() == start + content else None


def _checked(part: EmailMessage) -> EmailMessage:
    """
    Return *part* if its headers are unchanged after writing and reading them.
    """
    expected = list(part.raw_items())
    written = b"".join(part.policy.fold_binary(name, value) for name, value in expected)
    read = BytesHeaderParser(policy=part.policy).parsebytes(written)
    if [(name, _plain(value)) for name, value in read.raw_items()] != expected or read.defects:
        names = sorted({name for name, _ in expected})
        message = (
            f"headers would not come out as they are set ({', '.join(names)}): "
            "remove unusual characters from their values"
        )
        raise InvalidMessage(message, field="headers")
    return part


def _plain(value: str) -> str:
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
