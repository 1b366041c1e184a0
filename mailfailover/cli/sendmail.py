"""
A mail on standard input, as ``sendmail`` takes it.

Programs that send mail on Unix, cron for one, write an RFC 5322 message to ``sendmail`` and
name its recipients as arguments, or ask with ``-t`` for those in the header. The envelope of
SMTP is not the header; vendors' APIs have the header only, so the recipients are put where
everybody sees what the sender meant them to see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailfailover._message.address import Address
from mailfailover._message.message import Message
from mailfailover._message.mime_reader import read_fields
from mailfailover._values.features import DROPPABLE, Feature
from mailfailover.errors import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RECIPIENTS = ("to", "cc", "bcc")
_LOCAL = (
    "to names a local user, without a domain: give --local-to with the address that gets such "
    "mail (for cron, MAILTO in the crontab helps too)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """
    The arguments of sendmail.

    Attributes:
        recipients: The recipients, whatever the header says; () for the header's own.

        sender: Where bounces go; the sender too, for a mail without From.

        name: The sender's name, for a mail without From.

        local_to: The address for names without a domain, such as cron's ``root``.
    """

    recipients: tuple[str, ...] = ()
    sender: str = ""
    name: str = ""
    local_to: str = ""


def read_mail(source: bytes, envelope: Envelope) -> dict[str, Any]:
    """
    Read *source* into the fields of a :class:`~mailfailover.Message` for *envelope*.

    The envelope's sender is used where a provider lets one choose it, and left off elsewhere.

    Raises:
        InvalidMessage: If it is broken, or an address in it is none.
    """
    if not source.strip():
        raise InvalidMessage("standard input is empty: pipe a mail into it, or give --text")
    fields = read_fields(source)
    local_to = Address.parse(envelope.local_to) if envelope.local_to else None
    for name in RECIPIENTS:
        fields[name] = _without_local(fields.get(name, ()), local_to)
    if envelope.recipients:
        named = _without_local(envelope.recipients, local_to)
        _refuse_local(named)
        recipients = Message(", ".join(map(str, named))).to
        if "mime" in fields:
            fields["to"] = recipients
        else:
            _deliver_to(fields, recipients)
    return fields | _sender(fields, envelope) | _cron_headers(fields)


def use_header(fields: Mapping[str, Any]) -> None:
    """
    Refuse a mail whose header does not tell who gets it.

    Raises:
        InvalidMessage: If it names no recipient, or a local user.
    """
    _refuse_local(one for name in RECIPIENTS for one in fields[name])
    if not any(fields[name] for name in RECIPIENTS):
        message = "to is empty: the mail's header names nobody; give recipients as arguments"
        raise InvalidMessage(message, field="to")


def _without_local(recipients: Iterable[Any], local_to: Address | None) -> tuple[Any, ...]:
    """
    Put *local_to*, if there is one, in the place of names without a domain.
    """
    return tuple(local_to if local_to and "@" not in str(one) else one for one in recipients)


def _refuse_local(recipients: Iterable[Any]) -> None:
    if any("@" not in str(one) for one in recipients):
        raise InvalidMessage(_LOCAL, field="to")


def _deliver_to(fields: dict[str, Any], recipients: Iterable[Address]) -> None:
    """
    Send the mail to *recipients* only.

    Recipients in the header stay there. The others become Bcc; a single one becomes To.
    """
    left = {address.email: address for address in recipients}
    for name in RECIPIENTS:
        given = [one for one in fields[name] if isinstance(one, Address)]
        fields[name] = tuple(one for one in given if left.pop(one.email, None))
    others = tuple(left.values())
    is_alone = len(others) == 1 and not fields["to"]
    fields["to" if is_alone else "bcc"] += others


def _sender(fields: Mapping[str, Any], envelope: Envelope) -> dict[str, Any]:
    """
    Say where bounces go, unless that is the sender himself, as any provider has it.
    """
    if "@" not in envelope.sender:  # cron gives a user's name, some programs <>
        return {}
    sender = Address(envelope.sender, envelope.name)
    author = fields.get("from_email") or sender
    if author.email == sender.email:
        return {"from_email": author}
    return {"envelope_from": sender.email, "droppable": DROPPABLE | Feature.ENVELOPE_FROM}


def _cron_headers(fields: dict[str, Any]) -> dict[str, Any]:
    """
    Join what cron repeats in a way that few vendors can express.
    """
    if "mime" in fields:
        return {}
    headers = fields["headers"]
    joined = {
        name: ", ".join(values) for name, values in headers.items() if name.lower() == "x-cron-env"
    }
    return {"headers": headers | joined}
