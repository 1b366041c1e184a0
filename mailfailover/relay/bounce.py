"""
A bounce: the report to a sender that recipients did not get a mail (RFC 3464).
"""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING, NamedTuple

from mailfailover._message.boundary import boundary_for
from mailfailover._message.message import Message
from mailfailover._message.raw_mime import raw_header

if TYPE_CHECKING:
    from datetime import datetime

    from mailfailover.relay.submissions import Submission

__all__ = ["Fate", "bounce_for", "is_automatic"]

_STATUS = {"failed": "5.0.0", "relayed": "2.0.0"}


class Fate(NamedTuple):
    """
    What became of one recipient: ``failed`` or ``relayed``, and why.
    """

    email: str
    action: str
    reason: str


def bounce_for(
    submission: Submission, message: Message | None, fates: list[Fate], when: datetime, sender: str
) -> Message:
    """
    Write the report of *fates* to the sender of an envelope.

    Args:
        submission: The mail that is reported.

        message: The mail itself, None if it is not kept any more.

        fates: What became of its recipients.

        when: The time of the report.

        sender: Whom the report is from.
    """
    has_failed = any(one.action == "failed" for one in fates)
    boundary = boundary_for(f"report.{submission.mail}")
    subject = "Undelivered mail returned to sender" if has_failed else "Your mail was passed on"
    header = (
        f"From: Mail Delivery System <{sender}>\r\n"
        f"To: {submission.sender}\r\n"
        f"Subject: {subject}\r\n"
        f"Date: {format_datetime(when)}\r\n"
        f"Message-ID: <{submission.mail}.report@{sender.rpartition('@')[2]}>\r\n"
        "Auto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\n"
        f"Content-Type: multipart/report; report-type=delivery-status;\r\n"
        f'\tboundary="{boundary}"\r\n\r\n'
    )
    parts = [_words(fates, has_failed=has_failed), _status(submission, fates, when)]
    if message is not None and submission.wishes.returns == "FULL":
        parts.append(_returned(b"message/rfc822", message.as_bytes()))
    else:
        parts.append(_returned(b"text/rfc822-headers", submission.header.encode()))
    written = b"".join(b"--%b\r\n%b\r\n" % (boundary.encode(), part) for part in parts)
    raw = header.encode() + written + f"--{boundary}--\r\n".encode()
    return Message.from_mime(raw, to=submission.sender, from_email=sender)


def is_automatic(header: str) -> bool:
    """
    Whether a program wrote the mail in answer to another (RFC 3834): nobody reads its bounces.
    """
    found = raw_header(header.encode(), "auto-submitted").partition(";")[0].strip().lower()
    return found not in ("", "no")


def _words(fates: list[Fate], *, has_failed: bool) -> bytes:
    start = (
        "These recipients did not get your mail:" if has_failed else "Your mail was passed on to:"
    )
    lines = [f"  {one.email}{f': {one.reason}' if one.reason else ''}" for one in fates]
    text = "\r\n".join([start, "", *(" ".join(line.split("\n")) for line in lines), ""])
    return (
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + text.encode()
    )


def _status(submission: Submission, fates: list[Fate], when: datetime) -> bytes:
    wishes = submission.wishes
    first = [
        "Reporting-MTA: dns; mailfailover",
        f"Arrival-Date: {format_datetime(submission.created)}",
    ]
    if wishes.envid:
        first.insert(0, f"Original-Envelope-Id: {wishes.envid}")
    groups = [first]
    for one in fates:
        group = [
            f"Final-Recipient: rfc822; {one.email}",
            f"Action: {one.action}",
            f"Status: {_STATUS[one.action]}",
            f"Last-Attempt-Date: {format_datetime(when)}",
        ]
        if original := wishes.original.get(one.email):
            group.insert(0, f"Original-Recipient: {original}")
        if one.reason:
            group.append(f"Diagnostic-Code: x-mailfailover; {one.reason}")
        groups.append(group)
    text = "\r\n\r\n".join("\r\n".join(map(_line, group)) for group in groups)
    return b"Content-Type: message/delivery-status\r\n\r\n" + text.encode() + b"\r\n"


def _returned(kind: bytes, content: bytes) -> bytes:
    encoding = b"7bit" if content.isascii() else b"8bit"
    head = b"Content-Type: %b\r\nContent-Transfer-Encoding: %b\r\n\r\n" % (kind, encoding)
    return head + content


def _line(line: str) -> str:
    """
    Write *line* as one header of a report, in ASCII.
    """
    return " ".join(line.split()).encode("ascii", "replace").decode()[:900]
