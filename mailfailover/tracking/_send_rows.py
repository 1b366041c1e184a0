"""
Send rows: the result of a send for the mail and for each recipient.

A mail may be recorded more than once, where it is sent again under its id. What was accepted
stays so, and what may have been sent is never said to have failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from mailfailover._chain.observe import MailFailed, MailSent
from mailfailover._sql.rows import fit, insert_new, put
from mailfailover._values.receipt import RecipientStatus
from mailfailover.errors import OutcomeUnknown, RecipientRejected, RecipientSuppressed
from mailfailover.tracking._standing import RecipientState
from mailfailover.tracking._tables import ADDRESS_LENGTH, ID_LENGTH, mails, recipients

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mailfailover.errors import MailFailoverError

ACCEPTED = "accepted"
UNKNOWN = "unknown"
FAILED = "failed"

_RANK = {ACCEPTED: 2, UNKNOWN: 1}
"""Of outcomes and of recipients' states: what a later send that ends worse does not take back."""

_STATES: Mapping[RecipientStatus, RecipientState] = {
    RecipientStatus.ACCEPTED: RecipientState.ACCEPTED,
    RecipientStatus.QUEUED: RecipientState.ACCEPTED,
    RecipientStatus.SUPPRESSED: RecipientState.SUPPRESSED,
    RecipientStatus.INVALID: RecipientState.INVALID,
    RecipientStatus.REFUSED: RecipientState.REFUSED,
    RecipientStatus.UNKNOWN: RecipientState.UNKNOWN,
}
_ERRORS: Mapping[type[MailFailoverError], RecipientState] = {
    RecipientRejected: RecipientState.INVALID,
    RecipientSuppressed: RecipientState.SUPPRESSED,
}


class _Part(NamedTuple):
    """
    The result of a send for one recipient.
    """

    state: RecipientState
    provider: str = ""
    provider_message_id: str = ""


def record_send(
    connection: Connection, event: MailSent | MailFailed, now: datetime, content: Any
) -> int:
    """
    Record how a send ended, and what is to be kept of the mail's *content*.

    Returns:
        For how many recipients a delivery is to be expected from now on.
    """
    message = event.message
    if isinstance(event, MailSent):
        row, parts = _sent(event), _accepted_parts(event)
    else:
        row, parts = _failed(event), _failed_parts(event)
    row |= {
        "recorded": now,
        "stream": fit(message.stream),
        "sender": "" if message.from_email is None else message.from_email.email,
        "content": content,
        "is_counted": message.send_at is None,
        "is_purged": False,
    }
    held = connection.execute(_MAIL, {"of_mail": message.id}).mappings().one_or_none()
    if held is not None:
        row = _joined(dict(held), row)
    key = {"mail_id": message.id}
    if held is not None or not insert_new(connection, mails, key | row):
        put(connection, mails, key, row)
    _write_parts(connection, message.id, parts)
    if message.send_at is not None:
        return 0
    return sum(part.state is RecipientState.ACCEPTED for part in parts.values())


def _sent(event: MailSent) -> dict[str, Any]:
    receipt = event.receipt
    return {
        "outcome": ACCEPTED,
        "provider": receipt.provider,
        "provider_message_id": fit(receipt.provider_message_id, ID_LENGTH),
        "possible_duplicate": receipt.possible_duplicate,
        "error": "",
        "attempts": [attempt.to_dict() for attempt in receipt.attempts],
    }


def _failed(event: MailFailed) -> dict[str, Any]:
    error = event.error
    return {
        "outcome": UNKNOWN if isinstance(error, OutcomeUnknown) else FAILED,
        "provider": "",
        "provider_message_id": "",
        "possible_duplicate": False,
        "error": fit(f"{type(error).__name__}: {error}"),
        "attempts": [attempt.to_dict() for attempt in error.attempts],
    }


def _joined(held: Mapping[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """
    Return *row* of a later send, without taking back what *held* says of an earlier one.
    """
    known = {_identity(attempt) for attempt in held["attempts"]}
    more = [attempt for attempt in row["attempts"] if _identity(attempt) not in known]
    attempts = [*held["attempts"], *more]
    if _RANK.get(held["outcome"], 0) > _RANK.get(row["outcome"], 0):
        return {**held, "attempts": attempts}
    doubt = held["possible_duplicate"] or (held["outcome"], row["outcome"]) == (UNKNOWN, ACCEPTED)
    return row | {"attempts": attempts, "possible_duplicate": row["possible_duplicate"] or doubt}


def _identity(attempt: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(
        attempt[name] for name in ("provider", "started", "outcome", "provider_message_id")
    )


def _accepted_parts(event: MailSent) -> dict[str, _Part]:
    receipt = event.receipt
    found = {}
    for email, status in receipt.recipients.items():
        found[email] = _Part(_STATES[status])
        if found[email].state is RecipientState.ACCEPTED:
            given = receipt.message_ids.get(email, receipt.provider_message_id)
            found[email] = _Part(RecipientState.ACCEPTED, receipt.provider, fit(given, ID_LENGTH))
    return found


def _failed_parts(event: MailFailed) -> dict[str, _Part]:
    error = event.error
    rest = RecipientState.UNKNOWN if isinstance(error, OutcomeUnknown) else RecipientState.FAILED
    found = dict.fromkeys((one.email for one in event.message.recipients), _Part(rest))
    state = _ERRORS.get(type(error))
    if state is not None:
        named = getattr(error, "recipients", ()) if len(found) > 1 else found
        found |= dict.fromkeys(found.keys() & set(named), _Part(state))
    return found


def _write_parts(connection: Connection, mail_id: str, parts: Mapping[str, _Part]) -> None:
    held = {row.address: row for row in connection.execute(_PARTS, {"of_mail": mail_id})}
    rows = [
        {"mail_id": mail_id, "address": fit(email, ADDRESS_LENGTH), **part._asdict()}
        for email, part in parts.items()
    ]
    new = [row for row in rows if row["address"] not in held]
    if new:
        numbered = [row | {"position": len(held) + n} for n, row in enumerate(new)]
        connection.execute(insert(recipients), numbered)
    for row in rows:
        before = held.get(row["address"])
        if before is None or _RANK.get(before.state, 0) > _RANK.get(row["state"], 0):
            continue
        where = recipients.c.mail_id == mail_id, recipients.c.position == before.position
        connection.execute(update(recipients).where(*where).values(**row))


_MAIL = select(mails).where(mails.c.mail_id == bindparam("of_mail")).with_for_update()
_PARTS = select(recipients).where(recipients.c.mail_id == bindparam("of_mail"))
