"""
The sentence on an address: what its bounces and its deliveries add up to.

One bounce of an address that was delivered to before is evidence, not yet a sentence: receivers
have answered for days that live addresses do not exist. Such an address is held for
:data:`HOLD`, and suppressed by a bounce after that. Where two vendors tell it, so that no vendor
alone can be wrong, :data:`AGREEMENT` between their bounces is enough; it is longer than such an
answer was ever given. An address that nothing was ever delivered to is suppressed at once.

All of this is a pure function of what is known, in whatever order it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from mailfailover.suppression._entry import Reason, SuppressionState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

HOLD = timedelta(days=7)
AGREEMENT = timedelta(days=3)
"""Gmail's answer `550 5.1.1` for live addresses, in December 2020, came for two days."""

_SKEW = timedelta(hours=1)
"""How far the clocks of vendors may be apart."""

SHOWN = timedelta(days=30)
"""How long a quarantined bounce stays in the list."""


class Standing(StrEnum):
    """
    The weight of a bounce.
    """

    COUNTED = "counted"
    QUARANTINED = "quarantined"
    """The bounce came while its receiver refused many, and proves nothing alone."""

    LIFTED = "lifted"
    """The bounce was undone by hand, and counts for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """
    A single report of a vendor against an address.

    Attributes:
        key: The same in each repetition.

        email: The address, in lower case.

        receiver: The operator of the mailbox.

        reason: BOUNCED, or SUPPRESSED where a vendor did not say why it has the address listed.

        standing: What it counts for.

        is_listing: Whether the vendor did not try, as the address is on a list of its own.

        at: When it happened, not later than *received*.

        received: When we heard of it.

        told: When it happened, as the vendor says it.

        mail: A key of the mail, "" while the mail is unknown.

        from_domain, source, detail: See :class:`Suppression`.

        expires: When a suppression ends that follows from it.

        mail_id, provider_message_id: The ids of the mail that bounced, until the mail is found.
    """

    key: str
    email: str
    receiver: str
    reason: Reason = Reason.BOUNCED
    standing: Standing = Standing.COUNTED
    is_listing: bool = False
    at: datetime
    received: datetime
    told: datetime | None = None
    mail: str = ""
    from_domain: str = ""
    source: str = ""
    detail: str = ""
    expires: datetime | None = None
    mail_id: str = ""
    provider_message_id: str = ""


class Sentence(NamedTuple):
    """
    The state that follows from a bounce, and its end (None for no end).
    """

    bounce: Bounce
    state: SuppressionState
    until: datetime | None


def sentences(bounces: Iterable[Bounce], deliveries: Sequence[datetime]) -> Iterator[Sentence]:
    """
    Yield the sentence of each bounce that still counts for anything.

    Args:
        bounces: The bounces of one address, in any order.

        deliveries: The times of its last deliveries; of no mail that bounced afterwards.
    """
    standing = [one for one in bounces if not _is_refuted(one, deliveries)]
    for bounce in standing:
        if bounce.standing is Standing.QUARANTINED:
            until = bounce.received + SHOWN
            yield Sentence(bounce, SuppressionState.QUARANTINED, until)
        elif _is_final(bounce, standing, deliveries):
            yield Sentence(bounce, SuppressionState.SUPPRESSED, bounce.expires)
        else:
            yield Sentence(bounce, SuppressionState.HELD, bounce.received + HOLD)


def is_surprise(bounce: Bounce, earlier: Iterable[Bounce], deliveries: Sequence[datetime]) -> bool:
    """
    Whether *bounce* is of an address that took mail before, and that nothing spoke against.
    """
    suspicions = (one for one in earlier if not _is_refuted(one, deliveries))
    is_suspect = any(_gap(one, bounce) >= AGREEMENT - _SKEW for one in suspicions)
    return not bounce.is_listing and _was_known(bounce, deliveries) and not is_suspect


def _was_known(bounce: Bounce, deliveries: Iterable[datetime]) -> bool:
    """
    Whether the address had been delivered to before *bounce*.
    """
    return any(at <= bounce.at for at in deliveries)


def _is_refuted(bounce: Bounce, deliveries: Iterable[datetime]) -> bool:
    """
    Whether it was taken back, or the address took another mail since.

    A vendor's list may hold a complaint, which no delivery refutes.
    """
    if bounce.standing is Standing.LIFTED:
        return True
    return bounce.reason is Reason.BOUNCED and any(at > bounce.at for at in deliveries)


def _is_final(bounce: Bounce, standing: Iterable[Bounce], deliveries: Sequence[datetime]) -> bool:
    if bounce.reason is not Reason.BOUNCED or not _was_known(bounce, deliveries):
        return True
    return any(_confirms(bounce, earlier) for earlier in standing)


def _confirms(bounce: Bounce, earlier: Bounce) -> bool:
    """
    Whether *bounce* is a second one, after *earlier* and by itself.
    """
    if bounce.is_listing and (earlier.is_listing or earlier.standing is Standing.QUARANTINED):
        return False  # the list repeats what put the address there
    gap = _gap(earlier, bounce)
    is_agreed = earlier.source != bounce.source and earlier.standing is Standing.COUNTED
    return gap >= (AGREEMENT if is_agreed else HOLD) - _SKEW


def _gap(earlier: Bounce, bounce: Bounce) -> timedelta:
    """
    The time between two bounces by whichever clock says least: our own may have jumped.
    """
    gaps = [bounce.at - earlier.at, bounce.received - earlier.received]
    if bounce.told is not None and earlier.told is not None:
        gaps.append(bounce.told - earlier.told)
    return min(gaps)
