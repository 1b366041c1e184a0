"""
The protocol of health: who is up, asked before each call and told of each result.

The chain asks for a :class:`Ticket` before a call and hands it back with the result. A
:class:`Hold` instead of a ticket says why a provider is passed by, and until when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mailfailover._health.breaker import Hold, ProviderHealth, Ticket
    from mailfailover.errors import SendError


class Health(Protocol):
    """
    What a chain needs to know who is well. The store may be shared between processes.
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

    def failed(self, ticket: Ticket, error: SendError, *, count: bool) -> bool:
        """
        Report an error with a penalty; return whether the provider is passed by from now on.

        Where *count* is false, a failure is forgotten and only the lease is given back.
        """

    def release(self, ticket: Ticket) -> None:
        """
        Give a ticket back without a verdict.
        """

    def isolate(self, key: str) -> None:
        """
        Take *key* out of use until :meth:`reset`, whatever happens.
        """

    def reset(self, key: str | None = None) -> None:
        """
        Put *key*, or every provider, back into use with a clean record.
        """

    def snapshot(self) -> dict[str, ProviderHealth]:
        """
        Return how each provider stands that was ever asked for.
        """
