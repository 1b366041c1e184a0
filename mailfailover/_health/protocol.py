"""
The protocol of health: asked before each call whether a provider is up, and told of the result.

The chain asks for a :class:`Ticket` before a call and hands it back with the result. A
:class:`Hold` instead of a ticket says why a provider is passed by, and until when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mailfailover._health.breaker import Hold, ProviderHealth, Ticket
    from mailfailover._health.limits import Grant, Portion
    from mailfailover._provider.link import Link
    from mailfailover.errors import SendError


class Health(Protocol):
    """
    The health of a chain's providers. Its store may be shared between processes.

    A health that also has the methods of :class:`Allowances` counts the rates and quotas of links
    for all who share it. Otherwise each chain counts its own.
    """

    def ask(self, key: str, domain: str, lease: float) -> Ticket | Hold:
        """
        Ask for a call to *key* with a sender of *domain*.

        Where only a probe is due, one caller gets it for *lease* seconds.
        """

    def force(self, key: str, domain: str, lease: float) -> Ticket | Hold:
        """
        Ask for a call although the provider is held; one at a time.
        """

    def succeeded(self, ticket: Ticket) -> bool:
        """
        Report that the provider answered well; return whether this brought it back.
        """

    def failed(
        self, ticket: Ticket, error: SendError, *, count: bool, duration: float | None = None
    ) -> bool:
        """
        Report an error with a penalty; return whether the provider is passed by from now on.

        Args:
            ticket: The ticket of the call.

            error: How the call ended.

            count: Whether a failure counts. Otherwise only the lease is given back.

            duration: Seconds the call took; since the ticket was given where None.
        """

    def release(self, ticket: Ticket) -> None:
        """
        Give a ticket back without a verdict.
        """

    def isolate(self, key: str, seconds: float = ...) -> None:
        """
        Take *key* out of use until :meth:`reset`, or for so many *seconds*, whatever happens.
        """

    def reset(self, key: str | None = None) -> None:
        """
        Put *key*, or every provider, back into use with a clean record.
        """

    def snapshot(self) -> dict[str, ProviderHealth]:
        """
        Return how each provider stands that any mail asked for.
        """


class Allowances(Protocol):
    """
    A counter of the recipients that went through a link with a rate or a quota.
    """

    def take(self, link: Link, portion: Portion) -> Grant:
        """
        Take as much of *portion* as *link* has left; nothing where that is less than its least.
        """

    def look(self, link: Link, portion: Portion) -> Grant:
        """
        Return what :meth:`take` would, and take nothing.
        """
