"""
The view of a mail that goes as it is: what a person reads of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from mailfailover._message.mime_writer import build_email_message

if TYPE_CHECKING:
    from email.message import EmailMessage

    from mailfailover._message.mail import Mail

M = TypeVar("M", bound="Mail")


def readable(message: M) -> M:
    """
    Return *message* with a subject, a text and an HTML to show; its bytes stay what is sent.
    """
    if not message.mime:
        return message
    mail = build_email_message(message)
    subject = " ".join(str(mail.get("subject", "")).split())
    return message.bound(subject=subject, text=_body(mail, "plain"), html=_body(mail, "html"))


def _body(mail: EmailMessage, kind: str) -> str:
    try:
        part = mail.get_body((kind,))
        return str(part.get_content()) if part else ""
    except (AttributeError, KeyError, LookupError, ValueError):
        return ""  # What Python cannot decode; the source shows it.
