"""
The provider chain: providers in an order, with their health, that send one mail.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mailfailover._chain.driver import drive
from mailfailover._chain.merge_send import MergeSend
from mailfailover._chain.parts import Parts
from mailfailover._chain.policy import Policy
from mailfailover._chain.retry import Again, later_turns
from mailfailover._chain.send import Send
from mailfailover._chain.split_merge import split_merge
from mailfailover._health.limits import LocalAllowances
from mailfailover._health.open_health import open_health
from mailfailover._setup.dsn import build_chain_spec
from mailfailover._values.face import published_in
from mailfailover._values.fork import fresh_rng
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from random import Random

    from mailfailover._chain.driver import Steps
    from mailfailover._chain.observe import Observer
    from mailfailover._chain.parts import Advice
    from mailfailover._health.protocol import Health
    from mailfailover._message.message import Message
    from mailfailover._provider.link import Link
    from mailfailover._provider.protocols import Transport
    from mailfailover._setup.ordering import Strategy
    from mailfailover._values.receipt import Receipt
    from mailfailover.errors import Attempt


@published_in("mailfailover")
class ProviderChain:
    """
    Providers, the order in which they are tried, and what is known of their health.

    Args:
        spec:
            A DSN string, a provider, a sequence of DSNs, providers and links, an ordered
            mapping ``{key: provider or DSN}``, a strategy, or another chain.

        health:
            Who is up: known in this process only by default, or shared through the Redis of
            this URL (extra ``redis``), or kept by an object of your own.

        transport: What carries requests; HTTP and SMTP over the network by default.

        observers: Callables that are told of each attempt and each change of health.

        advice: What may change the order of a mail's candidates.

        clock, wall, sleep, rng: Time and chance, for tests and simulations.

    Raises:
        ConfigurationError: If *spec* names no chain that could work.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        spec: Any,
        *,
        health: Health | str | None = None,
        transport: Transport | None = None,
        observers: Iterable[Observer] = (),
        advice: Advice | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
        rng: Random | None = None,
    ) -> None:
        strategy = build_chain_spec(spec)
        links = strategy.links()
        if not links:
            message = "the chain is empty: name at least one provider, for example console://"
            raise ConfigurationError(message)
        rng = rng or fresh_rng()
        opened: Any = open_health(health, links, clock=clock, wall=wall, rng=rng)
        self.sleep = sleep
        self.parts: Parts = Parts(
            strategy=strategy,
            links=links,
            health=opened,
            transport=_default_transport() if transport is None else transport,
            observers=tuple(observers),
            allowances=opened if hasattr(opened, "take") else LocalAllowances(clock, wall),
            clock=clock,
            wall=wall,
            rng=rng,
            advice=advice,
        )

    @property
    def strategy(self) -> Strategy:
        """
        The strategy that orders the links.
        """
        return self.parts.strategy

    @property
    def links(self) -> tuple[Link, ...]:
        """
        Its links, in the order given.
        """
        return self.parts.links

    @property
    def keys(self) -> tuple[str, ...]:
        """
        The keys of its links, in the order given.
        """
        return self.parts.keys

    @property
    def is_alone(self) -> bool:
        """
        Whether there is no provider to fail over to.
        """
        return self.parts.is_alone

    @property
    def health(self) -> Health:
        """
        The health of the providers.
        """
        return self.parts.health

    @property
    def transport(self) -> Transport:
        """
        The transport of its requests.
        """
        return self.parts.transport

    @property
    def observers(self) -> tuple[Observer, ...]:
        """
        What is told of each attempt and each change of health.
        """
        return self.parts.observers

    def send(
        self, message: Message, previous: Sequence[Attempt] = (), *, policy: Policy | None = None
    ) -> Receipt:
        """
        Send *message* through the first provider that takes it.

        Args:
            message: The mail. Its id makes a repetition recognisable.

            previous: Attempts of an earlier process, of which one may have sent it, or has.

            policy: Time limits, and what to do in doubt.

        Returns:
            A receipt: a provider accepted it for at least one recipient.

        Raises:
            InvalidMessage: No provider could send the mail; none was called.
            UnsupportedFeature: No provider here can express it; nothing was called.
            MessageRejected, RecipientRejected, RecipientSuppressed: For good.
            OutcomeUnknown: The mail may have been sent.
            AllProvidersFailed: The mail was certainly not sent.
        """
        return drive(self.steps(message, previous, policy or Policy()), self.sleep)

    def steps(
        self, message: Message, previous: Sequence[Attempt], policy: Policy
    ) -> Steps[Receipt]:
        """
        Return the steps of :meth:`send`, for any driver.
        """
        send = (MergeSend if message.is_merge else Send)(self.parts, message, policy, previous)
        try:
            if self.parts.advice is not None and isinstance(send, MergeSend) and not previous:
                groups = self.parts.advice.split(message)
                if len(groups) > 1:
                    return (yield from split_merge(send, groups))
            first = yield from send.turn()
            if not isinstance(first, Again):
                return first
            return (yield from later_turns(send.turn, first, send.time_left, send.give_up))
        finally:
            send.release()

    def renew(self, spec: Any) -> None:
        """
        Replace the links by those of *spec*. A mail that is being sent keeps its links.

        Health is kept for a provider whose configuration is unchanged: a provider
        with a new key is asked at once.

        Raises:
            ConfigurationError: If *spec* names no chain that could work; nothing has changed.

        .. versionadded:: 0.1.0
        """
        old, parts = {link.key: link.provider for link in self.links}, self.parts
        new = ProviderChain(
            spec,
            health=parts.health,
            transport=parts.transport,
            observers=parts.observers,
            advice=parts.advice,
            clock=parts.clock,
            wall=parts.wall,
            sleep=self.sleep,
            rng=parts.rng,
        )
        self.parts = new.parts
        for link in new.links:
            if link.key in old and link.provider != old[link.key]:
                self.health.reset(link.key)

    def close(self) -> None:
        """
        Close all connections.
        """
        self.transport.close()
        if (close := getattr(self.health, "close", None)) is not None:
            close()

    def __repr__(self) -> str:
        return f"ProviderChain({', '.join(self.keys)})"


def make_chain(
    spec: Any,
    health: Health | str | None,
    transport: Transport | None,
    observers: Iterable[Observer],
    advice: Advice | None = None,
) -> ProviderChain:
    """
    Return *spec* as a chain. A chain is copied with what is given beside it.
    """
    observers = tuple(observers)
    if not isinstance(spec, ProviderChain):
        return ProviderChain(
            spec, health=health, transport=transport, observers=observers, advice=advice
        )
    if health is None and transport is None and not observers and advice is None:
        return spec
    parts = spec.parts
    return ProviderChain(
        parts.strategy,
        health=parts.health if health is None else health,
        transport=parts.transport if transport is None else transport,
        observers=(*parts.observers, *observers),
        advice=parts.advice if advice is None else advice,
        clock=parts.clock,
        wall=parts.wall,
        sleep=spec.sleep,
        rng=parts.rng,
    )


def _default_transport() -> Transport:
    from mailfailover.transports import DefaultTransport

    return DefaultTransport()
