"""
The rules of suppression: which event suppresses whom, and for what.

A bounce suppresses its recipient only where it is about the address. A refusal of the sender,
a mail taken for spam, or a server that did not answer for days says nothing of that kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mailfailover._values.events import EventType, RejectReason
from mailfailover.suppression._entry import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailfailover._values.events import DeliveryEvent

_BOUNCES: Mapping[RejectReason | None, Reason] = {
    None: Reason.BOUNCED,
    RejectReason.INVALID: Reason.BOUNCED,
    RejectReason.BOUNCED: Reason.BOUNCED,
    RejectReason.OTHER: Reason.BOUNCED,
    RejectReason.UNSUBSCRIBED: Reason.UNSUBSCRIBED,
}
# The vendor did not try: only what it says of the address counts.
_REJECTIONS: Mapping[RejectReason | None, Reason] = {
    RejectReason.INVALID: Reason.BOUNCED,
    RejectReason.BOUNCED: Reason.BOUNCED,
    RejectReason.UNSUBSCRIBED: Reason.UNSUBSCRIBED,
}
_ALWAYS = {
    EventType.COMPLAINED: Reason.COMPLAINED,
    EventType.UNSUBSCRIBED: Reason.UNSUBSCRIBED,
}


class Scope(NamedTuple):
    """
    The scope of a suppression: a stream and a domain of From; "" stands for all.
    """

    stream: str = ""
    from_domain: str = ""

    def covers(self, other: Scope) -> bool:
        """
        Whether it holds for mail of the scope *other*.

        A mail whose From is that of the link, which is chosen later, has no domain yet: it is
        covered by every one.
        """
        streams = self.stream in ("", other.stream)
        return streams and ("" in (self.from_domain, other.from_domain) or self[1] == other[1])


def reason_of(event: DeliveryEvent) -> Reason | None:
    """
    Tell why the recipient of *event* must not get more mail, None where he may.
    """
    if event.type is EventType.BOUNCED:
        return _BOUNCES.get(event.reject_reason)
    if event.type is EventType.REJECTED:
        return _REJECTIONS.get(event.reject_reason)
    return _ALWAYS.get(event.type)


def scope_of(reason: Reason, mail: Scope) -> Scope:
    """
    Return what a suppression for *reason* holds for, if the mail was of the scope *mail*.
    """
    if reason is Reason.UNSUBSCRIBED:
        return Scope(stream=mail.stream)
    return Scope(from_domain=mail.from_domain)
