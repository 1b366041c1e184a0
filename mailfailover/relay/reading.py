"""
Reading a mail of SMTP into a message: as fields, or as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mailfailover._message.message import Message
from mailfailover._message.mime_reader import read_fields
from mailfailover._message.raw_mime import raw_headers
from mailfailover._values.features import DROPPABLE, Feature
from mailfailover.errors import InvalidMessage
from mailfailover.relay.commands import read_commands

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["read_mail", "received"]

MAX_HOPS = 50
"""How many servers a mail may have passed (RFC 5321, 6.3 has 100 at least for other systems)."""

_RECIPIENTS = ("to", "cc", "bcc")


def read_mail(
    raw: bytes,
    sender: str,
    recipients: Sequence[str],
    *,
    trace: str = "",
    keep_vendors: bool = False,
) -> Message:
    """
    Make a message of what SMTP brought.

    Args:
        raw: The mail, its lines ended by CRLF.

        sender: The sender of the envelope, "" for none.

        recipients: The envelope's recipients, who get the mail whatever its header says.

        trace: The Received header for a mail that goes as it is.

        keep_vendors: Whether commands to a vendor's gateway stay in the mail.

    Raises:
        InvalidMessage: If it is no mail, or came by too many servers.
    """
    if len(raw_headers(raw, "received")) >= MAX_HOPS:
        problem = f"the mail passed {MAX_HOPS} servers: it goes round in a loop"
        raise InvalidMessage(problem)
    raw, commands = read_commands(raw, keep_vendors=keep_vendors)
    fields = _fields(raw, recipients)
    if fields is None:
        fields = {"mime": trace.encode() + raw, "to": tuple(recipients)}
    mail = Message(**fields, **commands)
    if sender and mail.from_email is None:
        mail = mail.replace(from_email=sender)
    if sender and mail.from_email and sender.lower() != mail.from_email.email.lower():
        may_go = DROPPABLE | Feature.ENVELOPE_FROM
        mail = mail.replace(envelope_from=sender, droppable=may_go)
    return mail


def _fields(raw: bytes, recipients: Sequence[str]) -> dict[str, Any] | None:
    """
    Read *raw* into fields, with the recipients that its header does not name hidden in bcc.

    Return None where fields would lose something, the header's recipients for one.
    """
    try:
        fields = read_fields(raw)
        if "mime" in fields:
            return None
        named = {one.email.lower() for name in _RECIPIENTS for one in fields.get(name, ())}
    except (InvalidMessage, AttributeError):  # A name without a domain is no address.
        return None
    meant = {email.lower() for email in recipients}
    if named - meant:
        return None
    hidden = tuple(email for email in recipients if email.lower() not in named)
    fields["bcc"] = (*fields.get("bcc", ()), *hidden)
    if len(recipients) == 1 and not named:
        fields["to"], fields["bcc"] = hidden, ()
    return fields


def received(peer: str, helo: str, protocol: str, mail_id: str, when: str) -> str:
    """
    Write the Received header of a mail that came to this port.
    """
    name = re.sub(r"[^A-Za-z0-9.:\[\]-]", "?", helo)[:255] or "unknown"
    return (
        f"Received: from {name} ([{peer}])\r\n"
        f"\tby mailfailover with {protocol} id {mail_id}; {when}\r\n"
    )
