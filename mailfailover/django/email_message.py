"""
Django's message, read into the fields of a :class:`~mailfailover.Message`.

A message is read attribute by attribute, so that a text arrives as it was written. A class with a
``message()`` of its own, which signs its mails perhaps, is asked for that instead. A message whose
headers show other recipients than those who get it goes out as the MIME that Django writes.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from django.core.mail import EmailMessage
from django.core.mail.message import BadHeaderError

from mailfailover._message.address import Address
from mailfailover._message.alternative import Alternative
from mailfailover._message.mime_reader import read_fields
from mailfailover.django.email_attachments import attachments_of
from mailfailover.django.extra_attributes import extra_fields
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["BadHeader", "message_fields"]

_BODIES = {"text/plain": "text", "text/html": "html"}
_AS_IT_IS = {"to", "cc", "sender"}
"""Headers that differ from who gets the mail, or who sends it."""


class BadHeader(InvalidMessage, BadHeaderError):
    """
    A header has more than one line, as Django's ``BadHeaderError`` says it.

    .. versionadded:: 0.1.0
    """


def message_fields(
    message: EmailMessage, defaults: Mapping[str, Any], first: str
) -> dict[str, Any]:
    """
    Read a message of Django, with the attributes that django-anymail added to it.

    Args:
        message: The message to send.

        defaults: For attributes that it does not set.

        first: The chain key of the first provider, which gets a plain ``esp_extra``.

    Raises:
        InvalidMessage: If it cannot be sent as it stands.
        BadHeader: If a header has more than one line.
    """
    _check_lines(message)
    if not _AS_IT_IS.isdisjoint(name.lower() for name in message.extra_headers):
        fields = {"mime": message.message().as_bytes(), "to": _texts(message.recipients())}
    elif type(message).message is not EmailMessage.message:
        fields = _read_mime(message)
    else:
        fields = _read(message)
    return fields | extra_fields(message, defaults, fields["to"], first)


def _read_mime(message: EmailMessage) -> dict[str, Any]:
    fields: dict[str, Any] = dict(read_fields(message.message().as_bytes()))
    if "mime" in fields:  # its header says who is shown, not who gets it
        return fields | {"to": _texts(message.recipients())}
    return fields | {"bcc": _texts(message.bcc)}


def _read(message: EmailMessage) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "to": _texts(message.to),
        "cc": _texts(message.cc),
        "bcc": _texts(message.bcc),
        "reply_to": _texts(message.reply_to),
        "from_email": str(message.from_email),
        "subject": str(message.subject),
        "attachments": attachments_of(message),
    }
    fields |= _bodies(message)
    return fields | _headers(message)


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(str(value) for value in values if value)


def _bodies(message: EmailMessage) -> dict[str, Any]:
    found: dict[str, str] = {}
    others: list[Alternative] = []
    for content, mimetype in _forms(message):
        text = content.decode() if isinstance(content, bytes) else str(content)
        name = _BODIES.get(mimetype.partition(";")[0].strip().lower())
        if name is None:
            others.append(Alternative(mimetype, text, preferred="html" in found))
        elif name in found:
            problem = f"alternatives has a second {mimetype}: a mail has one form of each"
            raise InvalidMessage(problem, field="alternatives")
        else:
            found[name] = text
    return {**found, "alternatives": others}


def _forms(message: EmailMessage) -> Iterator[tuple[Any, str]]:
    """
    Yield every form of the text with its type, in Django's order.
    """
    if message.body:
        yield message.body, f"text/{message.content_subtype}"
    yield from getattr(message, "alternatives", ())


def _headers(message: EmailMessage) -> dict[str, Any]:
    """
    Read the headers, some of which are fields: as Django does, they win over its attributes.
    """
    fields: dict[str, Any] = {}
    headers: dict[str, str] = {}
    for name, value in message.extra_headers.items():
        text, lower = str(value), name.lower()
        if lower == "from":
            # The attribute is the envelope's sender then, https://code.djangoproject.com/ticket/9214
            fields["from_email"] = text
            fields["envelope_from"] = Address.parse(str(message.from_email)).email
        elif lower == "reply-to":
            fields["reply_to"] = text
        elif lower == "date":
            fields["created"] = _date(text)
        else:
            headers[name] = text
    return fields | {"headers": headers}


def _date(text: str) -> Any:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        message = "headers['Date'] is no date of RFC 5322: leave it out"
        raise InvalidMessage(message, field="headers") from None


def _check_lines(message: EmailMessage) -> None:
    for name, value in _lines(message):
        if "\n" in value or "\r" in value:
            text = f"header values can't contain newlines, but {name} does: take them out"
            raise BadHeader(text, field="headers")


def _lines(message: EmailMessage) -> Iterator[tuple[str, str]]:
    yield "subject", str(message.subject)
    yield "from_email", str(message.from_email)
    for name in ("to", "cc", "bcc", "reply_to"):
        for value in getattr(message, name):
            yield name, str(value)
    for name, value in message.extra_headers.items():
        yield f"headers[{name!r}]", f"{name}{value}"
