"""
The verdict on a mail after a try: sent, tried again, unknown or dead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mailfailover._provider.scrub import where
from mailfailover._values.face import published_in
from mailfailover._values.receipt import Receipt, RecipientStatus
from mailfailover.errors import (
    AllProvidersFailed,
    InvalidMessage,
    MailFailoverError,
    Penalty,
    RecipientSuppressed,
    SendError,
    UnsupportedFeature,
    Verdict,
)
from mailfailover.outbox._holds import AGAIN_SECONDS, MARK
from mailfailover.outbox._job import OPEN
from mailfailover.outbox._tables import FINISHED, State
from mailfailover.outbox._views import PENDING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime
    from random import Random

    from mailfailover.outbox._lease import Lease
    from mailfailover.outbox._rules import Rules

EXPIRED = "it expired before a provider took it"

ADDRESS_SECONDS = 6 * 3600.0
"""After so long it is looked whether an address is still held."""

REACHED = frozenset({str(RecipientStatus.ACCEPTED), str(RecipientStatus.QUEUED)})
"""The statuses of recipients for whom a provider took the mail."""


@published_in("mailfailover.outbox")
@dataclass(frozen=True, slots=True)
class Ending:
    """
    How a worker's try to send a mail ended.

    Attributes:
        mail_id: The id of the mail.

        state: Its state now.

        provider: The chain key of the provider that took it, "" for none.

        provider_message_id: That vendor's id of the mail.

        reason: Why it is not sent.

        due: When the outbox looks at it next.

        blocked_by: The providers that were away when it was tried, where it is tried again.

        held_back: The receivers that are down, where it waits for them.

    .. versionadded:: 0.1.0
    """

    mail_id: str
    state: State
    provider: str = ""
    provider_message_id: str = ""
    reason: str = ""
    due: datetime | None = None
    blocked_by: tuple[str, ...] = ()
    held_back: tuple[str, ...] = ()


def decide(
    lease: Lease,
    statuses: AbstractSet[str],
    ends: Sequence[Receipt | Exception],
    rules: Rules,
    *,
    now: datetime,
    rng: Random,
    held_back: tuple[str, ...] = (),
) -> Ending:
    """
    Conclude from how the recipients stand, and from what the sends ended in.

    Recipients who are *held_back* do not lose their mail with the last try of others.
    """
    receipt = next((end for end in reversed(ends) if isinstance(end, Receipt)), None)
    took = ("", "") if receipt is None else (receipt.provider, receipt.provider_message_id)
    errors = [end for end in ends if isinstance(end, Exception)]
    reason = tell(errors[-1]) if errors else ""
    if not reason and ends and statuses & OPEN:
        reason = "time ran out before all recipients were served"
    is_over = lease.expires is not None and lease.expires <= now
    is_last = is_over or (rules.is_last(lease.tries) and not held_back)
    reason = reason or (EXPIRED if is_over and statuses & OPEN else "")
    if RecipientStatus.UNKNOWN in statuses:
        after = None if is_last else rules.unknown_after
        due = None if after is None else now + timedelta(seconds=after)
        return Ending(lease.id, State.UNKNOWN, *took, reason, due)
    if PENDING in statuses and not is_last:
        due = _next_try(errors, now + rules.retry_pause(lease.tries, rng))
        due = due if lease.expires is None else min(due, lease.expires)
        blocked_by = tuple(dict.fromkeys(_outages(errors)))
        return Ending(lease.id, State.PENDING, *took, reason, due, blocked_by, held_back)
    if PENDING in statuses:
        why = EXPIRED if is_over else f"given up after {lease.tries} tries"
        reason = f"{why}; the last one: {reason}" if reason not in ("", why) else why
    if statuses & REACHED:
        kept = min(rules.keep, rules.keep_content)
        due = now + (kept or rules.keep)  # kept for no time: it is forgotten now
        return Ending(lease.id, State.SENT, *took, reason, due)
    return Ending(lease.id, State.DEAD, *took, reason, now + rules.keep)


def busy(lease: Lease, provider: str, due: datetime, took: Receipt | None) -> Ending:
    """
    Conclude that the mail has to wait until a provider has fewer calls under way.
    """
    known = ("", "") if took is None else (took.provider, took.provider_message_id)
    reason = f"{provider} has as many calls under way as it may"
    return Ending(lease.id, State.PENDING, *known, reason, due)


def hold(
    lease: Lease,
    held_back: tuple[str, ...],
    took: Receipt | None,
    *,
    now: datetime,
    rng: Random,
) -> Ending:
    """
    Conclude that the mail has to wait until a receiver is up again.
    """
    known = ("", "") if took is None else (took.provider, took.provider_message_id)
    due = now + timedelta(seconds=AGAIN_SECONDS * rng.uniform(0.75, 1.25))
    due = due if lease.expires is None else min(due, lease.expires)
    reason = f"held back: receiver down ({', '.join(held_back)})"
    return Ending(lease.id, State.PENDING, *known, reason, due, held_back=held_back)


def wait_for_address(
    lease: Lease, error: RecipientSuppressed, took: Receipt | None, *, now: datetime, rng: Random
) -> Ending:
    """
    Conclude that the mail has to wait until its address is no longer held after a bounce.

    A delivery, or the end of the receiver's outage, may end that sooner: so it is looked at again.
    """
    known = ("", "") if took is None else (took.provider, took.provider_message_id)
    again = ADDRESS_SECONDS * rng.uniform(0.75, 1.25)
    due = now + timedelta(seconds=min(error.retry_after or 0.0, again))
    due = due if lease.expires is None else min(due, lease.expires)
    return Ending(lease.id, State.PENDING, *known, str(error), due)


def held_address(errors: Iterable[Exception]) -> RecipientSuppressed | None:
    """
    Return the error of a mail whose addresses are held for some days, None for any other end.
    """
    found = list(errors)
    if len(found) != 1 or not isinstance(found[0], RecipientSuppressed):
        return None
    error = found[0]
    return error if error.retry_after is not None and not error.provider else None


def is_final(error: Exception) -> bool:
    """
    Whether trying again cannot help.
    """
    if isinstance(error, (InvalidMessage, UnsupportedFeature)):
        return True
    return isinstance(error, SendError) and error.verdict is Verdict.STOP


def tell(error: Exception) -> str:
    """
    An error in words that may be kept: those of a stranger may hold anything.
    """
    ours = isinstance(error, MailFailoverError)
    return str(error) if ours else f"{type(error).__name__}{where(error)}"


def values_of(ending: Ending, now: datetime) -> dict[str, Any]:
    """
    The columns that the verdict changes.
    """
    blocked_by = (*ending.blocked_by, *(f"{MARK}{one}" for one in ending.held_back))
    return {
        "state": ending.state,
        "due": ending.due,
        "provider": ending.provider,
        "provider_message_id": ending.provider_message_id,
        "reason": ending.reason,
        "finished": now if ending.state in FINISHED else None,
        "blocked": now if blocked_by else None,
        "blocked_by": f" {' '.join(blocked_by)} " if blocked_by else "",
    }


def _outages(errors: Iterable[Exception]) -> Iterator[str]:
    for error in errors:
        attempts = error.attempts if isinstance(error, AllProvidersFailed) else ()
        for one in attempts:
            if one.error is not None and one.error.penalty is Penalty.FAILURE:
                yield one.provider


def _next_try(errors: Iterable[Exception], due: datetime) -> datetime:
    """
    Not before the providers can be back, where they told.
    """
    told = [one.retry_at for one in errors if isinstance(one, AllProvidersFailed) and one.retry_at]
    return max([due, *told])
