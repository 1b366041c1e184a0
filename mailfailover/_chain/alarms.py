"""
The alarms of what comes after a send: deliveries, receivers, webhooks and bounces.

Observers are told of them as of all :mod:`events <mailfailover._chain.observe>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailfailover._values.face import published_in

if TYPE_CHECKING:
    from datetime import datetime


@published_in("mailfailover.deliveries")
@dataclass(frozen=True, slots=True)
class DeliveriesDown:
    """
    Mails through a link no longer reach a receiver as they should, so they prefer other links.

    Attributes:
        key: The chain key of the link.

        receiver: The receiver, ``"*"`` for all.

        state: ``"late"``, ``"blocked"`` or ``"silent"``.

        detail: What was seen, in words and numbers, without any address.

    .. versionadded:: 0.1.0
    """

    key: str
    receiver: str
    state: str
    detail: str


@published_in("mailfailover.deliveries")
@dataclass(frozen=True, slots=True)
class DeliveriesUp:
    """
    Mails through a link reach a receiver again.

    .. versionadded:: 0.1.0
    """

    key: str
    receiver: str


@published_in("mailfailover.deliveries")
@dataclass(frozen=True, slots=True)
class ReceiverDown:
    """
    No link reaches a receiver: it is down itself, and no link is blamed.

    .. versionadded:: 0.1.0
    """

    receiver: str
    detail: str


@published_in("mailfailover.deliveries")
@dataclass(frozen=True, slots=True)
class ReceiverUp:
    """
    A receiver takes mail again.

    .. versionadded:: 0.1.0
    """

    receiver: str


@published_in("mailfailover.deliveries")
@dataclass(frozen=True, slots=True)
class WebhooksSilent:
    """
    No event came where many were due: look at the webhooks, the mails may well arrive.

    Attributes:
        key: The chain key of the link whose events are missing, ``"*"`` for those of all links.

        detail: What was seen.

    .. versionadded:: 0.1.0
    """

    key: str
    detail: str


@published_in("mailfailover.suppression")
@dataclass(frozen=True, slots=True)
class BouncesQuarantined:
    """
    A receiver refuses many addresses that it took mail for before: its bounces suppress nobody.

    Attributes:
        receiver: The operator of the mailboxes, such as ``"gmail"``.

        since: Since when its bounces count for nothing.

        addresses: How many addresses it refused by now.

    .. versionadded:: 0.1.0
    """

    receiver: str
    since: datetime
    addresses: int

    def __str__(self) -> str:
        return (
            f"{self.receiver} refused {self.addresses} addresses that it took mail for before: its "
            f"bounces since {self.since:%Y-%m-%d %H:%M} UTC suppress nobody"
        )
