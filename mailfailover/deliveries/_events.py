"""
The events of deliveries that observers are told of.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailfailover._values.face import published_in


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
