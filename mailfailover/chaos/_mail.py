"""
An accepted mail, and how it is read out of a vendor's request.
"""

from __future__ import annotations

import email
import re
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from typing import TYPE_CHECKING, Any

from mailfailover._values.face import published_in
from mailfailover.testing._request_bodies import form_fields, from_base64, json_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from mailfailover.testing import RecordedRequest

__all__ = ["AcceptedMail", "headings_of", "headings_of_mime"]

_MIME = ("data", "mime_email", "mimemessage")  # in base64
_SENDERS = ("from", "from_email", "sender", "senderaddress", "fromemailaddress", "mail_from")


@published_in("mailfailover.chaos")
@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedMail:
    """
    A mail that a vendor accepted, whether or not the client was told.

    Attributes:
        number: Counts from 1.

        vendor: The scheme of the vendor.

        accepted: When (aware).

        sender: The From address of the request, "" where it is not found.

        recipients: The addresses of all who get it.

        subject: Its subject; "" where it is not found, for a template for example.

        mail_id: Our id, where the request has one.

        message_ids: The vendor's id of the mail for each recipient.

        fate: ``"delivered"``, or ``"stuck"`` where nothing will be heard of it.

        body: The request's body, or the mail's data.

    .. versionadded:: 0.1.0
    """

    number: int
    vendor: str
    accepted: datetime
    sender: str
    recipients: tuple[str, ...]
    subject: str
    mail_id: str
    message_ids: Mapping[str, str]
    fate: str
    body: bytes = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """
        The mail as JSON has it, without its body.
        """
        return {
            "number": self.number,
            "vendor": self.vendor,
            "accepted": self.accepted.isoformat(),
            "sender": self.sender,
            "recipients": list(self.recipients),
            "subject": self.subject,
            "mail_id": self.mail_id,
            "message_ids": dict(self.message_ids),
            "fate": self.fate,
            "bytes": len(self.body),
        }


def headings_of(request: RecordedRequest) -> tuple[str, str]:
    """
    The sender and the subject of the mail in a request, in the vendor's own fields.
    """
    body = json_value(request)
    mime = from_base64(_first(body, _MIME) or request.body)
    if b"From:" in mime:
        return headings_of_mime(mime)
    if body is not None:
        return _first(body, _SENDERS), _first(body, ("subject",))
    fields = dict(form_fields(request))
    if "from" in fields or "subject" in fields:
        return fields.get("from", ""), fields.get("subject", "")
    start = max(request.body.find(b"From: "), 0)
    return headings_of_mime(request.body[start:])


def headings_of_mime(mime: bytes) -> tuple[str, str]:
    """
    Sender and subject of a MIME message.
    """
    headers = email.message_from_bytes(mime.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    return _plain(headers.get("From", "")), _plain(headers.get("Subject", ""))


def _plain(value: object) -> str:
    """
    A header without encoded words, as far as they can be read.
    """
    text = re.sub(r"\r?\n(?=[ \t])", "", str(value)).encode("utf-8", "replace").decode()
    try:
        return str(make_header(decode_header(text)))
    except (LookupError, ValueError):
        return text


def _first(value: Any, names: tuple[str, ...]) -> str:
    found = (one for one in _fields(value) if one[0].lower() in names)
    return next((text for _, one in found if (text := _text(one))), "")


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    """
    Yield the fields of all objects in *value*, the outer ones first.
    """
    waiting = [value]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, dict):
            yield from one.items()
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _text(value: Any) -> str:
    """
    A text, or the address in an object that names somebody.
    """
    if isinstance(value, dict):
        names = ("email", "address", "Email", "emailAddress", "Data")
        value = next((value[name] for name in names if name in value), "")
    return value if isinstance(value, str) else ""
