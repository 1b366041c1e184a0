"""
The attachments of Django's message: tuples, and parts of MIME.
"""

from __future__ import annotations

from email.message import Message as ParsedMessage
from mimetypes import guess_extension
from typing import TYPE_CHECKING, Any

from mailfailover._message.attachment import Attachment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.mail import EmailMessage

__all__ = ["attachments_of"]


def attachments_of(message: EmailMessage) -> tuple[Attachment, ...]:
    """
    Read every attachment of *message*, inline images among them.

    Raises:
        InvalidMessage: If a name or type of one cannot be sent.
    """
    return tuple(_read(message))


def _read(message: EmailMessage) -> Iterator[Attachment]:
    for number, one in enumerate(message.attachments, 1):
        if isinstance(one, ParsedMessage):
            yield _of_part(one, number)
        else:
            filename, content, mimetype = one
            kind = mimetype or ""
            yield Attachment(str(filename or _name(kind, number)), _bytes(content), kind)


def _of_part(part: ParsedMessage, number: int) -> Attachment:
    kind = part.get_content_type()
    given = str(part.get("Content-Type", kind)).replace("\r", "").replace("\n", "")
    content_id = str(part.get("Content-ID", "")).strip()
    if part.get_content_disposition() == "attachment":
        content_id = ""
    name = part.get_filename() or _name(kind, number)
    return Attachment(name, _payload(part), _without_name(given), content_id)


def _payload(part: ParsedMessage) -> bytes:
    if part.is_multipart():  # an attached mail
        inner: Any = part.get_payload(0)
        return bytes(inner.as_bytes())
    found: Any = part.get_payload(decode=True)
    return bytes(found)


def _without_name(given: str) -> str:
    """
    The type with its parameters, but for the name, which stands in the disposition.
    """
    kind, *parameters = given.split(";")
    kept = [one for one in parameters if not one.strip().lower().startswith("name")]
    return ";".join([kind, *kept])


def _name(kind: str, number: int) -> str:
    """
    A file name for an attachment without one, which no recipient could save.
    """
    return f"attachment-{number}{guess_extension(kind.partition(';')[0]) or '.bin'}"


def _bytes(content: Any) -> bytes:
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content)
    if hasattr(content, "message"):  # a message of Django, attached to another
        content = content.message()
    if isinstance(content, ParsedMessage):
        return content.as_bytes()
    return str(content).encode()
